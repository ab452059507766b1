#include "policy/cases.h"

#include <algorithm>
#include <cstring>

#include "model/insist.h"

namespace amanat::policy {
namespace {

constexpr std::string_view kUse = "cases";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kTextMax = 200;
constexpr std::size_t kOfficersMax = 256;
constexpr std::size_t kSubjectsMax = 4096;

void put(std::string& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

void put(std::string& out, std::string_view text) {
  insist(text.size() <= 0xffff);
  put(out, text.size(), 2);
  out += text;
}

// Takes values off the front of a case's bytes; after the first that is not there, all are empty.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t number(unsigned bytes) {
    std::uint64_t value = 0;
    for (const char c : take(bytes)) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
  }
  std::string text() {
    const auto size = static_cast<std::size_t>(number(2));
    return std::string(take(size));
  }
  std::string_view take(std::size_t n) {
    if (broken_ || rest_.size() < n) {
      broken_ = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  bool broken() const { return broken_; }
  bool whole() const { return !broken_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool broken_ = false;
};

std::string_view bytes_of(const Tag& tag) {
  return {reinterpret_cast<const char*>(tag.data()), tag.size()};
}

template <class T>
void sort_unique(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

std::string encode(const BookedCase& b) {
  std::string out;
  put(out, kVersion, 1);
  put(out, b.ref);
  put(out, b.kind);
  put(out, b.unit);
  put(out, number(b.opened), 8);
  put(out, b.closed ? 1 : 0, 1);
  put(out, b.closed ? number(*b.closed) : 0, 8);
  put(out, b.officers.size(), 2);
  for (const auto& officer : b.officers) put(out, officer);
  put(out, b.subjects.size(), 2);
  for (const Tag& subject : b.subjects) out += bytes_of(subject);
  return out;
}

std::optional<BookedCase> decode_case(std::string_view bytes) {
  Taker take(bytes);
  if (take.number(1) != kVersion) return std::nullopt;
  BookedCase b;
  b.ref = take.text();
  b.kind = take.text();
  b.unit = take.text();
  b.opened = Moment{take.number(8)};
  const auto closed = take.number(1);
  const Moment closed_at{take.number(8)};
  if (closed > 1 || (closed == 0 && number(closed_at) != 0)) return std::nullopt;
  if (closed == 1) b.closed = closed_at;
  const auto officers = take.number(2);
  if (officers > kOfficersMax) return std::nullopt;
  for (std::uint64_t i = 0; i < officers && !take.broken(); ++i) b.officers.push_back(take.text());
  const auto subjects = take.number(2);
  if (subjects > kSubjectsMax) return std::nullopt;
  for (std::uint64_t i = 0; i < subjects && !take.broken(); ++i) {
    Tag tag{};
    const std::string_view taken = take.take(tag.size());
    if (taken.size() == tag.size()) std::memcpy(tag.data(), taken.data(), tag.size());
    b.subjects.push_back(tag);
  }
  if (!take.whole()) return std::nullopt;
  if (!std::is_sorted(b.officers.begin(), b.officers.end())) return std::nullopt;
  if (!std::is_sorted(b.subjects.begin(), b.subjects.end())) return std::nullopt;
  return b;
}

CaseBook::Shard& CaseBook::shard(const std::string& normal) const {
  return shards_[std::hash<std::string>{}(normal) % kShards];
}

void CaseBook::put(std::string normal, std::shared_ptr<const BookedCase> booked) {
  insist(booked != nullptr && !normal.empty());
  Shard& s = shard(normal);
  const std::unique_lock lock(s.mutex);
  s.cases[std::move(normal)] = std::move(booked);
}

Result<void> CaseBook::load() {
  Result<void> loaded;
  auto scanned = store_.scan(
      storage::Table::cases, "", "", [&](std::string_view key, std::string_view sealed) {
        WipingBuffer plain;
        loaded = vault_.open_house(kUse, key, sealed, plain);
        if (!loaded) return false;
        auto booked = decode_case(plain.view());
        if (!booked) {
          loaded = fail(Reason::store_failed, "a case's row");
          return false;
        }
        std::string normal = normal_case_ref(booked->ref);
        put(std::move(normal), std::make_shared<const BookedCase>(*std::move(booked)));
        return true;
      });
  if (!scanned) return scanned;
  return loaded;
}

std::shared_ptr<const BookedCase> CaseBook::find(std::string_view ref) const {
  const std::string normal = normal_case_ref(ref);
  const Shard& s = shard(normal);
  const std::shared_lock lock(s.mutex);
  const auto at = s.cases.find(normal);
  return at == s.cases.end() ? nullptr : at->second;
}

Result<Noted> CaseBook::note(const Case& one) {
  std::string normal = normal_case_ref(one.ref);
  if (normal.empty() || one.kind.empty())
    return fail(Reason::value_missing, "a case needs a reference and a kind");
  if (one.ref.size() > kTextMax || one.kind.size() > kTextMax || one.unit.size() > kTextMax)
    return fail(Reason::value_too_long, "a case's reference, kind or unit");
  if (one.officers.size() > kOfficersMax) return fail(Reason::value_too_long, "a case's officers");
  if (one.subjects.size() > kSubjectsMax) return fail(Reason::value_too_long, "a case's subjects");
  for (const auto& officer : one.officers)
    if (officer.empty() || officer.size() > kTextMax)
      return fail(Reason::malformed_value, "a case's officer");
  auto booked = std::make_shared<BookedCase>();
  booked->ref = one.ref;
  booked->kind = one.kind;
  booked->unit = one.unit;
  booked->opened = one.opened;
  booked->closed = one.closed;
  booked->officers = one.officers;
  sort_unique(booked->officers);
  for (const SubjectName& subject : one.subjects) booked->subjects.push_back(vault_.tag(subject));
  sort_unique(booked->subjects);

  const std::lock_guard lock(writing_);
  const auto before = find(one.ref);
  if (before && *before == *booked) return Noted::unchanged;
  const Tag name = vault_.index_tag(kUse, normal);
  std::string sealed;
  vault_.seal_house(kUse, bytes_of(name), encode(*booked), sealed);
  storage::Batch batch;
  batch.put(storage::Table::cases, bytes_of(name), sealed);
  if (auto written = store_.write(batch, storage::Durability::synced); !written)
    return std::unexpected(written.error());
  put(std::move(normal), std::move(booked));
  return before ? Noted::changed : Noted::added;
}

}  // namespace amanat::policy
