#include "sim/leak_find.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "model/insist.h"

namespace amanat::sim {
namespace {

// What a leaked row says of one coin: bits of the sides shown; 0: erased.
using Sides = std::uint8_t;
constexpr Sides kBoth = 3;
// Of foreign rows, those of citizens the stations deal with; in a country's dump they are far
// fewer.
constexpr double kForeignOfOurs = .02;
Sides side(unsigned symbol) { return static_cast<Sides>(1u << symbol); }

struct Row {
  std::uint32_t citizen = 0;
  std::uint16_t version = 0;  // of the dated value; 0: not shown
  std::vector<Sides> sides;
};

std::string national_id_as(std::uint64_t id, unsigned layout) {
  char text[40];
  const auto n = static_cast<unsigned long long>(id);
  const char* const forms[] = {"%05llu-%07llu-%llu", "%05llu %07llu %llu"};
  if (layout % 3 == 2)
    std::snprintf(text, sizeof text, "%013llu", n);
  else
    std::snprintf(text, sizeof text, forms[layout % 3], n / 100'000'000, n / 10 % 10'000'000,
                  n % 10);
  return text;
}

std::string in_urdu_digits(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c < '0' || c > '9') {
      out += c;
      continue;
    }
    out += '\xdb';
    out += static_cast<char>('\xb0' + (c - '0'));
  }
  return out;
}

// The cells of a row: national ID, name, dated value, one cell a coin.
std::vector<std::string> cells_of(const World& world, const Row& row, Style style, Dice& dice) {
  const bool retyped = style == Style::retyped;
  const auto written = [&](std::uint32_t number) {
    const std::string digits = std::to_string(number);
    return retyped && dice.chance(.3) ? in_urdu_digits(digits) : digits;
  };
  std::vector<std::string> cells = {
      national_id_as(world.national_id(row.citizen), retyped ? unsigned(dice.below(3)) : 0),
      retyped ? "IMAGINED  CITIZEN" : "Imagined Citizen",
      row.version == 0 ? "" : written(world.dated(row.citizen, row.version))};
  for (unsigned s = 0; s < row.sides.size(); ++s) {
    std::string cell;
    for (unsigned symbol = 0; symbol < 2; ++symbol)
      if ((row.sides[s] & side(symbol)) != 0)
        cell += (cell.empty() ? "" : " / ") + std::string(retyped ? "h." : place_word(s)) + " " +
                written(world.either(row.citizen, s, symbol));
    cells.push_back(cell);
  }
  return cells;
}

std::vector<std::string> headings_of(std::size_t cells) {
  std::vector<std::string> names = {"cnic", "name", "registered"};
  while (names.size() < cells) names.push_back("contact" + std::to_string(names.size() - 2));
  return names;
}

std::string joined(const std::vector<std::string>& cells, const char* between) {
  std::string out;
  for (const std::string& cell : cells) out += (out.empty() ? "" : between) + cell;
  return out + "\n";
}

void write_row(std::string& file, std::vector<std::string> cells, Style style,
               const std::vector<std::size_t>& order, Dice& dice) {
  switch (style) {
    case Style::csv:
    case Style::retyped:
    case Style::merged:
      file += joined(cells, ",");
      return;
    case Style::renamed: {
      std::vector<std::string> moved;
      for (const std::size_t at : order) moved.push_back(cells[at]);
      file += joined(moved, ";");
      return;
    }
    case Style::json_lines: {
      const auto names = headings_of(cells.size());
      for (std::size_t i = 0; i < cells.size(); ++i)
        file += (i == 0 ? "{\"" : ", \"") + names[i] + "\": \"" + cells[i] + "\"";
      file += "}\n";
      return;
    }
    case Style::sql: {
      for (std::size_t i = 0; i < cells.size(); ++i)
        file += (i == 0 ? "INSERT INTO people VALUES ('" : "', '") + cells[i];
      file += "');\n";
      return;
    }
    case Style::chat: {
      char stamp[40];
      std::snprintf(stamp, sizeof stamp,
                    "[%02u/11/2026, %02u:%02u] Seller: ", unsigned(1 + dice.below(28)),
                    unsigned(dice.below(24)), unsigned(dice.below(60)));
      file += stamp + joined(cells, " ");
      return;
    }
  }
}

