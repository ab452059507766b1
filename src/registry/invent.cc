// Invented citizens (docs/detection.md, Canaries). Each is drawn after a family that the registers
// have: as many numbers, calls, stays and reports, with kin who are invented as well, but names of
// one citizen, an address of another, dates moved, and numbers from the ranges the catalog
// reserves.
//
// Invariants
//  1. no record of a real citizen names an invented one, nor the other way round: calls of invented
//     numbers go to invented numbers, and a report of one has a number that no report has;
//  2. a record is as old as the one it was drawn after: the day an answer shows tells nothing;
//  3. kin stop where the family of the one who was drawn stops: only of that one is everything as
//  it
//     is of anybody. The kin are invented as well, and planted as well.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <unordered_map>

#include "crypto/crypto.h"
#include "registry/fetch.h"
#include "registry/keep.h"
#include "registry/normalise.h"
#include "registry/registry.h"
#include "registry/state.h"

namespace amanat::registry {
namespace {

constexpr std::size_t kSampleMin = 1000, kSampleMax = 20'000;
constexpr std::size_t kFamilyMax = 60;
constexpr std::size_t kFewKinds =
    64;  // a part with no more different texts is a word, not a number
constexpr std::int64_t kDay = 86'400;

// Dice draws from the system's randomness, a page at a time.
class Dice {
 public:
  std::uint64_t below(std::uint64_t n) {
    if (at_ + 8 > bytes_.size()) {
      crypto::random_bytes(bytes_);
      at_ = 0;
    }
    std::uint64_t out = 0;
    std::memcpy(&out, bytes_.data() + at_, 8);
    at_ += 8;
    return out % n;
  }
  std::int64_t within(std::int64_t most) {
    return static_cast<std::int64_t>(below(static_cast<std::uint64_t>(2 * most + 1))) - most;
  }
  template <class T>
  const T& of(const std::vector<T>& many) {
    return many[below(many.size())];
  }

 private:
  std::array<std::uint8_t, 4096> bytes_{};
  std::size_t at_ = bytes_.size();
};

struct Drawn {  // one record of a citizen
  const Dataset* dataset = nullptr;
  Moment taken_in{};
  std::vector<std::string> values;  // by field
};
struct Person {
  std::string id;
  std::vector<Drawn> records;
  std::vector<std::string> numbers;
  const Drawn* main() const {
    for (const Drawn& r : records)
      if (r.dataset->one) return &r;
    return nullptr;
  }
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_number(const Field& f) { return f.type == FieldType::msisdn || f.type == FieldType::phone; }
bool is_date(const Field& f) { return f.type == FieldType::date || f.type == FieldType::datetime; }

// parts splits an address, a cell or a report's number into its words, each with what follows it.
std::vector<std::string> parts(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : text) {
    word.push_back(c);
    if (std::string_view(" ,-/").find(c) != std::string_view::npos) {
      out.push_back(word);
      word.clear();
    }
  }
  out.push_back(word);
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// written writes a name as the other is written: in capitals, or each word with one.
std::string written(std::string_view name, std::string_view as) {
  std::string out = lower(name);
  const bool capitals = lower(as) != as && std::none_of(as.begin(), as.end(), [](char c) {
                          return c >= 'a' && c <= 'z';
                        });
  for (std::size_t i = 0; i < out.size(); ++i)
    if (out[i] >= 'a' && out[i] <= 'z' && (capitals || i == 0 || out[i - 1] == ' '))
      out[i] = static_cast<char>(out[i] - 'a' + 'A');
  return out;
}

std::string text_of_seconds(std::int64_t seconds, bool with_time) {
  using namespace std::chrono;
  const std::int64_t days_since = (seconds >= 0 ? seconds : seconds - kDay + 1) / kDay;
  const year_month_day date(sys_days(days(static_cast<int>(days_since))));
  const std::int64_t rest = seconds - days_since * kDay;
  char out[48];
  const int n =
      std::snprintf(out, sizeof out, with_time ? "%04d-%02u-%02uT%02d:%02d:%02d" : "%04d-%02u-%02u",
                    static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                    static_cast<unsigned>(date.day()), static_cast<int>(rest / 3600),
                    static_cast<int>(rest / 60 % 60), static_cast<int>(rest % 60));
  return {out, static_cast<std::size_t>(n)};
}

class Inventor {
 public:
  Inventor(Archive& archive, const Registry::InventOptions& options)
      : archive_(archive), options_(options) {
    for (const Dataset& d : archive.catalog.datasets()) {
      if (!d.keep || d.tree || d.live) continue;
      datasets_.push_back(&d);
      if (d.one) main_ = &d;
    }
    for (const Dataset& d : archive.catalog.datasets())
      if (d.tree) follow_ = d.tree_links;
  }

