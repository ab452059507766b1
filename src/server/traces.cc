#include "server/traces.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "net/json.h"
#include "server/log.h"
#include "server/sealed_file.h"
#include "server/trace_words.h"
#include "storage/file.h"
#include "trace/extraction.h"

namespace amanat::server {
namespace {

constexpr std::size_t kCaseBytesMax = 1 << 20, kTextMax = 200, kCasesMax = 10'000, kAuditors = 2;
constexpr std::uint64_t kLeakBytesMax = std::uint64_t{1} << 40;

bool is_active(TraceState s) {
  return s == TraceState::reading || s == TraceState::sealing || s == TraceState::unlocking ||
         s == TraceState::weighing;
}
bool is_over(TraceState s) {
  return s == TraceState::closed || s == TraceState::cancelled || s == TraceState::failed;
}
bool is_sealed(TraceState s) {
  return s == TraceState::unlocking || s == TraceState::weighing || s == TraceState::closed;
}

std::string short_text(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kTextMax))
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) out.push_back(c);
  return out;
}

}  // namespace

std::string_view word_of(TraceState state) {
  static constexpr std::string_view kWords[] = {"receiving", "reading",   "waiting",
                                                "sealing",   "unlocking", "weighing",
                                                "closed",    "cancelled", "failed"};
  return kWords[static_cast<std::size_t>(state)];
}

Traces::Traces(Exchange& exchange, std::string directory)
    : exchange_(exchange), directory_(std::move(directory)) {
  load();
}

Traces::~Traces() { stop(); }

Result<Key256> Traces::key() const { return exchange_.finds_key(); }

void Traces::load() {
  std::error_code error;
  for (const auto& at : std::filesystem::directory_iterator(directory_, error)) {
    auto text = storage::read_file(at.path().string() + "/case.json", kCaseBytesMax);
    if (!text) continue;
    auto one = parse_case(*text);
    // A case whose name is not its place was not written here.
    if (one && one->id == at.path().filename().string() && cases_.size() < kCasesMax)
      cases_.push_back(*std::move(one));
  }
  std::ranges::sort(cases_, {}, [](const TraceCase& c) { return std::pair(c.begun, c.id); });
}

TraceCase* Traces::known(std::string_view id) {
  const auto at = std::ranges::find(cases_, id, &TraceCase::id);
  return at == cases_.end() ? nullptr : &*at;
}
const TraceCase* Traces::known(std::string_view id) const {
  const auto at = std::ranges::find(cases_, id, &TraceCase::id);
  return at == cases_.end() ? nullptr : &*at;
}

// keep writes a case down and shows it to whoever asks; called by whoever works on it. Who opened
// it meanwhile stays, and so does a cancellation.
Result<void> Traces::keep(const TraceCase& one) {
  const std::lock_guard lock(mutex_);
  TraceCase* const kept = known(one.id);
  insist(kept != nullptr);
  if (kept->state == TraceState::cancelled) return {};
  TraceCase fresh = one;
  if (kept->opened_by.size() > fresh.opened_by.size()) fresh.opened_by = kept->opened_by;
  if (fresh.state == TraceState::waiting && fresh.opened_by.size() >= kAuditors)
    fresh.state = TraceState::sealing;
  auto put = storage::replace_file(storage::system_disk(), place(one.id) + "/case.json",
                                   write_case(fresh), 0600);
  *kept = std::move(fresh);
  changed_.notify_all();
  return put;
}

