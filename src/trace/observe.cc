#include "trace/observe.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "disclosure/spoken.h"
#include "model/insist.h"
#include "trace/cell_text.h"

// Invariants
//  1. Nothing here sees a key: which rows, sources, symbols and candidates there are never depends
//  on
//     how a coin fell (tracing page 6.4, T1, T3, T4).
//  2. Membership rests on granted fields and value versions, never on what a coin let through.
//  3. A coin enters once a subject, however many rows show it.

namespace amanat::trace {
namespace {

using disclosure::Cell;
using disclosure::Place;
using disclosure::Slot;
using disclosure::SlotCatalogue;
using disclosure::SlotClass;
using disclosure::SlotKind;

// A column is foreign unless a value of an Amanat field stands in one of so many of its cells.
constexpr std::size_t kForeignShare = 4;
constexpr std::size_t kPieceTokensMax = 14, kJoinedCellsMax = 4;
// Text without columns has a field if so many percent of its rows say it.
constexpr std::size_t kSaidPercent = 40;

/// Hit says that a piece of a row is a value of a field in some version of a record.
struct Hit {
  const KnownRecord* record = nullptr;
  const std::string* field = nullptr;
};

/// Piece is a cell, or a stretch of words, that says some value of the citizen.
struct Piece {
  std::string text;
  std::size_t column = 0;
  std::vector<Hit> hits;
  bool stretch = false;  // of a cell or line that says more
  // A letter or two, or a small number, among other words: it may be anything else, so that it
  // supports a source but excludes none.
  bool weak = false;
};

struct RowView {
  const FoundRow* row = nullptr;
  const Facts* facts = nullptr;
  std::vector<Piece> pieces;              // those that say something
  std::vector<const Disclosed*> sources;  // S(r)
};

struct SlotsOf {
  std::map<std::string, std::vector<const Slot*>, std::less<>> known;
  const std::vector<const Slot*>& of(const SlotCatalogue& catalogue, const std::string& field) {
    auto at = known.find(field);
    if (at == known.end()) {
      const std::uint16_t number = catalogue.number_of(field);
      at = known
               .emplace(field, number == 0 ? std::vector<const Slot*>()
                                           : disclosure::value_slots(catalogue, number))
               .first;
    }
    return at->second;
  }
};

// The chi-square distribution's 1 % points for 1, 2 and 3 degrees of freedom, times 1000.
constexpr std::uint64_t kUneven[] = {0, 6'635, 9'210, 11'345};

class Observing {
 public:
  Observing(const Find& find, const AllFacts& facts, const SlotCatalogue& catalogue,
            const LogPlace& log)
      : find_(find), facts_(facts), catalogue_(catalogue), log_(log) {}

  Result<Extraction> run(const std::vector<FoundRow>& rows) {
    if (!valid_day(find_.day)) return fail(Reason::evidence_malformed, "the day of the leak");
    for (const FoundRow& row : rows) {
      const auto facts = facts_.find(row.subject);
      if (facts == facts_.end())
        return fail(Reason::evidence_malformed, "a row of a citizen without facts");
      rows_.push_back({&row, &facts->second, {}, {}});
    }
    head();
    for (RowView& row : rows_) row.pieces = pieces_of(row);
    columns();
    for (RowView& row : rows_) sources(row);
    for (std::size_t i = 0; i < rows_.size(); ++i) symbols(i);
    erase_uneven();
    candidates();
    return std::move(out_);
  }
  Exposed exposed() const {
    Exposed out;
    for (const RowView& r : rows_) {
      std::set<std::string> fields;
      for (const Piece& p : r.pieces)
        if (!foreign(r, p.column))
          for (const Hit& h : p.hits) fields.insert(*h.field);
      out.emplace_back(fields.begin(), fields.end());
    }
    return out;
  }

 private:
  void head() {
    out_.leak = find_.sha256;
    out_.leak_bytes = find_.bytes;
    out_.leak_day = find_.day;
    out_.origin = log_.origin;
    out_.tree_size = log_.tree_size;
    out_.root = log_.root;
    out_.catalogue = catalogue_.version();
    out_.catalogue_sha256 = catalogue_.sha256();
    out_.test = find_.test;
    out_.unknown = find_.unknown;
    out_.strays = find_.strays;
    out_.held = find_.held;
    out_.rekeyed = find_.rekeyed;
    std::set<std::uint32_t> used;
    for (const RowView& r : rows_) used.insert(r.row->cluster);
    for (const auto& c : find_.clusters)
      if (used.contains(c.id)) out_.clusters.push_back(c);
    std::ranges::sort(out_.clusters);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const FoundRow& r = *rows_[i].row;
      out_.rows.push_back({i + 1, r.offset, r.length, r.cluster, r.subject});
    }
  }

  const disclosure::ValueReader& reader_of(const std::string& field, const std::string& value) {
    const auto at = readers_.find(&value);
    if (at != readers_.end()) return at->second;
    return readers_.emplace(&value, disclosure::ValueReader(slots_.of(catalogue_, field), value))
        .first->second;
  }
  std::vector<Hit> hits_of(std::string_view text, const Facts& facts) {
    std::vector<Hit> hits;
    Folds folds(text);
    for (const KnownRecord& record : facts.records)
      for (const auto& [field, value] : record.values)
        if (folds.said_by(reader_of(field, value))) hits.push_back({&record, &field});
    return hits;
  }

  std::vector<Piece> pieces_of(const RowView& row) {
    std::vector<Piece> pieces;
    const auto& cells = row.row->cells;
    if (!row.row->columns) {
      for (const std::string& line : cells) stretches(line, 0, *row.facts, pieces);
      return pieces;
    }
    std::vector<bool> said(cells.size(), false);
    for (std::size_t c = 0; c < cells.size(); ++c) {
      if (nothing_in(cells[c])) {
        said[c] = true;
        continue;
      }
      auto hits = hits_of(cells[c], *row.facts);
      if (hits.empty()) continue;
      said[c] = true;
      pieces.push_back({cells[c], c, std::move(hits)});
    }
    // An address with its commas unquoted falls into neighbouring cells.
    for (std::size_t c = 0; c < cells.size(); ++c)
      for (std::size_t n = kJoinedCellsMax; n >= 2; --n) {
        if (c + n > cells.size()) continue;
        std::string text;
        bool free = true;
        for (std::size_t i = c; i < c + n; ++i) {
          free = free && !said[i] && !cells[i].empty();
          const std::size_t from = std::min(cells[i].find_first_not_of(' '), cells[i].size());
          text += (i == c ? "" : ", ") + cells[i].substr(from);
        }
        if (!free) continue;
        auto hits = hits_of(text, *row.facts);
        if (hits.empty()) continue;
        for (std::size_t i = c; i < c + n; ++i) said[i] = true;
        pieces.push_back({std::move(text), c, std::move(hits)});
      }
    // A cell may be a whole card: "CNIC: 35202-…, Name: …".
    for (std::size_t c = 0; c < cells.size(); ++c)
      if (!said[c]) stretches(cells[c], c, *row.facts, pieces);
    return pieces;
  }

  // The words of everything that a citizen's values may have been shown as.
  const std::set<std::string, std::less<>>& words_about(const Facts& facts) {
    const auto known = words_.find(&facts);
    if (known != words_.end()) return known->second;
    auto& words = words_[&facts];
    for (const KnownRecord& record : facts.records)
      for (const auto& [field, value] : record.values)
        for (const auto& shown : reader_of(field, value).shown())
          for (const std::string* text : {&shown.exact, &shown.folded}) each_word(*text, words);
    return words;
  }
  static void each_word(std::string_view text, std::set<std::string, std::less<>>& words) {
    const std::string folded = disclosure::folded_text(SlotKind::unicode, text, {});
    for (std::size_t at = 0; at < folded.size();) {
      const std::size_t end = std::min(folded.find(' ', at), folded.size());
      words.emplace(folded, at, end - at);
      at = end + 1;
    }
  }
  // A stretch that says a value begins and ends with a word of it, or with a number or a month.
  static bool tells(std::string_view token, const std::set<std::string, std::less<>>& words) {
    std::set<std::string, std::less<>> own;
    each_word(token, own);
    return std::ranges::any_of(own, [&](const std::string& w) {
      if (words.contains(w) || (w[0] >= '0' && w[0] <= '9')) return true;
      static constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";
      const std::size_t month = w.size() < 3 ? kMonths.npos : kMonths.find(w.substr(0, 3));
      return month != kMonths.npos && month % 3 == 0;
    });
  }

  // Of a text every stretch of words that says a value, but none inside a longer one.
  void stretches(std::string_view raw, std::size_t column, const Facts& facts,
                 std::vector<Piece>& pieces) {
    const std::string line = decoded(raw);
    const Tokens tokens = tokens_of(line);
    std::vector<bool> taken(tokens.size(), false), telling(tokens.size(), false);
    const auto& words = words_about(facts);
    for (std::size_t t = 0; t < tokens.size(); ++t)
      telling[t] =
          tells(std::string_view(line).substr(tokens[t].first, tokens[t].second - tokens[t].first),
                words);
    for (std::size_t n = std::min(kPieceTokensMax, tokens.size()); n >= 1; --n)
      for (std::size_t t = 0; t + n <= tokens.size(); ++t) {
        if (!telling[t] || !telling[t + n - 1]) continue;
        const auto from = taken.begin() + static_cast<std::ptrdiff_t>(t);
        if (std::any_of(from, from + static_cast<std::ptrdiff_t>(n), [](bool b) { return b; }))
          continue;
        const std::string_view text = bare(std::string_view(line).substr(
            tokens[t].first, tokens[t + n - 1].second - tokens[t].first));
        if (text.empty()) continue;
        auto hits = hits_of(text, facts);
        if (hits.empty()) continue;
        std::fill(from, from + static_cast<std::ptrdiff_t>(n), true);
        const bool alone = n == tokens.size();
        const bool weak = !alone && text.size() <= 3;
        pieces.push_back({std::string(text), column, std::move(hits), !alone, weak});
      }
  }

  // Which field stands in which column of a template, by its cells; what stands for none is
  // foreign.
  void columns() {
    std::map<std::pair<std::uint32_t, std::size_t>, std::size_t> filled;
    for (const RowView& r : rows_) {
      note_said(r);
      if (!r.row->columns) continue;
      for (std::size_t c = 0; c < r.row->cells.size(); ++c) {
        if (!nothing_in(r.row->cells[c])) ++filled[{r.row->cluster, c}];
      }
      for (const Piece& p : r.pieces) {
        std::set<std::string_view> fields;
        for (const Hit& h : p.hits) fields.insert(*h.field);
        for (const auto field : fields) ++votes_[{r.row->cluster, p.column}][std::string(field)];
      }
    }
    for (const auto& [place, n] : filled) {
      std::size_t most = 0;
      const auto votes = votes_.find(place);
      if (votes != votes_.end())
        for (const auto& [field, count] : votes->second) most = std::max(most, count);
      if (most * kForeignShare < n) foreign_.insert(place);
    }
    for (const auto& [cluster, column] : foreign_)
      out_.foreign.push_back(
          {cluster, static_cast<std::uint16_t>(std::min<std::size_t>(column, UINT16_MAX))});
  }
  // Where a template has fields in running text, how many of its rows say each.
  void note_said(const RowView& r) {
    Said& said = said_[r.row->cluster];
    ++said.rows;
    std::set<std::string_view> fields;
    for (const Piece& p : r.pieces) {
      if (r.row->columns && !p.stretch) continue;
      for (const Hit& h : p.hits) fields.insert(*h.field);
    }
    for (const auto field : fields) ++said.fields[std::string(field)];
  }
  bool foreign(const RowView& r, std::size_t column) const {
    return r.row->columns && foreign_.contains({r.row->cluster, column});
  }
  // A field's cell in a row: the column in which the template most often has it.
  Cell cell_of(const RowView& r, std::uint16_t number) const {
    const std::string id(catalogue_.id_of(number));
    if (const auto said = said_.find(r.row->cluster); said != said_.end()) {
      const auto own = said->second.fields.find(id);
      if (own != said->second.fields.end() && own->second * 100 >= said->second.rows * kSaidPercent)
        return std::ranges::any_of(r.pieces,
                                   [&](const Piece& p) {
                                     return std::ranges::any_of(
                                         p.hits, [&](const Hit& h) { return *h.field == id; });
                                   })
                   ? Cell::filled
                   : Cell::empty;
    }
    std::size_t most = 0, column = 0;
    for (std::size_t c = 0; r.row->columns && c < r.row->cells.size(); ++c) {
      const auto votes = votes_.find({r.row->cluster, c});
      if (votes == votes_.end() || foreign(r, c)) continue;
      const auto own = votes->second.find(id);
      if (own == votes->second.end()) continue;
      // The column is this field's if no other field stands there more often.
      const bool best = std::ranges::all_of(
          votes->second, [&](const auto& other) { return other.second <= own->second; });
      if (best && own->second > most) {
        most = own->second;
        column = c;
      }
    }
    if (most == 0) return Cell::absent;
    return nothing_in(r.row->cells[column]) ? Cell::empty : Cell::filled;
  }

  // Every leaked value that can be compared is one that was granted, in a version that was shown.
  bool agrees(const RowView& r, const Disclosed& d) const {
    bool compared = false;
    for (const Piece& p : r.pieces) {
      if (foreign(r, p.column)) continue;
      compared = true;
      const bool supplied = std::ranges::any_of(p.hits, [&](const Hit& h) {
        return std::ranges::binary_search(d.fields, *h.field) &&
               std::ranges::any_of(d.shown, [&](const ShownRecord& s) {
                 return s.record == h.record->record && s.version == h.record->version;
               });
      });
      // The citizen's own number is in every answer: it names them.
      if (!supplied && !p.weak && !names_subject(p, d)) return false;
    }
    return compared;
  }
  static bool names_subject(const Piece& p, const Disclosed& d) {
    // Whoever asked by number or was told whom an answer is about has the number without a field.
    return !d.shown.empty() && std::ranges::any_of(p.hits, [](const Hit& h) {
      return h.field->ends_with(".national_id") || h.field->ends_with(".cnic");
    });
  }

  void sources(RowView& r) {
    for (const Disclosed& d : r.facts->disclosed) {
      if (d.entry >= log_.covered || day_of(d.at) > find_.day) continue;
      // "Show more" inherits its parent's version and opens no membership of its own (T1).
      if (d.marks && d.marks->kind == disclosure::MarksRecord::Kind::more) continue;
      if (agrees(r, d)) r.sources.push_back(&d);
    }
    if (r.sources.empty()) return;
    Extraction::Source& line = out_.sources.emplace_back(Extraction::Source{number_of(r), {}});
    for (const Disclosed* d : r.sources) line.entries.push_back(d->entry);
  }
  std::uint64_t number_of(const RowView& r) const {
    return static_cast<std::uint64_t>(&r - rows_.data()) + 1;
  }

  void symbols(std::size_t i) {
    const RowView& r = rows_[i];
    std::set<CoinName> done;
    for (const Disclosed* d : r.sources) {
      const TrueShare share = true_share(*r.facts, *d, catalogue_);
      for (const CarriedCoin& coin : coins_of(*r.facts, *d, catalogue_)) {
        if (!done.insert(coin.name).second) continue;
        const auto symbol = read(r, share, coin.place);
        if (!symbol) continue;
        const auto& weights = coin.place.weights;
        std::uint32_t total = 0;
        for (const std::uint32_t w : weights) total += w;
        if (*symbol >= weights.size() || weights[*symbol] == 0 || weights[*symbol] >= total)
          continue;
        out_.symbols.push_back({i + 1, coin.name.field, coin.name.value, coin.name.slot, *symbol,
                                weights[*symbol], total});
      }
    }
    std::ranges::sort(out_.symbols);
  }

  std::optional<std::uint32_t> read(const RowView& r, const TrueShare& share, const Place& place) {
    switch (place.slot->kind) {
      case SlotKind::withheld:
        return disclosure::read_withheld(place, [&](std::uint16_t f) { return cell_of(r, f); });
      case SlotKind::which:
        return read_choice(r, place, [&](std::uint32_t member) {
          return text_of(share, *place.record, static_cast<std::uint16_t>(member));
        });
      case SlotKind::first:
        return read_choice(r, place, [&](std::uint32_t record) {
          return text_of(share, record, place.slot->field);
        });
      default:
        return read_rendering(r, share, place);
    }
  }
  static std::string_view text_of(const TrueShare& share, std::uint32_t record,
                                  std::uint16_t field) {
    if (record >= share.records.size()) return {};
    for (const auto& v : share.records[record].values)
      if (v.field == field) return v.text;
    return {};
  }
  template <class TextOf>
  std::optional<std::uint32_t> read_choice(const RowView& r, const Place& place,
                                           const TextOf& text_of_alternative) {
    std::vector<std::string_view> raws, texts;
    for (const Piece& p : r.pieces)
      if (!foreign(r, p.column)) raws.push_back(p.text);
    for (const std::uint32_t a : place.alternatives) texts.push_back(text_of_alternative(a));
    // Of `which` the alternatives are fields with slots of their own; those of one kind read alike.
    const std::uint16_t field = place.slot->kind == SlotKind::which
                                    ? static_cast<std::uint16_t>(place.alternatives.front())
                                    : place.slot->field;
    return disclosure::read_choice(raws, texts, disclosure::value_slots(catalogue_, field));
  }

  bool has_slot(std::uint16_t field, SlotKind kind) const {
    return std::ranges::any_of(disclosure::value_slots(catalogue_, field),
                               [kind](const Slot* slot) { return slot->kind == kind; });
  }

  std::optional<std::uint32_t> read_rendering(const RowView& r, const TrueShare& share,
                                              const Place& place) {
    std::vector<std::uint16_t> fields;
    if (place.of != 0)
      fields.push_back(place.of);
    else
      fields = place.slot->members;
    std::optional<std::uint32_t> found;
    for (const std::uint16_t field : fields) {
      const std::string_view value =
          place.record ? text_of(share, *place.record, field) : std::string_view();
      if (value.empty()) continue;
      const auto slots = disclosure::value_slots(catalogue_, field);
      const auto at = std::ranges::find(slots, place.slot);
      if (at == slots.end()) continue;
      // Where two fields have the same value (two equal addresses) the first cell that says it is
      // the first field's, the second the second's: a cell is nobody's twice.
      std::size_t before = 0;
      for (const auto& v : share.records[*place.record].values)
        before += v.field < field && v.text == value && has_slot(v.field, place.slot->kind);
      for (const Piece& p : r.pieces) {
        if (foreign(r, p.column) || !disclosure::says_value(slots, p.text, value)) continue;
        if (before-- > 0) continue;
        const auto symbol = disclosure::read_value(
            slots, p.text, value)[static_cast<std::size_t>(at - slots.begin())];
        if (!symbol) break;
        if (found && *found != *symbol) return std::nullopt;  // two answers are none
        found = symbol;
        break;
      }
    }
    return found;
  }

  // A template in which one form prevails was normalised: its class F says nothing any more. Class
  // R is never erased this way: a merged file would lose its signal.
  void erase_uneven() {
    using Key = std::tuple<std::uint32_t, std::uint16_t, std::uint8_t>;
    struct Seen {
      std::map<std::uint32_t, std::uint64_t> counts, weights;
      std::uint64_t n = 0, total = 0;
    };
    std::map<Key, Seen> seen;
    std::set<std::tuple<Key, Label, disclosure::ValueId>> once;
    for (const auto& s : out_.symbols) {
      const Slot* slot = catalogue_.find(s.field, s.slot);
      if (slot == nullptr || disclosure::class_of(slot->kind) != SlotClass::f) continue;
      const Extraction::Row& row = out_.rows[s.row - 1];
      const Key key{row.cluster, s.field, s.slot};
      if (!once.emplace(key, row.subject, s.value).second) continue;
      Seen& of = seen[key];
      ++of.counts[s.symbol];
      of.weights[s.symbol] = s.weight;
      of.total = s.total;
      ++of.n;
    }
    std::set<Key> uneven;
    for (const auto& [key, of] : seen) {
      // sum over symbols of (observed - expected)^2 / expected, in exact integers: n and weights
      // are small. Symbols that were not seen give n w / W each.
      double chi = 0, rest = 1;
      for (const auto& [symbol, count] : of.counts) {
        const double p = static_cast<double>(of.weights.at(symbol)) / static_cast<double>(of.total);
        const double expected = p * static_cast<double>(of.n);
        const double off = static_cast<double>(count) - expected;
        chi += off * off / expected;
        rest -= p;
      }
      chi += std::max(rest, 0.0) * static_cast<double>(of.n);
      const Slot* slot = catalogue_.find(std::get<1>(key), std::get<2>(key));
      const std::size_t freedom =
          std::min<std::size_t>(disclosure::symbols_of(slot->kind) - 1, std::size(kUneven) - 1);
      if (chi * 1000 > static_cast<double>(kUneven[freedom])) uneven.insert(key);
    }
    for (const auto& [cluster, field, slot] : uneven) out_.erased.push_back({cluster, field, slot});
    std::erase_if(out_.symbols, [&](const Extraction::Sym& s) {
      return uneven.contains({out_.rows[s.row - 1].cluster, s.field, s.slot});
    });
  }

  void candidates() {
    std::set<AccountId> accounts;
    std::map<AccountId, std::set<std::uint16_t>> epochs;
    for (const RowView& r : rows_)
      for (const Disclosed* d : r.sources)
        if (d->marks && d->marks->kind == disclosure::MarksRecord::Kind::coins &&
            !published(number(d->account), d->marks->epoch)) {
          accounts.insert(d->account);
          epochs[d->account].insert(d->marks->epoch);
        }
    for (const AccountId account : accounts) {
      const std::uint64_t bits = bits_for(account);
      if (bits < kCandidateBits) continue;
      ++out_.candidates;
      for (const std::uint16_t epoch : epochs[account])
        out_.accounts.push_back({number(account), epoch, bits});
    }
    holders();
  }
  bool published(std::uint32_t account, std::uint16_t epoch) const {
    return std::ranges::any_of(out_.rekeyed, [&](const Extraction::Rekeyed& r) {
      return r.account == account && epoch < r.epoch;
    });
  }
  // Whoever holds decoys is under test too, where rows of the leak might be some.
  void holders() {
    std::map<std::uint32_t, std::uint64_t> bits;
    for (const auto& a : out_.accounts) bits.emplace(a.account, a.bits);
    for (const Extraction::Held& h : out_.held) {
      const auto [at, fresh] = bits.emplace(h.account, 0);
      if (fresh) ++out_.candidates;
      const Extraction::Account one{h.account, h.epoch, at->second};
      if (std::ranges::find(out_.accounts, one) == out_.accounts.end())
        out_.accounts.push_back(one);
    }
    std::ranges::sort(out_.accounts);
  }
  // Each coin once, at the most that any of its symbols can say.
  std::uint64_t bits_for(AccountId account) const {
    std::uint64_t bits = 0;
    // The symbols themselves are no matter here: every coin counts as seen.
    const auto any = [this](AccountId who, std::uint16_t epoch, const auto&, const auto&) {
      return published(number(who), epoch) ? std::nullopt : std::optional(0u);
    };
    for (const auto& subject :
         weighed_for(account, out_, facts_, catalogue_, any, [](const Label&) { return false; })) {
      std::set<CoinName> counted;
      for (std::size_t c = 0; c < subject.weighed.copies.size(); ++c)
        for (std::size_t k = 0; k < subject.weighed.copies[c].coins.size(); ++k) {
          if (!counted.insert(subject.names[c][k]).second) continue;
          std::uint64_t most = 0;
          for (const Observed& o : subject.weighed.copies[c].coins[k].seen)
            most = std::max(most, bits_of(o));
          bits += most;
        }
    }
    return bits;
  }

  const Find& find_;
  const AllFacts& facts_;
  const SlotCatalogue& catalogue_;
  const LogPlace& log_;
  SlotsOf slots_;
  std::map<const std::string*, disclosure::ValueReader> readers_;  // of a value of the facts
  std::map<const Facts*, std::set<std::string, std::less<>>> words_;
  struct Said {
    std::size_t rows = 0;
    std::map<std::string, std::size_t> fields;
  };
  std::map<std::uint32_t, Said> said_;  // by cluster
  std::vector<RowView> rows_;
  std::map<std::pair<std::uint32_t, std::size_t>, std::map<std::string, std::size_t>> votes_;
  std::set<std::pair<std::uint32_t, std::size_t>> foreign_;
  Extraction out_;
};

}  // namespace

std::vector<FoundRow> in_order(std::vector<FoundRow> rows) {
  const auto key = [](const FoundRow& r) {
    return std::tie(r.cluster, r.offset, r.subject, r.length, r.cells);
  };
  std::ranges::sort(rows, {}, key);
  // Repeated rows are one row, wherever they stand.
  std::set<std::pair<Label, std::vector<std::string>>> seen;
  std::erase_if(rows, [&](const FoundRow& r) { return !seen.emplace(r.subject, r.cells).second; });
  return rows;
}

Result<Extraction> observe(const Find& find, std::vector<FoundRow> rows, const AllFacts& facts,
                           const SlotCatalogue& catalogue, const LogPlace& log, Exposed* exposed) {
  rows = in_order(std::move(rows));
  Observing observing(find, facts, catalogue, log);
  auto extraction = observing.run(rows);
  if (extraction && exposed != nullptr) *exposed = observing.exposed();
  return extraction;
}

}  // namespace amanat::trace