  Result<Registry::Invented> invent();

 private:
  struct Family {
    std::vector<Person> people;  // the one who was drawn comes first
    std::map<std::string, std::string> ids, numbers, names, texts;
  };
  struct Stub {  // one end of a call with somebody outside the family
    Drawn record;
    std::string own;
    std::size_t family = 0;
  };

  Result<void> sample();
  Result<std::optional<Person>> read(const SubjectName& name);
  Result<void> read_records(const Dataset& d, vault::Slot slot, Person& person);
  Result<void> read_record(const Dataset& d, const RecordKey& key, Person& person);
  Result<void> one_family(std::size_t which);
  Result<bool> number_family(Family& family);
  Result<std::string> unused(const std::string& after, std::size_t keep, SubjectKind kind,
                             const std::vector<Rules::Range>& ranges);
  Result<void> name_family(Family& family);
  void take_names(Family& family, const Drawn& old, const Drawn& now);
  std::string renamed(Family& family, const Person& person, std::size_t field,
                      const std::string& name);
  const Person& alike(const Person& person, bool kin);
  std::string reworded(Family& family, const Dataset& d, std::size_t field,
                       const std::string& locality, const std::string& text);
  Result<std::string> fresh(const Dataset& d, std::size_t field, const std::string& text);
  void move_dates(Drawn& record);
  Result<bool> transform(Family& family, const Person& person, Drawn& record);
  Result<void> keep(Drawn record);
  void call(std::size_t which, const Family& family, const Drawn& record);
  Result<void> connect();
  Result<void> write();