Result<std::string> Traces::begin(const Begin& begin) {
  if (begin.bytes == std::uint64_t{0}) return fail(Reason::malformed_value, "bytes: an empty file");
  if (begin.bytes.value_or(0) > kLeakBytesMax) return fail(Reason::body_too_large, "a tebibyte at most");
  const std::string today = trace::day_of(now());
  const std::string day = begin.leak_day.empty() ? today : begin.leak_day;
  if (!trace::valid_day(day) || day > today)
    return fail(Reason::malformed_value, "leak_day: YYYY-MM-DD, not in the future");
  TraceCase one;
  {
    const std::lock_guard lock(mutex_);
    for (const TraceCase& c : cases_)
      if (!is_over(c.state)) return fail(Reason::trace_running, c.id);
    std::uint64_t number = 1;
    for (const TraceCase& c : cases_) {
      std::uint64_t n = 0;
      std::from_chars(c.id.data() + std::min<std::size_t>(1, c.id.size()),
                      c.id.data() + c.id.size(), n);
      number = std::max(number, n + 1);
    }
    one.id = "t" + std::to_string(number);
    one.name = short_text(begin.name);
    one.brought_by = short_text(begin.brought_by);
    one.leak_day = day;
    one.bytes = begin.bytes.value_or(0);
    one.begun = now();
    std::error_code error;
    std::filesystem::create_directories(place(one.id), error);
    if (error) return fail(Reason::file_failed, error.message());
    std::filesystem::permissions(directory_, std::filesystem::perms::owner_all, error);
    cases_.push_back(one);
  }
  if (auto kept = keep(one); !kept) return std::unexpected(kept.error());
  return one.id;
}

// put writes a part of what is being received where it belongs.
Result<void> Traces::put(TraceCase& one, std::uint64_t offset, std::string_view part) {
  if (one.state != TraceState::receiving)
    return fail(Reason::trace_not_so_far, "the file is there already");
  if (offset + part.size() > (one.bytes == 0 ? kLeakBytesMax : one.bytes))
    return fail(Reason::malformed_value, "more bytes than were announced");
  auto secret = key();
  if (!secret) return std::unexpected(secret.error());
  SealedWriter writer(place(one.id) + "/find", *std::move(secret), one.id + "/find");
  return writer.append(offset, part);
}

Result<std::uint64_t> Traces::append(std::string_view id, std::uint64_t offset,
                                     std::string_view part) {
  auto one = find(id);
  if (!one) return std::unexpected(one.error());
  const std::uint64_t have = offset + part.size();
  const bool last = one->bytes != 0 && have == one->bytes;
  if (!last && part.size() != kSealedPiece)
    return fail(one->state == TraceState::receiving ? Reason::malformed_value
                                                    : Reason::trace_not_so_far,
                "every part but the last is 49,152 bytes");
  if (auto done = put(*one, offset, part); !done) return std::unexpected(done.error());
  if (!last) return have;
  one->state = TraceState::reading;
  if (auto kept = keep(*one); !kept) return std::unexpected(kept.error());
  wake();
  return have;
}

Result<std::uint64_t> Traces::append_last(std::string_view id, std::uint64_t offset,
                                          std::string_view part) {
  auto one = find(id);
  if (!one) return std::unexpected(one.error());
  if (one->bytes != 0 || part.empty() || part.size() > kSealedPiece)
    return fail(Reason::malformed_value, "the last part of a file");
  if (auto done = put(*one, offset, part); !done) return std::unexpected(done.error());
  one->bytes = offset + part.size();
  one->state = TraceState::reading;
  if (auto kept = keep(*one); !kept) return std::unexpected(kept.error());
  wake();
  return one->bytes;
}

Result<std::string> Traces::take_file(const std::string& path, const Begin& how) {
  std::ifstream in(path, std::ios::binary);
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (!in || error) return fail(Reason::file_failed, path);
  Begin begun = how;
  begun.bytes = size;
  if (begun.name.empty()) begun.name = std::filesystem::path(path).filename().string();
  auto id = begin(begun);
  if (!id) return id;
  std::string part(kSealedPiece, '\0');
  for (std::uint64_t at = 0; at < size;) {
    in.read(part.data(), static_cast<std::streamsize>(part.size()));
    const auto n = static_cast<std::size_t>(in.gcount());
    if (n == 0) {
      const auto ended = cancel(*id);
      return fail(Reason::file_failed, ended ? "the file shrank while it was read" : path);
    }
    auto have = append(*id, at, std::string_view(part).substr(0, n));
    if (!have) return std::unexpected(have.error());
    at = *have;
  }
  return id;
}