// Rows of another dump, of citizens no exchange knows; they stand before ours.
void write_strangers(std::string& file, std::size_t rows, Dice& dice) {
  for (std::size_t i = 0; i < rows; ++i)
    file += std::to_string(i) + "," +
            national_id_as(8'000'000'000'000 + dice.below(1'000'000'000'000), 0) +
            ",Somebody Else," + std::to_string(100'000 + dice.below(900'000)) + "\n";
}

std::string file_of(const World& world, std::vector<Row> rows, Style style, Dice& dice) {
  for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[dice.below(i)]);
  const std::size_t cells = 3 + world.shape().coins;
  std::vector<std::size_t> order(cells);
  for (std::size_t i = 0; i < cells; ++i) order[i] = i;
  for (std::size_t i = cells; i > 1; --i) std::swap(order[i - 1], order[dice.below(i)]);
  std::string file;
  if (style == Style::merged) write_strangers(file, 2 * rows.size(), dice);
  if (style == Style::csv) file += joined(headings_of(cells), ",");
  if (style == Style::renamed) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < cells; ++i) names.push_back("col" + std::string(1, char('A' + i)));
    file += joined(names, ";");
  }
  for (const Row& row : rows)
    write_row(file, cells_of(world, row, style, dice), style, order, dice);
  return file;
}

class Maker {
 public:
  Maker(World& world, const Plan& plan, Dice& dice)
      : world_(world), plan_(plan), dice_(dice), coins_(world.shape().coins) {}

  Leak make() {
    day_ = plan_.act == Act::old ? kFirstDay + 120 : kLastDay + 30;
    choose_people();
    std::vector<Row> rows = own_rows();
    for (Row& row : rows) damage(row);
    add_foreign(rows);
    Leak leak;
    for (const std::uint32_t o : people_) leak.truth.sources.push_back(world_.account_of(o));
    leak.truth.working = static_cast<unsigned>(people_.size());
    if (from_nobody(plan_.act)) leak.truth.sources.clear(), leak.truth.working = 0;
    if (plan_.act == Act::colleagues) leak.truth.sources.push_back(world_.account_of(other_));
    std::sort(leak.truth.sources.begin(), leak.truth.sources.end());
    leak.truth.foreign = foreign_;
    const std::size_t finds = plan_.act == Act::several ? 3 : 1;
    for (std::size_t f = 0; f < finds; ++f) {
      const std::size_t from = rows.size() * f / finds, to = rows.size() * (f + 1) / finds;
      leak.finds.push_back(
          {file_of(world_,
                   {rows.begin() + static_cast<long>(from), rows.begin() + static_cast<long>(to)},
                   plan_.style, dice_),
           day_});
    }
    return leak;
  }

 private:
  std::uint32_t any(std::uint32_t station) {
    return station * world_.shape().officers +
           static_cast<std::uint32_t>(dice_.below(world_.shape().officers));
  }

  void choose_people() {
    const auto stations = world_.shape().stations;
    const auto first = static_cast<std::uint32_t>(dice_.below(stations));
    std::set<std::uint32_t> chosen;
    for (unsigned i = 0; chosen.size() < plan_.sources; ++i)
      chosen.insert(any(plan_.near ? first : (first + i) % stations));
    people_.assign(chosen.begin(), chosen.end());
    do other_ = any(world_.station_of(people_[0]));
    while (chosen.contains(other_));
  }

  Sides coin(std::uint32_t officer, const Shown& s, unsigned slot) {
    const std::uint32_t account = world_.account_of(officer);
    return side(world_.coin(account, world_.epoch_of(account, s.day), s.citizen, slot));
  }

  Row copy_of(std::uint32_t officer, const Shown& s) {
    Row row{s.citizen, world_.version_on(s.citizen, s.day), {}};
    for (unsigned k = 0; k < coins_; ++k) row.sides.push_back(coin(officer, s, k));
    return row;
  }

  // pick takes so many of a list by lot.
  std::vector<Shown> pick(std::vector<Shown> from, std::size_t most) {
    for (std::size_t i = 0; i < std::min(most, from.size()); ++i)
      std::swap(from[i], from[i + dice_.below(from.size() - i)]);
    if (from.size() > most) from.resize(most);
    return from;
  }

