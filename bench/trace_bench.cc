// What it costs to read a leak and to find it in the index: the numbers of P6.
//
//   trace_bench [MIB]
//     reading: dirty text of MIB mebibytes, beside a copy of it
//   trace_bench index [MILLIONS] [DIR]
//     matching: a leak against so many million disclosures, made through the index's own writer
//     in DIR, 9 bytes each
//   trace_bench make [MILLIONS] [DIR] and trace_bench match [MILLIONS] [DIR]
//     the same in two steps; the index stays in DIR
//   trace_bench fresh [MILLIONS] [DIR]
//     how soon a disclosure is searchable: the index catches up with so many million entries, and
//     then again and again with one more
//   trace_bench necessity
//     tier B of a leak of 10,000 rows: colleagues, sources and overlaps of several kinds
//   trace_bench export [MILLIONS] [DIR]
//     the same leaks as CSV, for other systems: leak_ROWS.csv; subjects are the hashes the index
//     has
//   trace_bench stream [MILLIONS]
//     and the same disclosures, in the order of subjects, on standard output: a thousand million
//     are 30 GB, which nobody has to keep
//
// Prints figures, and part lines for bench/parts.sh.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "storage/file.h"
#include "trace/identifiers.h"
#include "trace/index.h"
#include "trace/match.h"
#include "trace/necessity.h"
#include "trace/read.h"

