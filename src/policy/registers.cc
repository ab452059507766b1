#include "policy/registers.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "policy/approvals.h"
#include "policy/bytes.h"

namespace amanat::policy {
namespace {

constexpr std::string_view kUse = "registers";
constexpr std::string_view kConsentRow = "consent/", kProtectedRow = "protected/",
                           kEmergencyRow = "emergency/";
constexpr std::size_t kConsentsMax = 100;
constexpr std::size_t kADay = 1, kAMonth = 5;
constexpr std::uint64_t kMonthMs = 30 * kDayMs, kKeptMs = 31 * kDayMs;

std::string fresh_id() {
  std::array<std::uint8_t, 8> id;
  crypto::random_bytes(id);
  return crypto::hex(id);
}

std::string key_of(std::string_view kind, std::string_view id) {
  std::string key(kind);
  key += id;
  return key;
}

std::string encode(const Consent& c) {
  std::string out;
  put(out, c.id);
  out += bytes_of(c.citizen);
  put(out, c.purpose);
  put(out, c.fields.size(), 2);
  for (const auto& field : c.fields) put(out, field);
  put(out, c.given, 8);
  put(out, c.until, 8);
  return out;
}

std::optional<Consent> decode_consent(std::string_view bytes) {
  Taker take(bytes);
  Consent c;
  c.id = take.text();
  c.citizen = take.array<16>();
  c.purpose = take.text();
  const std::size_t n = take.count(2, kFieldsMax);
  for (std::size_t i = 0; i < n && !take.broken(); ++i) c.fields.push_back(take.text());
  c.given = take.number(8);
  c.until = take.number(8);
  if (!take.whole()) return std::nullopt;
  return c;
}

std::string encode(const Emergency& e) {
  std::string out;
  put(out, e.id);
  put(out, number(e.asker), 4);
  for (const std::string* text : {&e.asker_id, &e.purpose, &e.case_ref, &e.reason, &e.reviewed_by})
    put(out, *text);
  put(out, e.reviewers.size(), 1);
  for (const auto& one : e.reviewers) put(out, one);
  put(out, e.at, 8);
  put(out, e.reviewed, 8);
  put(out, e.justified ? 1 : 0, 1);
  return out;
}

std::optional<Emergency> decode_emergency(std::string_view bytes) {
  Taker take(bytes);
  Emergency e;
  e.id = take.text();
  e.asker = AccountId{static_cast<std::uint32_t>(take.number(4))};
  for (std::string* text : {&e.asker_id, &e.purpose, &e.case_ref, &e.reason, &e.reviewed_by})
    *text = take.text();
  const std::size_t n = take.count(1, 8);
  for (std::size_t i = 0; i < n && !take.broken(); ++i) e.reviewers.push_back(take.text());
  e.at = take.number(8);
  e.reviewed = take.number(8);
  e.justified = take.flag();
  if (!take.whole()) return std::nullopt;
  return e;
}

}  // namespace

Result<void> Registers::save(const std::string& key, const std::string& plain) {
  std::string sealed;
  vault_.seal_house(kUse, key, plain, sealed);
  storage::Batch batch;
  batch.put(storage::Table::settings, key, sealed);
  return store_.write(batch, storage::Durability::synced);
}

Result<void> Registers::load(Moment at) {
  const std::lock_guard lock(mutex_);
  Result<void> loaded;
  auto people = std::make_shared<std::vector<Tag>>();
  const auto rows = [&](std::string_view kind, const auto& take_in) -> Result<void> {
    auto scanned = store_.scan(storage::Table::settings, kind, "",
                               [&](std::string_view key, std::string_view sealed) {
                                 WipingBuffer plain;
                                 loaded = vault_.open_house(kUse, key, sealed, plain);
                                 if (loaded && !take_in(plain.view()))
                                   loaded = fail(Reason::store_failed, "a row of the registers");
                                 return loaded.has_value();
                               });
    return scanned ? loaded : scanned;
  };
  auto read = rows(kConsentRow, [&](std::string_view plain) {
    auto one = decode_consent(plain);
    if (one && one->until > number(at)) consents_[one->citizen].push_back(*one);
    return one.has_value();
  });
  if (!read) return read;
  read = rows(kProtectedRow, [&](std::string_view plain) {
    Taker take(plain);
    people->push_back(take.array<16>());
    return take.whole();
  });
  if (!read) return read;
  std::sort(people->begin(), people->end());
  protected_ = std::move(people);
  return rows(kEmergencyRow, [&](std::string_view plain) {
    auto one = decode_emergency(plain);
    if (one && (one->reviewed == 0 || one->at + kKeptMs > number(at)))
      emergencies_.emplace(one->id, *one);
    return one.has_value();
  });
}

Result<std::string> Registers::consent(Consent one) {
  const std::lock_guard lock(mutex_);
  auto& list = consents_[one.citizen];
  std::erase_if(list, [&](const Consent& c) { return c.until <= one.given; });
  if (list.size() >= kConsentsMax) return fail(Reason::waiting_full);
  one.id = fresh_id();
  if (auto saved = save(key_of(kConsentRow, one.id), encode(one)); !saved)
    return std::unexpected(saved.error());
  list.push_back(one);
  return one.id;
}

Result<void> Registers::withdraw(const Tag& citizen, std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto list = consents_.find(citizen);
  if (list == consents_.end()) return fail(Reason::no_record);
  const auto one = std::find_if(list->second.begin(), list->second.end(),
                                [&](const Consent& c) { return c.id == id; });
  if (one == list->second.end()) return fail(Reason::no_record);
  storage::Batch batch;
  batch.erase(storage::Table::settings, key_of(kConsentRow, id));
  // In memory first: what a citizen takes back ends at once, whatever the disk does.
  list->second.erase(one);
  return store_.write(batch, storage::Durability::synced);
}

std::vector<Consent> Registers::consents_of(const Tag& citizen, Moment at) const {
  const std::lock_guard lock(mutex_);
  std::vector<Consent> live;
  if (const auto list = consents_.find(citizen); list != consents_.end())
    for (const Consent& one : list->second)
      if (one.until > number(at)) live.push_back(one);
  return live;
}

FieldSet Registers::consented(const Tag& citizen, std::string_view purpose,
                              const FieldTable& fields, Moment at) const {
  FieldSet covered;
  for (const Consent& one : consents_of(citizen, at)) {
    if (one.purpose != purpose) continue;
    for (const auto& id : one.fields)
      if (const auto field = fields.find(id)) covered.set(number(*field));
  }
  return covered;
}

Result<void> Registers::protect(const Tag& person, Policy::Listed listed) {
  using enum Policy::Listed;
  const std::lock_guard lock(mutex_);
  auto people = *protected_;
  const auto at = std::lower_bound(people.begin(), people.end(), person);
  const bool there = at != people.end() && *at == person;
  if (there == (listed == on)) return {};
  const std::string key = key_of(kProtectedRow, crypto::hex(person));
  if (listed == on) {
    if (auto saved = save(key, std::string(bytes_of(person))); !saved) return saved;
    people.insert(at, person);
  } else {
    storage::Batch batch;
    batch.erase(storage::Table::settings, key);
    if (auto written = store_.write(batch, storage::Durability::synced); !written) return written;
    people.erase(at);
  }
  protected_ = std::make_shared<const std::vector<Tag>>(std::move(people));
  return {};
}

std::shared_ptr<const std::vector<Tag>> Registers::protected_people() const {
  const std::lock_guard lock(mutex_);
  return protected_;
}

Result<std::string> Registers::declare(Emergency one) {
  const std::lock_guard lock(mutex_);
  std::size_t day = 0, month = 0;
  for (const auto& [id, before] : emergencies_) {
    if (before.asker != one.asker) continue;
    if (before.reviewed == 0 && before.at + kDayMs <= one.at)
      return fail(Reason::break_glass_unreviewed, "emergency " + id);
    if (before.at + kDayMs > one.at) ++day;
    if (before.at + kMonthMs > one.at) ++month;
  }
  if (day >= kADay || month >= kAMonth) return fail(Reason::break_glass_spent);
  one.id = fresh_id();
  if (auto saved = save(key_of(kEmergencyRow, one.id), encode(one)); !saved)
    return std::unexpected(saved.error());
  std::string id = one.id;
  emergencies_.emplace(id, std::move(one));
  return id;
}

std::vector<Emergency> Registers::emergencies() const {
  const std::lock_guard lock(mutex_);
  std::vector<Emergency> all;
  for (const auto& [id, one] : emergencies_) all.push_back(one);
  std::sort(all.begin(), all.end(),
            [](const Emergency& a, const Emergency& b) { return a.at < b.at; });
  return all;
}

Result<void> Registers::review(std::string_view id, std::string_view by, bool justified,
                               Moment at) {
  const std::lock_guard lock(mutex_);
  const auto found = emergencies_.find(id);
  if (found == emergencies_.end()) return fail(Reason::no_record);
  Emergency changed = found->second;
  if (changed.asker_id == by) return fail(Reason::approver_wrong, "it is your own");
  if (changed.reviewed != 0) return fail(Reason::approver_wrong, "it is reviewed");
  changed.reviewed_by = std::string(by);
  changed.reviewed = number(at);
  changed.justified = justified;
  if (auto saved = save(key_of(kEmergencyRow, id), encode(changed)); !saved) return saved;
  found->second = std::move(changed);
  return {};
}

}  // namespace amanat::policy
