#include "policy/cases.h"

#include <algorithm>
#include <cstring>

#include "model/insist.h"
#include "policy/bytes.h"

namespace amanat::policy {
namespace {

constexpr std::string_view kUse = "cases";
constexpr std::uint8_t kVersion = 2;
constexpr std::size_t kOrdersMax = 16;
constexpr std::size_t kPatternsMax = 64;
constexpr std::size_t kTextMax = 200;
constexpr std::size_t kOfficersMax = 256;
constexpr std::size_t kSubjectsMax = 4096;

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
  put(out, b.orders.size(), 1);
  for (const BookedOrder& order : b.orders) {
    put(out, order.ref);
    put(out, order.fields.size(), 1);
    for (const auto& field : order.fields) put(out, field);
    put(out, order.subjects.size(), 2);
    for (const Tag& subject : order.subjects) out += bytes_of(subject);
    put(out, number(order.until), 8);
  }
  put(out, b.version, 4);
  put(out, number(b.noted), 8);
  put(out, b.noted_by);
  return out;
}

namespace {

// decode_rest reads what version 2 has besides: court orders, and who wrote it when.
bool decode_rest(Taker& take, BookedCase& b) {
  const std::size_t orders = take.count(1, kOrdersMax);
  for (std::size_t i = 0; i < orders && !take.broken(); ++i) {
    BookedOrder order;
    order.ref = take.text();
    const std::size_t fields = take.count(1, kPatternsMax);
    for (std::size_t f = 0; f < fields && !take.broken(); ++f) order.fields.push_back(take.text());
    const std::size_t subjects = take.count(2, kSubjectsMax);
    for (std::size_t s = 0; s < subjects && !take.broken(); ++s)
      order.subjects.push_back(take.array<16>());
    if (!std::is_sorted(order.subjects.begin(), order.subjects.end())) return false;
    order.until = Moment{take.number(8)};
    b.orders.push_back(std::move(order));
  }
  b.version = static_cast<std::uint32_t>(take.number(4));
  b.noted = Moment{take.number(8)};
  b.noted_by = take.text();
  return !take.broken() && b.version > 0;
}

}  // namespace

std::optional<BookedCase> decode_case(std::string_view bytes) {
  Taker take(bytes);
  const std::uint64_t version = take.number(1);
  if (version != 1 && version != kVersion) return std::nullopt;
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
  const std::size_t subjects = take.count(2, kSubjectsMax);
  for (std::size_t i = 0; i < subjects && !take.broken(); ++i)
    b.subjects.push_back(take.array<16>());
  if (version == kVersion && !decode_rest(take, b)) return std::nullopt;
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
        if (key.size() != sizeof(Tag)) return true;  // an older version, read when asked for
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

Result<BookedCase> CaseBook::book(const Case& one) const {
  if (normal_case_ref(one.ref).empty() || one.kind.empty())
    return fail(Reason::value_missing, "a case needs a reference and a kind");
  if (one.ref.size() > kTextMax || one.kind.size() > kTextMax || one.unit.size() > kTextMax ||
      one.noted_by.size() > kTextMax)
    return fail(Reason::value_too_long, "a case's reference, kind or unit");
  if (one.officers.size() > kOfficersMax) return fail(Reason::value_too_long, "a case's officers");
  if (one.subjects.size() > kSubjectsMax) return fail(Reason::value_too_long, "a case's subjects");
  if (one.orders.size() > kOrdersMax) return fail(Reason::value_too_long, "a case's court orders");
  for (const auto& officer : one.officers)
    if (officer.empty() || officer.size() > kTextMax)
      return fail(Reason::malformed_value, "a case's officer");
  BookedCase booked;
  booked.ref = one.ref;
  booked.kind = one.kind;
  booked.unit = one.unit;
  booked.opened = one.opened;
  booked.closed = one.closed;
  booked.officers = one.officers;
  sort_unique(booked.officers);
  for (const SubjectName& subject : one.subjects) booked.subjects.push_back(vault_.tag(subject));
  sort_unique(booked.subjects);
  for (const Case::Order& order : one.orders) {
    if (order.ref.empty() || order.ref.size() > kTextMax || order.fields.empty() ||
        order.fields.size() > kPatternsMax || order.subjects.size() > kSubjectsMax)
      return fail(Reason::malformed_value, "a court order: reference, fields, subjects");
    BookedOrder kept{order.ref, order.fields, {}, order.until};
    sort_unique(kept.fields);
    for (const auto& field : kept.fields)
      if (field.empty() || field.size() > kTextMax)
        return fail(Reason::malformed_value, "a court order's field");
    for (const SubjectName& subject : order.subjects) kept.subjects.push_back(vault_.tag(subject));
    sort_unique(kept.subjects);
    booked.orders.push_back(std::move(kept));
  }
  std::sort(booked.orders.begin(), booked.orders.end(),
            [](const BookedOrder& a, const BookedOrder& b) { return a.ref < b.ref; });
  booked.noted = one.noted;
  booked.noted_by = one.noted_by;
  return booked;
}

Result<Noted> CaseBook::note(const Case& one) {
  auto made = book(one);
  if (!made) return std::unexpected(made.error());
  auto booked = std::make_shared<BookedCase>(*std::move(made));
  std::string normal = normal_case_ref(one.ref);

  const std::lock_guard lock(writing_);
  const auto before = find(one.ref);
  if (before) {
    BookedCase same = *booked;
    same.version = before->version;
    same.noted = before->noted;
    same.noted_by = before->noted_by;
    if (*before == same) return Noted::unchanged;
    booked->version = before->version + 1;
  }
  const Tag name = vault_.index_tag(kUse, normal);
  storage::Batch batch;
  const auto put_row = [&](std::string key, const BookedCase& row) {
    std::string sealed;
    vault_.seal_house(kUse, key, encode(row), sealed);
    batch.put(storage::Table::cases, key, sealed);
  };
  put_row(std::string(bytes_of(name)), *booked);
  if (before) {
    std::string past(bytes_of(name));
    policy::put(past, before->version, 4);
    put_row(std::move(past), *before);
  }
  if (auto written = store_.write(batch, storage::Durability::synced); !written)
    return std::unexpected(written.error());
  put(std::move(normal), std::move(booked));
  return before ? Noted::changed : Noted::added;
}

Result<std::vector<BookedCase>> CaseBook::history(std::string_view ref) const {
  std::vector<BookedCase> versions;
  const auto now_valid = find(ref);
  if (!now_valid) return versions;
  const Tag name = vault_.index_tag(kUse, normal_case_ref(ref));
  Result<void> read;
  auto scanned = store_.scan(storage::Table::cases, bytes_of(name), "",
                             [&](std::string_view key, std::string_view sealed) {
                               if (key.size() == sizeof(Tag)) return true;
                               WipingBuffer plain;
                               read = vault_.open_house(kUse, key, sealed, plain);
                               if (!read) return false;
                               auto booked = decode_case(plain.view());
                               if (!booked) {
                                 read = fail(Reason::store_failed, "a case's older version");
                                 return false;
                               }
                               versions.push_back(*std::move(booked));
                               return true;
                             });
  if (!scanned) return std::unexpected(scanned.error());
  if (!read) return std::unexpected(read.error());
  versions.push_back(*now_valid);
  return versions;
}

}  // namespace amanat::policy
