#include "trace/dossier.h"

#include <cstring>
#include <map>
#include <set>

#include "crypto/crypto.h"
#include "trace/words.h"

namespace amanat::trace {

std::string write_row(const RowFile& row) {
  std::string out = "amanat-row v1\nform ";
  out += row.columns ? "columns\n" : "line\n";
  for (const auto& cell : row.cells) out += "cell" + text_word(cell) + "\n";
  return out;
}

Result<RowFile> parse_row(std::string_view text) {
  RowFile row;
  Words in(text);
  in.begin("amanat-row v1");
  in.begin("form");
  row.columns = in.take() == "columns";
  while (in.at("cell") && in.begin("cell")) row.cells.push_back(in.text());
  return exactly(in, text, std::move(row), write_row, "a row");
}

std::string write_values(const ValuesFile& values) {
  std::string out = "amanat-values v1\ncitizen " + values.citizen + "\n";
  for (const auto& r : values.records) {
    out += "record " + r.dataset + hex_word(r.record) + word(r.version) + "\n";
    for (const auto& [field, value] : r.values) out += "value " + field + text_word(value) + "\n";
  }
  return out;
}

Result<ValuesFile> parse_values(std::string_view text) {
  ValuesFile values;
  Words in(text);
  in.begin("amanat-values v1");
  in.begin("citizen");
  values.citizen = in.take();
  while (in.at("record") && in.begin("record")) {
    KnownRecord& record = values.records.emplace_back();
    record.dataset = in.take();
    in.hex(record.record);
    record.version = in.number<std::uint32_t>();
    while (in.at("value") && in.begin("value")) {
      std::string field(in.take());
      record.values.emplace_back(std::move(field), in.text());
    }
  }
  for (std::size_t i = 1; i < values.records.size(); ++i)
    if (!(values.records[i - 1] < values.records[i])) in.refuse();
  for (const auto& r : values.records)
    for (std::size_t i = 1; i < r.values.size(); ++i)
      if (r.values[i - 1].first >= r.values[i].first) in.refuse();
  return exactly(in, text, std::move(values), write_values, "a list of values");
}

std::string write_answer(const AnswerFile& answer) {
  std::string out = "amanat-answer v1\nentry" + word(answer.entry) + "\npart" +
                    hex_word(answer.part_salt) + hex_word(answer.digest) + hex_word(answer.nonce) +
                    "\n";
  for (const auto& f : answer.fields) {
    out += "field" + word(f.record) + word(f.field) + " " + f.id;
    if (f.open)
      out += " open" + hex_word(f.salt) + text_word(f.shown) + "\n";
    else
      out += " shut" + hex_word(f.hash) + "\n";
  }
  return out;
}

Result<AnswerFile> parse_answer(std::string_view text) {
  AnswerFile answer;
  Words in(text);
  in.begin("amanat-answer v1");
  in.begin("entry");
  answer.entry = in.number<std::uint64_t>();
  in.begin("part");
  in.hex(answer.part_salt);
  in.hex(answer.digest);
  in.hex(answer.nonce);
  while (in.at("field") && in.begin("field")) {
    OpenedField& f = answer.fields.emplace_back();
    f.record = in.number<std::uint32_t>();
    f.field = in.number<std::uint16_t>();
    f.id = in.take();
    f.open = in.take() == "open";
    if (f.open) {
      in.hex(f.salt);
      f.shown = in.text();
    } else {
      in.hex(f.hash);
    }
  }
  return exactly(in, text, std::move(answer), write_answer, "an answer");
}

namespace {

/// Drawn is what the coins of one key do to one answer.
struct Drawn {
  std::set<std::size_t> hidden;                             // records of the share
  std::set<std::pair<std::size_t, std::uint16_t>> waiting;  // fields of records
  std::map<std::size_t, std::map<const disclosure::Slot*, std::uint32_t>> symbols;
};

std::string text_of(const disclosure::TrueRecord& record, std::uint16_t field) {
  for (const auto& v : record.values)
    if (v.field == field) return disclosure::canonical_bytes(v.text);
  return {};
}

void fall(const disclosure::Place& place, std::uint32_t symbol, const TrueShare& share,
          Drawn& out) {
  using disclosure::SlotKind;
  const auto waits = [&](std::uint32_t field) {
    out.waiting.emplace(*place.record, static_cast<std::uint16_t>(field));
  };
  switch (place.slot->kind) {
    case SlotKind::withheld:
      return waits(place.alternatives[symbol]);
    case SlotKind::which:
      for (std::uint32_t i = 0; i < place.alternatives.size(); ++i)
        if (i != symbol) waits(place.alternatives[i]);
      return;
    case SlotKind::first: {
      // Records of the same value are one alternative; those without it are always shown.
      const std::string shown =
          text_of(share.records[place.alternatives[symbol]], place.slot->field);
      for (std::size_t r = 0; r < share.records.size(); ++r)
        if (const auto text = text_of(share.records[r], place.slot->field);
            !text.empty() && text != shown)
          out.hidden.insert(r);
      return;
    }
    default:
      out.symbols[*place.record][place.slot] = symbol;
  }
}

}  // namespace

std::vector<ShownValue> shown_values(const Facts& facts, const Disclosed& disclosed,
                                     const disclosure::SlotCatalogue& catalogue,
                                     const disclosure::CoinKey& coins) {
  const TrueShare share = true_share(facts, disclosed, catalogue);
  Drawn drawn;
  for (const CarriedCoin& coin : coins_of(facts, disclosed, catalogue))
    fall(coin.place, coins.symbol(facts.subject, coin.place), share, drawn);
  std::vector<ShownValue> out;
  std::uint32_t place = 0;
  for (std::size_t i = 0, r = 0; i < disclosed.shown.size(); ++i) {
    if (r == share.at.size() || share.at[r] != i) {
      ++place;  // kept no longer: no coin is known to have hidden it
      continue;
    }
    const std::size_t at = r++;
    if (drawn.hidden.contains(at)) continue;
    for (const auto& value : share.records[at].values) {
      if (drawn.waiting.contains({at, value.field})) continue;
      std::vector<disclosure::Symbolised> symbols;
      for (const auto* slot : disclosure::value_slots(catalogue, value.field))
        if (const auto fell = drawn.symbols[at].find(slot); fell != drawn.symbols[at].end())
          symbols.push_back({slot, fell->second});
      out.push_back({place, i, std::string(catalogue.id_of(value.field)),
                     disclosure::rendered(symbols, value.text)});
    }
    ++place;
  }
  return out;
}

std::string differs_from_coins(const Facts& facts, const Disclosed& disclosed,
                               const disclosure::SlotCatalogue& catalogue,
                               const disclosure::CoinKey& coins, const AnswerFile& answer) {
  std::map<std::pair<std::uint32_t, std::string>, std::string> expected;
  for (ShownValue& v : shown_values(facts, disclosed, catalogue, coins))
    expected.emplace(std::pair(v.record, std::move(v.field)), std::move(v.text));
  for (const OpenedField& f : answer.fields) {
    const std::string place = "record " + std::to_string(f.record) + ", " + f.id;
    if (catalogue.number_of(f.id) == 0) continue;  // no coin can touch it
    const auto at = expected.find({f.record, f.id});
    if (at == expected.end()) return place + " was shown, and its coin says that it waits";
    if (f.open && f.shown != at->second)
      return place + " was shown in another form than its coin's";
  }
  return {};
}

Digest field_hash(const OpenedField& f) {
  if (!f.open) return f.hash;
  std::string head;
  for (const int shift : {24, 16, 8, 0}) head += static_cast<char>(f.record >> shift);
  for (const int shift : {8, 0}) head += static_cast<char>(f.field >> shift);
  const auto size = static_cast<std::uint32_t>(f.shown.size());
  for (const int shift : {24, 16, 8, 0}) head += static_cast<char>(size >> shift);
  crypto::Sha256 hash;
  hash.update(std::uint8_t{0x10}).update(f.salt).update(head).update(f.shown);
  return hash.finish();
}

Digest answer_digest(const AnswerFile& answer) {
  crypto::Sha256 all;
  all.update(std::uint8_t{0x11});
  for (const auto& f : answer.fields) all.update(field_hash(f));
  return all.finish();
}

std::string write_key(const KeyFile& k) {
  return "amanat-account-key v1\naccount" + word(number(k.shares.account)) + "\nepoch" +
         word(k.shares.epoch) + "\nexchange" + hex_word(k.shares.exchange.element) +
         hex_word(k.shares.exchange.proof) + "\nauditor" + hex_word(k.shares.auditor.element) +
         hex_word(k.shares.auditor.proof) + "\nkey" + hex_word(k.key.bytes()) + "\n";
}

Result<KeyFile> parse_key(std::string_view text) {
  KeyFile k;
  Words in(text);
  in.begin("amanat-account-key v1");
  in.begin("account");
  k.shares.account = AccountId{in.number<std::uint32_t>()};
  in.begin("epoch");
  k.shares.epoch = in.number<std::uint16_t>();
  in.begin("exchange");
  in.hex(k.shares.exchange.element);
  in.hex(k.shares.exchange.proof);
  in.begin("auditor");
  in.hex(k.shares.auditor.element);
  in.hex(k.shares.auditor.proof);
  in.begin("key");
  std::array<std::uint8_t, 32> key{};
  in.hex(key);
  k.key = Key256(key);
  wipe(key.data(), key.size());
  return exactly(in, text, std::move(k), write_key, "an account's key");
}

}  // namespace amanat::trace
