#include "lookup/decoy_register.h"

#include <set>

#include "net/json.h"

namespace amanat::lookup {
namespace {

constexpr std::string_view kUse = "decoys";
constexpr std::string_view kRows = "decoy/";
constexpr std::string_view kVerb = "decoys";

std::string encode(const DecoyGiven& one) {
  net::JsonWriter json;
  json.begin_object();
  json.key("extract").string(one.extract).key("recipient").string(one.recipient);
  json.key("account").number(number(one.account)).key("number").number(one.number);
  json.key("citizen").string(one.citizen).key("share").string(one.share);
  json.key("rows").string(one.rows).key("answers").string(one.answers);
  json.key("asked").number(one.asked).end_object();
  return json.take();
}

Result<DecoyGiven> decode(std::string_view text) {
  const auto json = net::parse_json(text, {.bytes_max = 64u << 20, .depth_max = 2});
  DecoyGiven one;
  bool whole = json && json->object() != nullptr;
  const auto text_in = [&](const char* name, std::string& to) {
    const net::Json* value = whole ? json->find(name) : nullptr;
    whole = value != nullptr && value->string() != nullptr;
    if (whole) to = *value->string();
  };
  const auto number_in = [&](const char* name) -> std::uint64_t {
    const net::Json* value = whole ? json->find(name) : nullptr;
    whole = value != nullptr && value->integer().has_value();
    return whole ? *value->integer() : 0;
  };
  text_in("extract", one.extract);
  text_in("recipient", one.recipient);
  text_in("citizen", one.citizen);
  text_in("share", one.share);
  one.account = AccountId{static_cast<std::uint32_t>(number_in("account"))};
  one.number = static_cast<std::uint32_t>(number_in("number"));
  one.asked = number_in("asked");
  if (whole && json->find("rows") != nullptr) {  // older lines have none, and prove nothing
    text_in("rows", one.rows);
    text_in("answers", one.answers);
  }
  if (!whole) return fail(Reason::store_failed, "a decoy's row");
  return one;
}

}  // namespace

Result<void> DecoyRegister::note(const std::vector<DecoyGiven>& decoys) {
  storage::Batch batch;
  for (const DecoyGiven& one : decoys) {
    const std::string key = std::string(kRows) + one.extract + "/" + std::to_string(one.number);
    std::string sealed;
    vault_.seal_house(kUse, key, encode(one), sealed);
    batch.put(storage::Table::settings, key, sealed);
  }
  return store_.write(batch, storage::Durability::synced);
}

Result<std::vector<DecoyGiven>> DecoyRegister::open(const Caller& first, const Caller& second,
                                                    const policy::Policy& policy) const {
  for (const Caller* one : {&first, &second}) {
    if (!policy.may(one->asker(), "audit")) return fail(Reason::not_your_right, "audit");
    if (!one->act() || one->act()->verb != kVerb || one->act()->target.empty())
      return fail(Reason::act_wrong, "the act is \"decoys\", on a trace");
  }
  if (first.act()->target != second.act()->target)
    return fail(Reason::act_wrong, "they confirmed different traces");
  if (first.asker().account == second.asker().account) return fail(Reason::not_yourself);
  return all();
}

Result<std::vector<DecoyGiven>> DecoyRegister::open_after_seal(const Sealed& trace) const {
  const std::set<std::string> people(trace.opened_by.begin(), trace.opened_by.end());
  if (people.size() < 2) return fail(Reason::not_yourself, "two auditors open a trace");
  if (trace.seal.type != EntryType::trace) return fail(Reason::trace_not_so_far, "it is not sealed");
  return all();
}

Result<std::vector<DecoyGiven>> DecoyRegister::all() const {
  std::vector<DecoyGiven> all;
  Result<void> read;
  auto scanned = store_.scan(storage::Table::settings, kRows, {},
                             [&](std::string_view key, std::string_view sealed) {
                               WipingBuffer plain;
                               read = vault_.open_house(kUse, key, sealed, plain);
                               if (!read) return false;
                               auto one = decode(plain.view());
                               if (!one) {
                                 read = std::unexpected(one.error());
                                 return false;
                               }
                               all.push_back(*std::move(one));
                               return true;
                             });
  if (!scanned) return std::unexpected(scanned.error());
  if (!read) return std::unexpected(read.error());
  return all;
}

}  // namespace amanat::lookup