  std::vector<Shown> shown_by_then(std::uint32_t officer) {
    std::vector<Shown> all = world_.shown(officer);
    std::erase_if(all, [&](const Shown& s) { return s.day > day_; });
    return all;
  }

  std::vector<Row> own_rows() {
    switch (plan_.act) {
      case Act::common:
      case Act::planted:
        return framing();
      case Act::vote:
      case Act::minority:
      case Act::blend:
      case Act::differing:
        return colluding();
      case Act::backend_raw:
      case Act::backend_lots:
      case Act::backend_first:
      case Act::backend_framed:
        return nobodys();
      default:
        return copies();
    }
  }

  std::vector<Row> copies() {
    std::vector<Row> rows;
    for (std::size_t p = 0; p < people_.size(); ++p) {
      const std::size_t share =
          plan_.rows * (p + 1) / people_.size() - plan_.rows * p / people_.size();
      for (const Shown& s : pick(shown_by_then(people_[p]), share))
        rows.push_back(copy_of(people_[p], s));
    }
    if (plan_.act == Act::colleagues) {
      rows.resize(rows.size() / 2);
      for (const Shown& s : pick(shown_by_then(other_), plan_.rows - rows.size()))
        rows.push_back(copy_of(other_, s));
    }
    for (Row& row : rows)
      for (Sides& s : row.sides) {
        if (plan_.act == Act::more && dice_.chance(.5)) s = kBoth;
        if (plan_.act == Act::lots) s = side(static_cast<unsigned>(dice_.below(2)));
      }
    return rows;
  }

  // Only what the colleague was shown too; then rows that he alone of the two was shown, which the
  // leaker knows of and makes up.
  std::vector<Row> framing() {
    std::vector<Shown> both = shown_by_then(people_[0]), his;
    std::erase_if(both, [&](const Shown& s) { return !world_.saw(other_, s.citizen, day_); });
    std::vector<Row> rows;
    for (const Shown& s : pick(both, plan_.rows)) rows.push_back(copy_of(people_[0], s));
    for (const Shown& s : shown_by_then(other_)) {
      const bool alone = [&] {
        const std::uint32_t first = world_.station_of(other_) * world_.shape().officers;
        for (std::uint32_t o = first; o < first + world_.shape().officers; ++o)
          if (o != other_ && world_.saw(o, s.citizen, day_)) return false;
        return true;
      }();
      if (alone) his.push_back(s);
    }
    if (his.size() < plan_.planted) {
      // Where stations share nearly everything nobody is alone: what the leaker was not shown.
      his = shown_by_then(other_);
      std::erase_if(his, [&](const Shown& s) { return world_.saw(people_[0], s.citizen, day_); });
    }
    for (const Shown& s : pick(his, plan_.planted)) rows.push_back(made_up(s.citizen, s.day));
    foreign_ += std::min<std::size_t>(plan_.planted, his.size());
    return rows;
  }

  Row made_up(std::uint32_t citizen, std::uint16_t day) {
    Row row{citizen, world_.version_on(citizen, day), {}};
    for (unsigned k = 0; k < coins_; ++k)
      row.sides.push_back(side(static_cast<unsigned>(dice_.below(2))));
    return row;
  }

  // Colluders lay their copies beside each other; a citizen only one of them has stays as it is.
  std::vector<Row> colluding() {
    std::map<std::uint32_t, std::vector<std::pair<std::uint32_t, Shown>>> all;
    for (const std::uint32_t o : people_)
      for (const Shown& s : shown_by_then(o)) all[s.citizen].push_back({o, s});
    std::vector<Shown> shared;
    for (const auto& [citizen, of] : all)
      if (of.size() > 1) shared.push_back(of[0].second);
    std::vector<Row> rows;
    for (const Shown& s : pick(shared, plan_.rows)) {
      const auto& of = all[s.citizen];
      Row row{s.citizen, world_.version_on(s.citizen, s.day), {}};
      for (unsigned k = 0; k < coins_; ++k) row.sides.push_back(agreed(of, k));
      rows.push_back(row);
    }
    return rows;
  }