Result<TraceCase> Traces::open_by(const Caller& confirmed, std::string_view id) {
  auto one = find(id);
  if (!one) return one;
  const Asker& asker = confirmed.asker();
  if (!exchange_.policy().may(asker, "audit")) return fail(Reason::not_your_right, "audit");
  if (!confirmed.act() || confirmed.act()->verb != "open-trace" || confirmed.act()->target != id)
    return fail(Reason::act_wrong, "verb open-trace, target the trace");
  if (is_over(one->state) || is_sealed(one->state) || one->state == TraceState::sealing)
    return fail(Reason::trace_not_so_far, std::string(word_of(one->state)));
  if (std::ranges::find(one->opened_by, asker.id) != one->opened_by.end())
    return fail(Reason::not_yourself, "two auditors open a trace");
  if (auto recorded = exchange_.record_trace_act("trace opened", confirmed); !recorded)
    return std::unexpected(recorded.error());
  {
    const std::lock_guard lock(mutex_);
    TraceCase* kept = known(id);
    kept->opened_by.push_back(asker.id);
    *one = *kept;
  }
  if (auto kept = keep(*one); !kept) return std::unexpected(kept.error());
  wake();
  return find(id);
}

Result<void> Traces::cancel(std::string_view id) {
  TraceCase one;
  {
    const std::lock_guard lock(mutex_);
    TraceCase* kept = known(id);
    if (kept == nullptr) return fail(Reason::trace_unknown, {});
    if (is_over(kept->state) || is_sealed(kept->state) || kept->state == TraceState::sealing)
      return fail(Reason::trace_not_so_far, std::string(word_of(kept->state)));
    if (is_active(kept->state)) stop_work_ = true;
    kept->state = TraceState::cancelled;
    one = *kept;
    changed_.notify_all();
  }
  if (auto put = storage::replace_file(storage::system_disk(), place(id) + "/case.json",
                                       write_case(one), 0600);
      !put)
    return put;
  std::error_code ignored;
  for (const char* file : {"/find", "/work", "/strays"}) std::filesystem::remove(place(id) + file, ignored);
  return {};
}

std::vector<TraceCase> Traces::list() const {
  const std::lock_guard lock(mutex_);
  return cases_;
}

Result<TraceCase> Traces::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const TraceCase* one = known(id);
  if (one == nullptr) return fail(Reason::trace_unknown, {});
  return *one;
}

Result<trace::Files> Traces::work_of(const std::string& id, std::string_view file) const {
  auto secret = key();
  if (!secret) return std::unexpected(secret.error());
  const std::string name(file);
  auto bytes = read_sealed(place(id) + "/" + name, *secret, id + "/" + name);
  if (!bytes) return std::unexpected(bytes.error());
  return trace::read_container(*bytes);
}

Result<void> Traces::keep_work(const std::string& id, const trace::Files& files,
                               std::string_view file) {
  auto secret = key();
  if (!secret) return std::unexpected(secret.error());
  const std::string name(file);
  return write_sealed(place(id) + "/" + name, *secret, id + "/" + name,
                      trace::write_container(files));
}

Result<std::string> Traces::made(std::string_view id, const std::string& file) const {
  auto one = find(id);
  if (!one) return std::unexpected(one.error());
  auto files = work_of(one->id);
  const auto at = files ? files->find(file) : trace::Files::iterator();
  if (!files || at == files->end())
    return fail(Reason::trace_not_so_far, std::string(word_of(one->state)));
  return at->second;
}

Result<std::string> Traces::summary(std::string_view id) const { return made(id, "summary.json"); }
Result<std::string> Traces::impact(std::string_view id) const { return made(id, "impact.csv"); }
Result<std::string> Traces::findings(std::string_view id) const {
  return made(id, "findings.json");
}

Result<std::string> Traces::bundle(std::string_view id) const {
  auto one = find(id);
  if (!one) return std::unexpected(one.error());
  if (!one->bundle) return fail(Reason::trace_not_so_far, "there is no bundle: nobody is named");
  auto files = work_of(one->id, "bundle");
  if (!files) return std::unexpected(files.error());
  return trace::write_container(*files);
}