  Archive& archive_;
  const Registry::InventOptions& options_;
  std::vector<const Dataset*> datasets_;
  const Dataset* main_ = nullptr;
  std::vector<std::string> follow_;
  Dice dice_;
  std::vector<Person> sample_;
  struct Pool {
    std::map<std::string, std::vector<std::vector<std::string>>> by_place;  // parts, by locality
    std::vector<std::set<std::string>> kinds;                               // of each part
    std::size_t seen = 0;
    std::int64_t first = INT64_MAX, last = INT64_MIN;  // of dates
  };
  std::map<std::pair<std::string, std::size_t>, Pool> pools_;
  std::set<std::string> taken_;  // names drawn in this run
  std::vector<Stub> calls_out_, calls_in_;
  std::vector<std::pair<std::string, std::size_t>> invented_numbers_;
  std::map<std::pair<std::string, std::uint64_t>, std::vector<Drawn>> rows_;
  Registry::Invented out_;
};

Result<void> Inventor::read_record(const Dataset& d, const RecordKey& key, Person& person) {
  auto opened = open_record(archive_, key);
  if (!opened) return std::unexpected(opened.error());
  if (!*opened) return {};
  Drawn drawn{&d, (*opened)->taken_in, std::vector<std::string>(d.fields.size())};
  auto reader = RecordReader::over((*opened)->plain.view());
  if (!reader) return std::unexpected(reader.error());
  if (person.id.empty() && reader->kind() == SubjectKind::national_id)
    person.id = reader->subject();
  RecordReader::Value value;
  for (;;) {
    auto more = reader->next(value);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    const auto field = archive_.numbers.field_of(d.id, value.field);
    if (!field) continue;
    WipingBuffer linked;
    std::string_view text = value.value;
    if (value.linked) {
      auto read = link_value(archive_.vault, (*opened)->name, (*opened)->version, value, linked);
      if (!read) return std::unexpected(read.error());
      text = *read;
    }
    drawn.values[*field] = text;
  }
  person.records.push_back(std::move(drawn));
  return {};
}

Result<void> Inventor::read_records(const Dataset& d, vault::Slot slot, Person& person) {
  std::vector<RecordKey> keys;
  auto scanned =
      archive_.store.scan(storage::Table::records, subject_prefix(archive_.numbers.of(d.id), slot),
                          {}, [&](std::string_view key, std::string_view) {
                            if (const auto k = decode_record_key(key)) keys.push_back(*k);
                            return keys.size() < 2000;
                          });
  if (!scanned) return scanned;
  for (const RecordKey& key : keys)
    if (auto ok = read_record(d, key, person); !ok) return ok;
  return {};
}

Result<std::optional<Person>> Inventor::read(const SubjectName& name) {
  auto row = find_subject(archive_.store, archive_.vault.tag(name));
  if (!row) return std::unexpected(row.error());
  Person person;
  person.id = name.value;
  if (!*row || !(*row)->has_records) return person;
  for (const Dataset* d : datasets_)
    if (!d->about_numbers())
      if (auto ok = read_records(*d, (*row)->slot, person); !ok) return std::unexpected(ok.error());
  auto numbers = numbers_of(archive_, (*row)->slot, Holding::current);
  if (!numbers) return std::unexpected(numbers.error());
  person.numbers = *std::move(numbers);
  for (const std::string& number : person.numbers) {
    auto held =
        find_subject(archive_.store, archive_.vault.tag(SubjectName{SubjectKind::msisdn, number}));
    if (!held) return std::unexpected(held.error());
    if (!*held || !(*held)->has_records) continue;
    for (const Dataset* d : datasets_)
      if (d->about_numbers())
        if (auto ok = read_records(*d, (*held)->slot, person); !ok)
          return std::unexpected(ok.error());
  }
  return person;
}

// sample draws citizens: subjects lie by their tags, and tags are uniform, so whoever stands behind
// a random tag is a fair draw.
Result<void> Inventor::sample() {
  const std::size_t wanted = std::clamp<std::size_t>(2 * options_.citizens, kSampleMin, kSampleMax);
  std::set<std::string> met;
  for (std::size_t tries = 0; tries < 8 * wanted && sample_.size() < wanted; ++tries) {
    Tag from{};
    crypto::random_bytes(from);
    std::optional<SubjectRow> row;
    auto scanned = archive_.store.scan(storage::Table::subjects, {}, view(from),
                                       [&](std::string_view, std::string_view value) {
                                         if (auto read = decode_subject(value)) row = *read;
                                         return false;
                                       });
    if (!scanned) return scanned;
    if (!row || !row->has_records || row->erasing) continue;
    Person found;
    if (auto ok = read_records(*main_, row->slot, found); !ok) return ok;
    if (found.main() == nullptr || found.id.empty() || !met.insert(found.id).second) continue;
    const SubjectName name{SubjectKind::national_id, found.id};
    if (options_.invented && options_.invented(name)) continue;
    auto person = read(name);
    if (!person) return std::unexpected(person.error());
    sample_.push_back(**std::move(person));
    if (options_.progress) options_.progress(0, sample_.size());
  }
  for (const Person& person : sample_) {
    for (const Drawn& record : person.records) {
      for (std::size_t f = 0; f < record.values.size(); ++f) {
        const Field& field = record.dataset->fields[f];
        const std::string& text = record.values[f];
        if (text.empty()) continue;
        Pool& pool = pools_[{record.dataset->name, f}];
        if (is_date(field)) {
          if (const auto at = seconds_of(text)) {
            pool.first = std::min(pool.first, *at);
            pool.last = std::max(pool.last, *at);
          }
        } else if (field.type == FieldType::text || field.type == FieldType::digits) {
          auto words = parts(text);
          ++pool.seen;
          if (pool.kinds.size() < words.size()) pool.kinds.resize(words.size());
          for (std::size_t i = 0; i < words.size(); ++i) pool.kinds[i].insert(words[i]);
          pool.by_place[person.id.substr(0, 5)].push_back(std::move(words));
        }
      }
    }
  }
  return {};
}

// unused draws a name after another: its first `keep` digits and its last, the rest by chance, from
// the reserved ranges, and one that no register knows.
Result<std::string> Inventor::unused(const std::string& after, std::size_t keep, SubjectKind kind,
                                     const std::vector<Rules::Range>& ranges) {
  const bool id = kind == SubjectKind::national_id;
  const std::size_t prefix = id ? 0 : after.size() - std::min<std::size_t>(10, after.size());
  for (int tries = 0; tries < 2000; ++tries) {
    std::string name = after;
    for (std::size_t i = keep; i < name.size() - (id ? 1 : 0); ++i)
      name[i] = static_cast<char>('0' + dice_.below(10));
    const std::string_view digits = std::string_view(name).substr(prefix);
    if (std::none_of(ranges.begin(), ranges.end(), [&](const auto& r) { return r.holds(digits); }))
      continue;
    auto known = find_subject(archive_.store, archive_.vault.tag(SubjectName{kind, name}));
    if (!known) return std::unexpected(known.error());
    if (!*known && taken_.insert(name).second) return name;
  }
  return fail(Reason::usage_wrong,
              id ? "the catalog's [rules.reserved] has no free national_id near a citizen's"
                 : "the catalog's [rules.reserved] has no free mobile number near a citizen's");
}

Result<bool> Inventor::number_family(Family& family) {
  const Rules& rules = archive_.catalog.rules();
  for (const Person& person : family.people) {
    if (person.id.size() != rules.national_id.length) return false;
    auto id = unused(person.id, 5, SubjectKind::national_id, rules.reserved_ids);
    if (!id) return std::unexpected(id.error());
    family.ids[person.id] = *id;
    for (const std::string& number : person.numbers) {
      if (number.size() < 11 || family.numbers.contains(number)) continue;
      // The operator's prefix stays.
      auto drawn = unused(number, number.size() - 7, SubjectKind::msisdn, rules.reserved_numbers);
      if (!drawn) return std::unexpected(drawn.error());
      family.numbers[number] = *drawn;
    }
  }
  return true;
}

// alike is a citizen of the sample whose sex, and whatever else is one of few words, is the same;
// with `kin`, who has father, mother and spouse on file where this one has.
const Person& Inventor::alike(const Person& person, bool kin) {
  const Drawn* own = person.main();
  for (int tries = 0; own != nullptr && tries < 1000; ++tries) {
    const Person& other = dice_.of(sample_);
    bool same = other.id != person.id;
    for (std::size_t f = 0; same && f < main_->fields.size(); ++f) {
      const std::string &a = own->values[f], &b = other.main()->values[f];
      if (main_->fields[f].type == FieldType::enumeration) same = a == b;
      if (kin && !main_->fields[f].link.empty()) same = a.empty() == b.empty();
    }
    if (same) return other;
  }
  return dice_.of(sample_);
}

// renamed gives a name its new form; one that nobody of the family has becomes somebody's whole.
std::string Inventor::renamed(Family& family, const Person& person, std::size_t field,
                              const std::string& name) {
  auto& now = family.names[lower(name)];
  if (now.empty()) now = alike(person, false).main()->values[field];
  return written(now.empty() ? name : now, name);
}

// take_names lets `old` bear the names that `now` bears, in every script, and whatever other names
// (the father's) stand in the record.
void Inventor::take_names(Family& family, const Drawn& old, const Drawn& now) {
  for (std::size_t f = 0; f < main_->fields.size(); ++f)
    if (main_->fields[f].type == FieldType::name && !old.values[f].empty() &&
        !now.values[f].empty())
      family.names.try_emplace(lower(old.values[f]), now.values[f]);
}

// name_family takes the names of one family for another's: whoever was drawn is named as one
// citizen is, father, mother and spouse as that citizen's are, the others as anybody.
Result<void> Inventor::name_family(Family& family) {
  const Person& drawn = family.people.front();
  const Person& named_as = alike(drawn, true);
  take_names(family, *drawn.main(), *named_as.main());
  for (std::size_t f = 0; f < main_->fields.size(); ++f) {
    if (main_->fields[f].link.empty()) continue;
    const std::string &old_kin = drawn.main()->values[f], &kin = named_as.main()->values[f];
    if (old_kin.empty() || kin.empty()) continue;
    const auto old = std::find_if(family.people.begin(), family.people.end(),
                                  [&](const Person& p) { return p.id == old_kin; });
    if (old == family.people.end() || old->main() == nullptr) continue;
    auto now = read(SubjectName{SubjectKind::national_id, kin});
    if (!now) return std::unexpected(now.error());
    if ((*now)->main() != nullptr) take_names(family, *old->main(), *(*now)->main());
  }
  for (const Person& person : family.people)
    if (person.main() != nullptr) take_names(family, *person.main(), *alike(person, false).main());
  return {};
}

// reworded writes a text anew: words stay, numbers are those of somebody near, and what is nobody
// else's is drawn letter by letter from what stands in its place elsewhere.
std::string Inventor::reworded(Family& family, const Dataset& d, std::size_t field,
                               const std::string& locality, const std::string& text) {
  // What is one text in two places (both addresses) is one text afterwards.
  const std::string key = d.name + '.' + text;
  if (const auto known = family.texts.find(key); known != family.texts.end()) return known->second;
  const Pool& pool = pools_[{d.name, field}];
  const auto near = pool.by_place.find(locality);
  auto words = parts(text);
  for (std::size_t i = 0; i < words.size() && near != pool.by_place.end(); ++i) {
    if (i >= pool.kinds.size() || pool.kinds[i].size() <= kFewKinds) continue;
    // A word of its own that many share, and no others (a household's number), is drawn anew as
    // well.
    const bool own = (words.size() == 1 ? 5 : 1) * 10 * pool.kinds[i].size() > 9 * pool.seen;
    if (!own && std::none_of(words[i].begin(), words[i].end(), is_digit)) continue;
    for (int tries = 0; tries < 50; ++tries) {
      const auto& other = dice_.of(near->second);
      if (other.size() != words.size()) continue;
      if (!own) {
        words[i] = other[i];
        break;
      }
      if (other[i].size() != words[i].size()) continue;
      std::string drawn;
      while (drawn.size() < words[i].size()) {
        const auto& letter = dice_.of(near->second);
        if (letter.size() == words.size() && letter[i].size() == words[i].size())
          drawn.push_back(letter[i][drawn.size()]);
      }
      words[i] = drawn;
      break;
    }
  }
  std::string out;
  for (const std::string& word : words) out += word;
  return family.texts[key] = out;
}

// fresh gives a searchable text a number that no record has: a report of an invented citizen must
// not be somebody's.
Result<std::string> Inventor::fresh(const Dataset& d, std::size_t field, const std::string& text) {
  const auto digits = std::find_if(text.begin(), text.end(), is_digit);
  const auto after = std::find_if_not(digits, text.end(), is_digit);
  for (int tries = 0; tries < 500 && digits != after; ++tries) {
    std::string drawn(text.begin(), digits);
    // One in five is a digit longer, where many short numbers are taken.
    const auto length = after - digits + (tries > 50 ? 1 : 0);
    for (std::ptrdiff_t i = 0; i < length; ++i)
      drawn.push_back(static_cast<char>('0' + (i == 0 ? 1 + dice_.below(9) : dice_.below(10))));
    drawn.append(after, text.end());
    std::string folded;
    append_folded(drawn, folded);
    auto found = postings(archive_, archive_.vault.index_tag(d.fields[field].id, folded), 1000);
    if (found && found->empty() && taken_.insert(drawn).second) return drawn;
    if (!found && found.error().reason != Reason::too_many_subjects)
      return std::unexpected(found.error());
  }
  return std::string();
}

// move_dates moves all dates of a record together, and never out of what the register has.
void Inventor::move_dates(Drawn& record) {
  const Dataset& d = *record.dataset;
  for (int tries = 0; tries < 20; ++tries) {
    const std::int64_t days = dice_.within(d.one ? 60 : 6) * kDay;
    const std::int64_t minutes = dice_.within(300) * 60, seconds = dice_.within(29);
    std::vector<std::string> moved = record.values;
    bool inside = true;
    for (std::size_t f = 0; f < moved.size() && inside; ++f) {
      if (!is_date(d.fields[f]) || moved[f].empty()) continue;
      const auto then = seconds_of(moved[f]);
      if (!then) continue;
      const bool timed = d.fields[f].type == FieldType::datetime;
      const std::int64_t now =
          *then + days + (timed ? minutes + (*then % 60 != 0 ? seconds : 0) : 0);
      const Pool& pool = pools_[{d.name, f}];
      inside = now >= pool.first && now <= pool.last;
      moved[f] = text_of_seconds(now, timed);
    }
    if (!inside) continue;
    record.values = std::move(moved);
    return;
  }
}

// transform makes a citizen's record the invented one's; false: it cannot be one.
Result<bool> Inventor::transform(Family& family, const Person& person, Drawn& record) {
  const Dataset& d = *record.dataset;
  const std::string locality = person.id.substr(0, 5);
  const std::vector<std::string> before = record.values;
  for (std::size_t f = 0; f < record.values.size(); ++f) {
    const Field& field = d.fields[f];
    std::string& text = record.values[f];
    if (text.empty()) continue;
    if (field.type == FieldType::national_id || field.type == FieldType::passport) {
      const auto now = family.ids.find(text);
      text = now == family.ids.end() ? std::string() : now->second;
      if (text.empty() && (field.required || d.subject == f)) return false;
    } else if (is_number(field)) {
      const auto now = family.numbers.find(text);
      if (now == family.numbers.end()) return false;
      text = now->second;
    } else if (field.type == FieldType::name) {
      text = renamed(
          family, person,
          d.one ? f
                : static_cast<std::size_t>(
                      std::find_if(main_->fields.begin(), main_->fields.end(),
                                   [](const Field& m) { return m.type == FieldType::name; }) -
                      main_->fields.begin()),
          text);
    } else if (field.type == FieldType::text || field.type == FieldType::digits) {
      std::string own;  // a text that has the number in it keeps having it
      for (const auto& [old, now] : family.numbers) {
        const std::string tail = old.substr(old.size() - std::min<std::size_t>(10, old.size()));
        if (const auto at = text.find(tail); at != std::string::npos)
          own = text.substr(0, at) + now.substr(now.size() - tail.size()) +
                text.substr(at + tail.size());
      }
      const bool open = field.table_id &&
                        archive_.catalog.fields()[*field.table_id].sensitivity == Sensitivity::open;
      if (!own.empty()) {
        text = own;
      } else if (!field.search.empty() && !open) {
        auto drawn = fresh(d, f, text);
        if (!drawn) return std::unexpected(drawn.error());
        if (drawn->empty()) return false;
        text = *drawn;
      } else if (!open) {
        text = reworded(family, d, f, locality, text);
      }
    }
  }
  move_dates(record);
  return true;
}

Result<void> Inventor::one_family(std::size_t which) {
  const Person& drawn = sample_[which % sample_.size()];
  auto kin =
      family(archive_, SubjectName{SubjectKind::national_id, drawn.id}, 1, follow_, kFamilyMax);
  if (!kin && kin.error().reason != Reason::too_many_subjects) return std::unexpected(kin.error());
  Family family;
  family.people.push_back(drawn);
  if (kin)
    for (const Relative& relative : *kin) {
      if (relative.hops == 0 || relative.name.kind != SubjectKind::national_id) continue;
      auto person = read(relative.name);
      if (!person) return std::unexpected(person.error());
      family.people.push_back(**std::move(person));
    }
  auto numbered = number_family(family);
  if (!numbered) return std::unexpected(numbered.error());
  if (!*numbered) return {};
  if (auto ok = name_family(family); !ok) return ok;
  for (std::size_t i = 0; i < family.people.size(); ++i) {
    const Person& person = family.people[i];
    const SubjectName name{SubjectKind::national_id, family.ids[person.id]};
    (i == 0 ? out_.citizens : out_.kin).push_back(name);
    for (const Drawn& record : person.records) {
      if (record.dataset->mirror) {
        call(which, family, record);
        continue;
      }
      Drawn now = record;
      auto fits = transform(family, person, now);
      if (!fits) return std::unexpected(fits.error());
      if (*fits) rows_[{now.dataset->name, number(now.taken_in)}].push_back(std::move(now));
    }
    for (const std::string& number : person.numbers)
      if (const auto now = family.numbers.find(number); now != family.numbers.end())
        invented_numbers_.emplace_back(now->second, which);
  }
  return {};
}

// call keeps a call within the family, or one end of a call with somebody outside it.
void Inventor::call(std::size_t which, const Family& family, const Drawn& record) {
  const Mirror& mirror = *record.dataset->mirror;
  const std::string& own = record.values[mirror.swap[0]];
  const std::string& other = record.values[mirror.swap[1]];
  const bool out = record.values[mirror.side] == mirror.values[0];
  const auto from = family.numbers.find(own), to = family.numbers.find(other);
  if (from == family.numbers.end()) return;
  Drawn now = record;
  move_dates(now);
  now.values[mirror.swap[0]] = from->second;
  if (to == family.numbers.end()) {
    (out ? calls_out_ : calls_in_).push_back(Stub{std::move(now), from->second, which});
    return;
  }
  if (!out) return;  // the other's copy says the same
  now.values[mirror.swap[1]] = to->second;
  rows_[{now.dataset->name, number(now.taken_in)}].push_back(std::move(now));
}

// connect lets the invented call each other: who called somebody outside now calls one whom
// somebody outside called.
Result<void> Inventor::connect() {
  for (std::size_t i = calls_in_.size(); i > 1; --i)
    std::swap(calls_in_[i - 1], calls_in_[dice_.below(i)]);
  const auto elsewhere = [&](std::size_t family) {
    for (int tries = 0; tries < 20; ++tries)
      if (const auto& one = dice_.of(invented_numbers_); one.second != family) return one.first;
    return std::string();
  };
  std::size_t paired = 0;
  const auto add = [&](Drawn row, const std::string& from, const std::string& to) {
    if (from.empty() || to.empty() || from == to) return;
    const Mirror& mirror = *row.dataset->mirror;
    row.values[mirror.swap[0]] = from;
    row.values[mirror.swap[1]] = to;
    rows_[{row.dataset->name, number(row.taken_in)}].push_back(std::move(row));
  };
  if (invented_numbers_.empty()) return {};
  for (Stub& one : calls_out_) {
    const bool fits = paired < calls_in_.size() && calls_in_[paired].family != one.family;
    const std::string to = fits ? calls_in_[paired++].own : elsewhere(one.family);
    add(std::move(one.record), one.own, to);
  }
  for (; paired < calls_in_.size(); ++paired) {
    Stub& one = calls_in_[paired];
    add(std::move(one.record), elsewhere(one.family), one.own);
  }
  return {};
}

Result<void> Inventor::write() {
  for (auto& [key, rows] : rows_) {
    const Dataset& d = *archive_.catalog.dataset(key.first);
    Keeper keeper(archive_, d, Moment{key.second});
    for (const Drawn& row : rows) {
      std::vector<Value> values(row.values.size());
      for (std::size_t f = 0; f < row.values.size(); ++f) values[f].value = row.values[f];
      auto kept = keeper.keep(values, 0);
      if (!kept) return std::unexpected(kept.error());
      if (keeper.full())
        if (auto ok = keeper.commit({}, {}); !ok) return ok;
    }
    if (auto ok = keeper.commit({}, {}); !ok) return ok;
  }
  return archive_.store.sync();
}

Result<Registry::Invented> Inventor::invent() {
  const Rules& rules = archive_.catalog.rules();
  if (rules.reserved_ids.empty() || rules.reserved_numbers.empty())
    return fail(Reason::usage_wrong,
                "the catalog reserves no numbers: [rules.reserved] national_id and mobile");
  if (main_ == nullptr) return fail(Reason::usage_wrong, "no register has one record a citizen");
  if (auto ok = sample(); !ok) return std::unexpected(ok.error());
  if (sample_.size() < 100)
    return fail(Reason::usage_wrong,
                "invented citizens are drawn after real ones: import them first");
  for (std::size_t i = 0; i < options_.citizens; ++i) {
    if (auto ok = one_family(i); !ok) return std::unexpected(ok.error());
    if (options_.progress) options_.progress(i + 1, sample_.size());
  }
  if (auto ok = connect(); !ok) return std::unexpected(ok.error());
  for (const auto& [key, rows] : rows_)
    out_.records[key.first] += rows.size() * (archive_.catalog.dataset(key.first)->mirror ? 2 : 1);
  for (const auto& [number, family] : invented_numbers_) out_.numbers.push_back(number);
  // Whoever is to be planted is told before the first record stands in the store.
  if (options_.before_write)
    if (auto ok = options_.before_write(out_); !ok) return std::unexpected(ok.error());
  if (auto ok = write(); !ok) return std::unexpected(ok.error());
  return std::move(out_);
}

}  // namespace

Result<Registry::Invented> Registry::invent(const InventOptions& options) {
  auto archive = state_->open();
  if (!archive) return std::unexpected(archive.error());
  return Inventor(**archive, options).invent();
}

}  // namespace amanat::registry