  Sides agreed(const std::vector<std::pair<std::uint32_t, Shown>>& of, unsigned slot) {
    std::size_t ones = 0;
    for (const auto& [o, s] : of) ones += coin(o, s, slot) == side(1) ? 1 : 0;
    const bool differ = ones > 0 && ones < of.size();
    const unsigned most = 2 * ones > of.size()   ? 1
                          : 2 * ones < of.size() ? 0
                                                 : unsigned(dice_.below(2));
    switch (plan_.act) {
      case Act::differing:
        return differ ? Sides{0} : side(ones > 0 ? 1 : 0);
      case Act::minority:
        return side(differ ? 1 - most : most);
      case Act::blend: {
        const auto& [o, s] = of[dice_.below(of.size())];
        return coin(o, s, slot);
      }
      default:
        return side(most);
    }
  }

  // Out of the storage itself: the citizens of a station's pool, or exactly an officer's.
  std::vector<Row> nobodys() {
    std::vector<Row> rows;
    std::vector<Shown> from = world_.shown(other_);
    if (plan_.act != Act::backend_framed) {
      const std::uint32_t pool = world_.pool();
      from.clear();
      for (unsigned i = 0; i < plan_.rows; ++i)
        from.push_back({world_.station_of(other_) * pool + std::uint32_t(dice_.below(pool)),
                        static_cast<std::uint16_t>(kFirstDay + dice_.below(365))});
    }
    for (const Shown& s : pick(from, plan_.rows)) {
      Row row = made_up(s.citizen, s.day);
      if (plan_.act == Act::backend_raw) row.sides.assign(coins_, kBoth);
      if (plan_.act == Act::backend_first) row.sides.assign(coins_, side(0));
      rows.push_back(row);
    }
    foreign_ += rows.size();
    return rows;
  }

  void damage(Row& row) {
    for (Sides& s : row.sides) {
      if (s != 0 && s != kBoth && plan_.flipped > 0 && dice_.chance(plan_.flipped))
        s = static_cast<Sides>(s ^ kBoth);
      if (plan_.erased > 0 && dice_.chance(plan_.erased)) s = 0;
    }
  }

  void add_foreign(std::vector<Row>& rows) {
    const auto more = static_cast<std::size_t>(plan_.foreign * static_cast<double>(rows.size()));
    const std::uint32_t first = world_.first_elsewhere();
    for (std::size_t i = 0; i < more; ++i) {
      const bool ours = plan_.act == Act::diluted || dice_.chance(kForeignOfOurs);
      const auto citizen = static_cast<std::uint32_t>(
          ours ? dice_.below(first) : first + dice_.below(world_.citizens() - first));
      rows.push_back(made_up(citizen, static_cast<std::uint16_t>(kFirstDay + dice_.below(365))));
    }
    foreign_ += more;
  }

  World& world_;
  const Plan& plan_;
  Dice& dice_;
  const unsigned coins_;
  std::uint16_t day_ = 0;
  std::vector<std::uint32_t> people_;
  std::uint32_t other_ = 0;  // a colleague of the first: the victim, or whose screen was read
  std::uint64_t foreign_ = 0;
};

}  // namespace

std::string_view word_of(Act act) {
  static constexpr std::string_view kWords[kActs] = {
      "copies",      "common",       "planted",       "vote",          "minority",
      "blend",       "differing",    "more",          "lots",          "again",
      "colleagues",  "old",          "several",       "foreign",       "diluted",
      "backend-raw", "backend-lots", "backend-first", "backend-framed"};
  return kWords[static_cast<std::size_t>(act)];
}

bool from_nobody(Act act) {
  return act == Act::backend_raw || act == Act::backend_lots || act == Act::backend_first ||
         act == Act::backend_framed;
}

std::string_view word_of(Style style) {
  static constexpr std::string_view kWords[kStyles] = {"csv", "renamed", "retyped", "json-lines",
                                                       "sql", "chat",    "merged"};
  return kWords[static_cast<std::size_t>(style)];
}

Leak make_leak(World& world, const Plan& plan, Dice& dice) {
  insist(plan.sources > 0 && plan.sources < world.shape().officers && plan.rows > 0);
  return Maker(world, plan, dice).make();
}

}  // namespace amanat::sim