Result<std::string> Traces::report(std::string_view id, std::string_view file) const {
  return made(id, "report/" + std::string(file));
}

Result<std::vector<Traces::OwnLeak>> Traces::leaks_of(const Label& label) const {
  std::vector<OwnLeak> out;
  const std::string own = crypto::hex(label) + ",";
  for (const TraceCase& one : list()) {
    if (one.state != TraceState::closed) continue;
    auto csv = impact(one.id);
    if (!csv) return std::unexpected(csv.error());
    for (std::size_t at = 0; at < csv->size();) {
      const std::size_t end = std::min(csv->find('\n', at), csv->size());
      const std::string line = csv->substr(at, end - at);
      at = end + 1;
      if (!line.starts_with(own)) continue;
      OwnLeak leak{one.id, one.leak_day, {}};
      const std::string fields = line.substr(own.size(), line.rfind(',') - own.size());
      for (std::size_t from = 0; from < fields.size();) {
        const std::size_t to = std::min(fields.find(' ', from), fields.size());
        leak.fields.push_back(fields.substr(from, to - from));
        from = to + 1;
      }
      out.push_back(std::move(leak));
    }
  }
  return out;
}

void Traces::wake() {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  called_ = true;
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_all();
}

void Traces::resume() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = false;
    stop_work_ = false;
  }
  bool any = false;
  for (const TraceCase& c : list()) any = any || is_active(c.state);
  if (any) wake();
}

void Traces::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    stop_work_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

Result<TraceCase> Traces::rest(std::string_view id, const std::function<bool()>& give_up) {
  for (;;) {
    auto one = find(id);
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return fail(Reason::shutting_down, {});
    }
    if (!one || !is_active(one->state) || (give_up && give_up())) return one;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(100));
  }
}

namespace {

constexpr std::chrono::seconds kTryAgain{2};

// The auditor, or the witnesses, do not answer at present: they are waited for.
bool others_are_away(Reason reason) {
  return reason == Reason::witnesses_silent || reason == Reason::peer_unreachable;
}

}  // namespace

void Traces::run() {
  for (;;) {
    TraceCase one;
    {
      std::unique_lock lock(mutex_);
      const auto next = [this] {
        return std::ranges::find_if(cases_, [](const TraceCase& c) { return is_active(c.state); });
      };
      changed_.wait(lock, [&] { return stopping_ || (called_ && next() != cases_.end()); });
      if (stopping_) return;
      one = *next();
      stop_work_ = false;
    }
    done_ = total_ = 0;
    one.trouble.clear();
    auto done = step(one);
    if (done) continue;
    const std::string trouble = std::string(row_of(done.error().reason).english) +
                                (done.error().detail.empty() ? "" : " " + done.error().detail);
    {
      std::unique_lock lock(mutex_);
      if (stopping_) return;  // done again at the next start
      const TraceCase* kept = known(one.id);
      if (kept == nullptr || kept->state == TraceState::cancelled) continue;
      if (kept->opened_by.size() > one.opened_by.size()) one.opened_by = kept->opened_by;
      if (others_are_away(done.error().reason)) {
        // What was sealed stays sealed: a second envelope would cost a bound of its own.
        known(one.id)->trouble = trouble;
        changed_.notify_all();
        changed_.wait_for(lock, kTryAgain, [this] { return stopping_; });
        continue;
      }
    }
    log(LogLevel::error, "trace-failed",
        {{"trace", one.id}, {"reason", std::string(row_of(done.error().reason).id)}});
    one.state = TraceState::failed;
    one.trouble = trouble;
    if (!keep(one)) return;  // the disk is full: at the next start
  }
}

Result<void> Traces::step(TraceCase& one) {
  switch (one.state) {
    case TraceState::reading:
      return read(one);
    case TraceState::sealing:
      return seal(one);
    case TraceState::unlocking:
      return unlock(one);
    case TraceState::weighing:
      return weigh(one);
    default:
      return {};
  }
}

}  // namespace amanat::server