namespace {

using namespace amanat;
using namespace amanat::trace;

double cpu_now() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

void part(const char* name, double value, const char* unit, const char* words) {
  std::printf("part\t%s\t%.6g\t%s\t%s\n", name, value, unit, words);
}

// Rows of about 86 bytes: serial, national ID and phone in any layout, name, address, date.
std::string dirty_text(std::size_t bytes, std::size_t& rows) {
  std::mt19937_64 draw(7);
  std::string text;
  text.reserve(bytes + 256);
  char line[256];
  static const char* const kNames[] = {"Muhammad Ali", "Fatima Bibi", "A. Rehman",
                                       "Syed Hussain Shah", "Nasreen"};
  for (rows = 0; text.size() < bytes; ++rows) {
    const auto id = static_cast<unsigned long long>(3'000'000'000'000 + draw() % 1'000'000'000'000);
    const auto phone = static_cast<unsigned long long>(3'000'000'000 + draw() % 490'000'000);
    char number[32], call[32];
    switch (draw() % 3) {
      case 0:
        std::snprintf(number, sizeof number, "%05llu-%07llu-%llu", id / 100'000'000,
                      id / 10 % 10'000'000, id % 10);
        break;
      case 1:
        std::snprintf(number, sizeof number, "%05llu %07llu %llu", id / 100'000'000,
                      id / 10 % 10'000'000, id % 10);
        break;
      default:
        std::snprintf(number, sizeof number, "%llu", id);
    }
    switch (draw() % 4) {
      case 0:
        std::snprintf(call, sizeof call, "0%03llu-%07llu", phone / 10'000'000, phone % 10'000'000);
        break;
      case 1:
        std::snprintf(call, sizeof call, "0%llu", phone);
        break;
      case 2:
        std::snprintf(call, sizeof call, "+92%llu", phone);
        break;
      default:
        std::snprintf(call, sizeof call, "%llu", phone);
    }
    const int n = std::snprintf(
        line, sizeof line, "%zu,%s,%s,%s,House %d Street %d Lahore,2026-%02d-%02d\n", rows, number,
        call, kNames[draw() % 5], static_cast<int>(draw() % 900), static_cast<int>(draw() % 40),
        static_cast<int>(1 + draw() % 12), static_cast<int>(1 + draw() % 28));
    text.append(line, static_cast<std::size_t>(n));
  }
  return text;
}

template <class F>
double best_of(int times, F f) {
  double best = 1e9;
  for (int i = 0; i < times; ++i) {
    const double begin = cpu_now();
    f();
    best = std::min(best, cpu_now() - begin);
  }
  return best;
}

int read_bench(std::size_t mib) {
  std::size_t rows = 0;
  const std::string text = dirty_text(mib << 20, rows);
  const double mb = static_cast<double>(text.size()) / 1e6;
  std::string copy(text.size(), '\0');
  std::size_t lines = 0;
  const double memcpy_s = best_of(3, [&] { std::memcpy(copy.data(), text.data(), text.size()); });
  // std::count of line ends: what merely looking at each byte costs.
  const double count_s = best_of(3, [&] {
    lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    asm volatile("" : : "r"(lines) : "memory");
  });
  std::vector<Identifier> found;
  found.reserve(rows * 2 + 16);
  const double scan_s = best_of(3, [&] {
    found.clear();
    find_identifiers(text, found);
  });
  std::uint64_t seen = 0, numbers = 0;
  ReadOptions options;
  options.on_row = [&](const LeakRow& row) { numbers += row.identifiers.size(); };
  const double read_s = best_of(3, [&] {
    numbers = 0;
    auto summary = read_leak_bytes(text, "bench.csv", options);
    seen = summary ? summary->rows : 0;
  });
  const double r = static_cast<double>(rows);
  std::printf("%.0f MB, %zu rows, %zu lines; CPU seconds of one thread, best of 3\n", mb, rows,
              lines);
  std::printf("  memcpy      %8.0f MB/s\n  count lines %8.0f MB/s\n", mb / memcpy_s, mb / count_s);
  std::printf("  identifiers %8.0f MB/s  %.1f M rows/s, %zu of %zu found\n", mb / scan_s,
              r / scan_s / 1e6, found.size(), rows * 2);
  std::printf(
      "  read_leak   %8.0f MB/s  %.1f M rows/s, %llu rows, %llu identifiers, SHA-256 of the file "
      "included\n",
      mb / read_s, r / read_s / 1e6, static_cast<unsigned long long>(seen),
      static_cast<unsigned long long>(numbers));
  std::printf("  identifiers take %.1f times memcpy's time\n", scan_s / memcpy_s);
  part("trace_scan", mb / scan_s, "MB/s", "identifiers found in dirty text, one core");
  part("trace_scan_rows", r / scan_s / 1e6, "M rows/s", "the same in rows");
  part("trace_read", mb / read_s, "MB/s", "a leaked CSV read whole, digest included");
  part("trace_scan_per_memcpy", scan_s / memcpy_s, "x", "time beside memcpy of the same text");
  return found.size() == rows * 2 && numbers == rows * 2 ? 0 : 1;
}

double wall_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::uint64_t national_id_of(std::uint64_t citizen) {
  // Up to 200 million invented citizens spread over 13-digit numbers; odd ones are in nobody's
  // answer.
  return 1'000'000'000'000 + citizen * 39'999;
}

std::uint64_t hash_of(const IdentifierHash& hash, std::uint64_t national_id) {
  char digits[16];
  const int n =
      std::snprintf(digits, sizeof digits, "%013llu", static_cast<unsigned long long>(national_id));
  return hash({digits, static_cast<std::size_t>(n)});
}

// each_citizen gives the disclosures of a tenth as many citizens, by ascending hash; `take` returns
// whether to go on.
template <class Take>
bool each_citizen(const IdentifierHash& hash, std::uint64_t disclosures, Take take) {
  const std::uint64_t citizens = disclosures / 10;
  std::vector<std::uint64_t> hashes(citizens);
  for (std::uint64_t c = 0; c < citizens; ++c) hashes[c] = hash_of(hash, national_id_of(2 * c));
  std::sort(hashes.begin(), hashes.end());
  std::mt19937_64 draw(11);
  std::vector<std::uint64_t> postings;
  for (std::uint64_t c = 0; c < citizens; ++c) {
    postings.resize(1 + draw() % 19);
    for (auto& p : postings)
      p = pack({AccountId{static_cast<std::uint32_t>(draw() % 100'000)},
                static_cast<std::uint16_t>(9000 + draw() % 365), 1, 2});
    std::sort(postings.begin(), postings.end());
    if (!take(hashes[c], postings)) return false;
  }
  return true;
}

// make_segment writes postings through the writer every index is written by.
bool make_segment(const IdentifierHash& hash, const std::string& path, std::uint64_t disclosures) {
  auto writer = SegmentWriter::create(storage::system_disk(), path);
  if (!writer) return false;
  const bool written = each_citizen(hash, disclosures, [&](std::uint64_t of, const auto& postings) {
    return writer->add(of, postings).has_value();
  });
  return written && writer->finish({0, disclosures, {}, {"f"}}).has_value();
}

// drop takes a file out of the page cache, so that the next reader waits for the disk.
void drop(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  ::fdatasync(fd);
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::close(fd);
}

struct Leak {
  std::vector<Identifier> ids;
  explicit Leak(std::uint64_t rows, std::uint64_t citizens) {
    std::mt19937_64 draw(13);
    ids.resize(rows);
    for (auto& id : ids) {
      char digits[16];
      // Half of the rows are of citizens with disclosures.
      const std::uint64_t c = 2 * (draw() % citizens) + draw() % 2;
      std::snprintf(digits, sizeof digits, "%013llu",
                    static_cast<unsigned long long>(national_id_of(c)));
      std::copy_n(digits, 13, id.digits.begin());
      id.count = 13;
      id.layout = Layout::grouped;
    }
  }
};

std::shared_ptr<const Snapshot> opened(const std::string& path) {
  auto snapshot = std::make_shared<Snapshot>();
  auto segment = Segment::open(path);
  if (segment) snapshot->segments.push_back(std::make_shared<const Segment>(*std::move(segment)));
  return snapshot;
}

// Took is how long a match lasted, and how much of that its thread was busy.
struct Took {
  double wall = 1e9, cpu = 1e9;
};

Took match_once(const IdentifierHash& hash, std::shared_ptr<const Snapshot> snapshot,
                const Leak& leak, MatchSummary& found) {
  const Aliases none;
  const double begin = wall_now(), cpu = cpu_now();
  Matcher matcher(hash, std::move(snapshot), none, {});
  const std::uint16_t column = kNoColumn;
  LeakRow row;
  for (const auto& id : leak.ids) {
    row.identifiers = {&id, 1};
    row.columns = {&column, 1};
    ++row.number;
    matcher.take(row);
  }
  Summary read;
  read.clusters.resize(1);
  found = matcher.finish(read);
  return {wall_now() - begin, cpu_now() - cpu};
}

constexpr std::uint64_t kLeakRows[] = {1000, 100'000, 1'000'000, 10'000'000};

struct Bed {
  std::uint64_t disclosures;
  std::string directory, path;
  Key256 key;
  Bed(double millions, std::string in)
      : disclosures(static_cast<std::uint64_t>(millions * 1e6)),
        directory(std::move(in)),
        path(directory + "/trace_bench.postings") {
    key.mutable_bytes()[0] = 5;
  }
};

int make_index(const Bed& bed) {
  const double begin = wall_now(), cpu = cpu_now();
  if (!make_segment(IdentifierHash(bed.key), bed.path, bed.disclosures)) return 1;
  std::printf("written in %.1f s, %.1f s of them busy\n", wall_now() - begin, cpu_now() - cpu);
  return 0;
}

int match_bench(const Bed& bed) {
  const IdentifierHash hash(bed.key);
  const auto size = static_cast<double>(std::filesystem::file_size(bed.path));
  auto segment = Segment::open(bed.path);
  if (!segment) return 1;
  const auto postings = static_cast<double>(segment->postings());
  std::printf("%.0f M disclosures of %llu citizens: %.2f GB, %.3f bytes each\n", postings / 1e6,
              static_cast<unsigned long long>(segment->subjects()), size / 1e9, size / postings);
  part("trace_index_bytes", size / postings, "bytes", "a disclosure in the index, all in");
  bool right = size <= 9.0 * postings;
  for (const std::uint64_t rows : kLeakRows) {
    if (rows > bed.disclosures / 2) continue;
    const Leak leak(rows, bed.disclosures / 10);
    MatchSummary found;
    drop(bed.path);
    const auto snapshot = opened(bed.path);
    const Took cold = match_once(hash, snapshot, leak, found);
    Took warm;
    for (int i = 0; i < 5; ++i) {
      const Took took = match_once(hash, snapshot, leak, found);
      warm = {std::min(warm.wall, took.wall), std::min(warm.cpu, took.cpu)};
    }
    right = right && found.rows_matched > rows / 3;
    std::printf(
        "  %9llu rows: warm %.4f s (busy %.4f), cold %.3f s (busy %.3f), %llu rows matched, of "
        "%llu citizens %llu disclosures\n",
        static_cast<unsigned long long>(rows), warm.wall, warm.cpu, cold.wall, cold.cpu,
        static_cast<unsigned long long>(found.rows_matched),
        static_cast<unsigned long long>(found.citizens),
        static_cast<unsigned long long>(found.disclosures));
    const std::string name = "trace_match_" + std::to_string(rows);
    const std::string words = "a leak of so many rows against all disclosures, in memory; " +
                              std::to_string(found.disclosures) + " found";
    part(name.c_str(), warm.wall, "s", words.c_str());
    part((name + "_cold").c_str(), cold.wall, "s", "the same, the index read from the disk");
  }
  return right ? 0 : 1;
}

int index_bench(const Bed& bed) {
  int code = make_index(bed);
  if (code == 0) code = match_bench(bed);
  std::filesystem::remove(bed.path);
  return code;
}

// fresh_bench: the time from an entry being in the ledger to a snapshot that has it.
int fresh_bench(const Bed& bed) {
  const IdentifierHash hash(bed.key);
  const std::string directory = bed.directory + "/trace_bench.index";
  std::filesystem::remove_all(directory);
  auto index = Index::open({directory});
  if (!index) return 1;
  std::uint64_t entries = bed.disclosures;
  ledger::Opened entry;
  entry.type = EntryType::disclosure;
  entry.subject = Label{};
  entry.actor = Actor{AccountId{7}, KeyKind::certificate, {}};
  entry.parts[static_cast<std::size_t>(BodyPart::value_versions) - 1] = std::string(22, '\1');
  entry.parts[static_cast<std::size_t>(BodyPart::granted_fields) - 1] = "fields";
  const ScanLedger scan = [&](EntryIndex from, const auto& visit) -> Result<void> {
    for (std::uint64_t i = number(from); i < entries; ++i) {
      entry.index = EntryIndex{i};
      entry.time = Moment{kDayZeroMs + 9000ull * 86'400'000 + i};
      std::memcpy(entry.subject->data(), &i, sizeof i);
      if (!visit(entry)) return {};
    }
    return {};
  };
  const NameOfLabel name = [&](const Label& label) {
    std::uint64_t citizen = 0;
    std::memcpy(&citizen, label.data(), sizeof citizen);
    return std::optional(hash_of(hash, national_id_of(citizen % (bed.disclosures / 10 + 1))));
  };
  const double begin = wall_now(), cpu = cpu_now();
  if (!(*index)->catch_up(scan, name)) return 1;
  const double wall = wall_now() - begin, busy = cpu_now() - cpu;
  const auto n = static_cast<double>(entries);
  double longest = 0, sum = 0;
  constexpr int kMore = 50;
  for (int i = 0; i < kMore; ++i) {
    const double one = wall_now();
    ++entries;
    if (!(*index)->catch_up(scan, name)) return 1;
    if ((*index)->snapshot()->entries != entries) return 1;
    longest = std::max(longest, wall_now() - one);
    sum += wall_now() - one;
  }
  std::printf(
      "caught up with %.1f M entries in %.2f s (busy %.2f); one more each time, searchable after "
      "%.1f ms on average, %.1f ms at most\n",
      n / 1e6, wall, busy, sum / kMore * 1e3, longest * 1e3);
  part("trace_caught_up", n / wall, "entries/s", "the index catching up with the ledger");
  part("trace_fresh", longest * 1e3, "ms", "from an entry to its being searchable, at most of 50");
  std::filesystem::remove_all(directory);
  return 0;
}

// Each row is of one of the sources, of each colleague with the chance `overlap`, and of three of
// 20,000 strangers.
std::vector<SourcedRow> rows_of_leak(double overlap, unsigned sources, unsigned colleagues) {
  std::mt19937_64 draw(5);
  std::uniform_real_distribution<double> unit(0, 1);
  std::vector<SourcedRow> rows;
  for (unsigned r = 0; r < 10'000; ++r) {
    SourcedRow row{std::to_string(r), {1}, {100 + static_cast<std::uint32_t>(draw() % sources)}};
    for (std::uint32_t a = 100; a < 100 + colleagues; ++a)
      if (unit(draw) < overlap) row.accounts.push_back(a);
    for (int k = 0; k < 3; ++k)
      row.accounts.push_back(1000 + static_cast<std::uint32_t>(draw() % 20'000));
    rows.push_back(std::move(row));
  }
  return rows;
}

int necessity_bench() {
  double longest = 0;
  unsigned cut = 0, cut_small = 0, all = 0;
  for (const double overlap : {.28, .75, .9})
    for (const unsigned sources : {1u, 3u, 5u})
      for (const unsigned colleagues : {20u, 60u}) {
        const auto rows = rows_of_leak(overlap, sources, colleagues);
        const double begin = cpu_now();
        const auto table = necessity(rows, {});
        const double busy = cpu_now() - begin;
        longest = std::max(longest, busy);
        for (const Necessity& at : table) {
          ++all;
          bool exact = at.residual == at.residual_least;
          for (const Margin& m : at.margins) exact = exact && m.exact;
          cut += exact ? 0 : 1;
          cut_small += exact || at.sources > 3 ? 0 : 1;
        }
      }
  std::printf(
      "10,000 rows, c = 1, 2, 3, 5: busy %.2f s at most; %u of %u tables cut, %u of c <= 3\n",
      longest, cut, all, cut_small);
  part("trace_necessity", longest, "s", "tier B of a leak of 10,000 rows, c = 1, 2, 3 and 5");
  return cut_small == 0 ? 0 : 1;
}

// The index's own hash is the subject: what another system would have computed too is not asked of
// it again.
int export_bench(const Bed& bed) {
  const IdentifierHash hash(bed.key);
  bool whole = true;
  for (const std::uint64_t rows : kLeakRows) {
    if (rows > bed.disclosures / 2) continue;
    std::FILE* leaked =
        std::fopen((bed.directory + "/leak_" + std::to_string(rows) + ".csv").c_str(), "w");
    if (leaked == nullptr) return 1;
    for (const auto& id : Leak(rows, bed.disclosures / 10).ids)
      std::fprintf(leaked, "%lld\n", static_cast<long long>(hash(id.canonical())));
    whole = std::fclose(leaked) == 0 && whole;
  }
  return whole ? 0 : 1;
}

char* put_number(char* to, std::int64_t value, char after) {
  to = std::to_chars(to, to + 24, value).ptr;
  *to++ = after;
  return to;
}

int stream_bench(const Bed& bed) {
  const IdentifierHash hash(bed.key);
  std::vector<char> buffer(1 << 20);
  char* at = buffer.data();
  const auto flush = [&] {
    for (const char* from = buffer.data(); from < at;) {
      const ssize_t n = ::write(STDOUT_FILENO, from, static_cast<std::size_t>(at - from));
      if (n <= 0) return false;
      from += n;
    }
    at = buffer.data();
    return true;
  };
  const bool whole =
      each_citizen(hash, bed.disclosures, [&](std::uint64_t of, const auto& postings) {
        if (buffer.data() + buffer.size() - at < 4096 && !flush()) return false;
        for (const std::uint64_t bits : postings) {
          const Posting p = unpack(bits);
          at = put_number(at, static_cast<std::int64_t>(of), ',');
          at = put_number(at, number(p.account), ',');
          at = put_number(at, p.day, ',');
          at = put_number(at, p.version, ',');
          at = put_number(at, p.fields, '\n');
        }
        return true;
      });
  return whole && flush() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::string_view what = argc > 1 ? argv[1] : "";
  const Bed bed(argc > 2 ? std::strtod(argv[2], nullptr) : 20, argc > 3 ? argv[3] : "/tmp");
  if (what == "index") return index_bench(bed);
  if (what == "make") return make_index(bed);
  if (what == "match") return match_bench(bed);
  if (what == "necessity") return necessity_bench();
  if (what == "fresh") return fresh_bench(bed);
  if (what == "export") return export_bench(bed);
  if (what == "stream") return stream_bench(bed);
  return read_bench(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 64);
}
