#include "trace/answers.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "crypto/crypto.h"
#include "disclosure/disclosure.h"
#include "model/insist.h"

namespace amanat::trace {
namespace {

constexpr std::size_t kTriesMax = 20'000;

/// Shown is one value of the answer with all that it may have been shown as, in full first.
struct Choice {
  OpenedField field;
  std::vector<std::string> texts;
};

std::array<std::uint8_t, 16> salt_of(const crypto::Hmac& salts, std::string_view nonce,
                                     const OpenedField& f) {
  static constexpr std::string_view kDomain("amanat/field-salt/v1\0", 21);
  std::string place;
  for (const int shift : {24, 16, 8, 0}) place += static_cast<char>(f.record >> shift);
  for (const int shift : {8, 0}) place += static_cast<char>(f.field >> shift);
  const Digest mac =
      salts.mac({crypto::bytes_of(kDomain), crypto::bytes_of(nonce), crypto::bytes_of(place)});
  std::array<std::uint8_t, 16> salt;
  std::copy_n(mac.begin(), salt.size(), salt.begin());
  return salt;
}

// The answer's values in its order, as the coins of this key show them.
std::vector<Choice> choices_of(const OldAnswer& old, const disclosure::SlotCatalogue& catalogue,
                               const disclosure::CoinKey& coins, const FieldTable& fields) {
  std::map<std::pair<std::size_t, std::string>, std::pair<std::uint32_t, std::string>> spelt;
  std::map<std::size_t, std::uint32_t> place_of;
  for (ShownValue& v : shown_values(*old.facts, *old.disclosed, catalogue, coins)) {
    place_of[v.at] = v.record;
    spelt[{v.at, v.field}] = {v.record, std::move(v.text)};
  }
  std::vector<Choice> out;
  std::uint32_t next = 0;
  for (std::size_t i = 0; i < old.disclosed->shown.size(); ++i) {
    const ShownRecord& s = old.disclosed->shown[i];
    const auto known = std::ranges::find_if(old.facts->records, [&](const KnownRecord& k) {
      return k.record == s.record && k.version == s.version;
    });
    if (known == old.facts->records.end()) continue;
    const auto place = place_of.find(i);
    // A record none of whose values has a number cannot be hidden by a coin either.
    const bool numbered = std::ranges::any_of(known->values, [&](const auto& v) {
      return catalogue.number_of(v.first) != 0 &&
             std::ranges::binary_search(old.disclosed->fields, v.first);
    });
    if (numbered && place == place_of.end()) continue;
    const std::uint32_t record = place != place_of.end() ? place->second : next;
    next = record + 1;
    std::vector<std::pair<FieldId, const std::pair<std::string, std::string>*>> values;
    for (const auto& v : known->values)
      if (const auto id = fields.find(v.first);
          id && std::ranges::binary_search(old.disclosed->fields, v.first))
        values.emplace_back(*id, &v);
    std::ranges::sort(values);
    for (const auto& [id, v] : values) {
      Choice one;
      one.field.record = record;
      one.field.field = number(id);
      one.field.id = v->first;
      if (catalogue.number_of(v->first) != 0) {
        const auto at = spelt.find({i, v->first});
        if (at == spelt.end()) continue;  // it waits
        one.texts.push_back(at->second.second);
      } else {
        one.texts.push_back(v->second);
      }
      for (const auto& mask : fields[id].masks)
        one.texts.push_back(disclosure::masked_value(mask, v->second));
      one.texts.emplace_back("true");
      out.push_back(std::move(one));
    }
  }
  return out;
}

}  // namespace

Result<AnswerFile> open_answer(const OldAnswer& old, const disclosure::SlotCatalogue& catalogue,
                               const disclosure::CoinKey& coins, const FieldTable& fields,
                               const std::set<std::string>& leaked) {
  insist(old.facts != nullptr && old.disclosed != nullptr && old.slice_key != nullptr);
  AnswerFile answer;
  answer.entry = old.disclosed->entry;
  answer.part_salt = old.part_salt;
  if (old.part.size() != answer.digest.size() + answer.nonce.size())
    return fail(Reason::no_record, "the answer digest of entry " + std::to_string(answer.entry));
  std::memcpy(answer.digest.data(), old.part.data(), answer.digest.size());
  std::memcpy(answer.nonce.data(), old.part.data() + answer.digest.size(), answer.nonce.size());
  const crypto::Hmac salts(old.slice_key->bytes());
  auto choices = choices_of(old, catalogue, coins, fields);
  for (Choice& c : choices) {
    c.field.salt = salt_of(salts, old.part.substr(answer.digest.size()), c.field);
    c.field.open = true;
  }
  // Fields of one id were released alike in every record: one choice a field, not one a value.
  std::map<std::string, std::size_t> chosen;
  std::map<std::string, std::size_t> options;
  for (const Choice& c : choices) {
    chosen[c.field.id] = 0;
    options[c.field.id] = std::max(options[c.field.id], c.texts.size());
  }
  for (std::size_t tries = 0; tries < kTriesMax; ++tries) {
    answer.fields.clear();
    for (const Choice& c : choices) {
      OpenedField f = c.field;
      f.shown = c.texts[std::min(chosen[f.id], c.texts.size() - 1)];
      answer.fields.push_back(std::move(f));
    }
    if (answer_digest(answer) == answer.digest) {
      for (OpenedField& f : answer.fields) {
        if (chosen[f.id] == 0 && leaked.contains(f.id)) continue;
        f.hash = field_hash(f);
        f.open = false;
        f.salt = {};
        f.shown.clear();
      }
      return answer;
    }
    auto at = chosen.begin();
    for (; at != chosen.end(); ++at) {
      if (++at->second < options[at->first]) break;
      at->second = 0;
    }
    if (at == chosen.end()) break;
  }
  return fail(Reason::no_record,
              "nothing kept gives the answer of entry " + std::to_string(answer.entry) + " again");
}

}  // namespace amanat::trace
