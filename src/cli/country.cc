// Invariants
//  1. No two citizens share a national ID and no two lines a number: both come from counters through
//     a permutation (multiplication by a unit modulo the range), so nothing has to be remembered.
//  2. Nothing in a row tells a canary from a citizen: neither range nor place; canaries.csv alone does.
//  3. What a file's counts say is what a correct import of it reports.

#include "cli/country.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <optional>

#include "cli/country_words.h"
#include "cli/families.h"
#include "cli/sheet.h"
#include "model/insist.h"

namespace amanat::cli {
namespace {

constexpr std::uint32_t kBlockCitizens = 500, kCanaryGroup = 10;
constexpr std::uint64_t kVillagesFrom = 5000;   // a smaller country has no village to spare
constexpr std::uint64_t kCitizensMin = 100, kCitizensMax = 50'000'000;
constexpr std::uint64_t kSerials = 9'900'000, kSerialStep = 7'368'787;     // coprime
constexpr std::uint64_t kNumbers = 370'000'000, kNumberStep = 271'828'183;      // coprime
constexpr std::uint64_t kStayMinutes = 270 * 1440, kStayStep = 100'003;         // coprime
constexpr std::int32_t kCallDays = 60;

struct Officer {
  std::uint32_t unit = 0, number = 0;
  std::string_view role;
  std::optional<std::int32_t> left;
};

// Person whom an officer's row in the roster describes.
struct Recruit {
  std::uint64_t national_id;
  std::uint16_t given, surname;
};

class Maker {
 public:
  Maker(const CountryOptions& options, std::array<Sheet, 8> sheets)
      : options_(options), chance_(options.seed * 0x9E3779B97F4A7C15u + 1), sheets_(std::move(sheets)) {}

  Result<Country> make(const std::function<void(std::uint64_t)>& progress) {
    hire();
    std::uint64_t done = 0;
    country_.canaries = std::clamp<std::uint64_t>(options_.citizens / 1000, 8, 10'000);
    // Canaries live among the others, wherever in the files chance puts them: neither a number's
    // range nor a row's place tells one.
    const std::uint64_t groups = (country_.canaries + kCanaryGroup - 1) / kCanaryGroup;
    std::uint64_t left = country_.canaries, group = 0;
    std::uint64_t turn = options_.citizens * chance_.below(1000) / 1000 / groups;
    const auto write_canaries = [&] {
      // A village of which no case knows: its citizens are like anybody, and a few are canaries.
      const auto few = static_cast<std::uint32_t>(std::min<std::uint64_t>(kCanaryGroup, left));
      const auto rest = options_.citizens < kVillagesFrom
                            ? 0
                            : static_cast<std::uint32_t>(std::min<std::uint64_t>(kBlockCitizens, options_.citizens - done));
      write_block(rest + few, Kind::canary, few);
      done += rest;
      left -= few;
      ++group;
      turn = options_.citizens * (group * 1000 + chance_.below(1000)) / 1000 / groups;
    };
    while (done < options_.citizens) {
      if (left > 0 && done >= turn) {
        write_canaries();
        continue;
      }
      const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(kBlockCitizens, options_.citizens - done));
      write_block(size, Kind::ordinary);
      done += size;
      if (progress) progress(done);
    }
    country_.citizens = done;
    while (left > 0) write_canaries();
    write_roster();
    for (auto& sheet : sheets_) {
      if (auto closed = sheet.close(); !closed) return std::unexpected(closed.error());
      country_.files.push_back(sheet.counts());
    }
    insist(!country_.cast.case_ref.empty());
    return std::move(country_);
  }

 private:
  enum class Kind : std::uint8_t { ordinary, canary };

  Sheet& persons() { return sheets_[0]; }
  Sheet& subscribers() { return sheets_[1]; }
  Sheet& calls() { return sheets_[2]; }
  Sheet& stays() { return sheets_[3]; }
  Sheet& reports() { return sheets_[4]; }
  Sheet& cases() { return sheets_[5]; }
  Sheet& roster() { return sheets_[6]; }
  Sheet& canaries() { return sheets_[7]; }
  const District& district() const { return districts()[district_]; }

  void hire() {
    const std::uint64_t each = std::min<std::uint64_t>(8 + options_.citizens / 100'000, 200);
    std::uint32_t number = 1000;
    for (std::uint32_t unit = 0; unit < units().size(); ++unit)
      for (std::uint64_t i = 0; i < each; ++i) {
        Officer officer;
        officer.unit = unit;
        officer.number = number++;
        officer.role = i == 0 ? "supervisor" : i % 4 == 3 ? "clerk" : "investigator";
        // Never the first three, so that every unit can work.
        if (i > 3 && chance_.happens(400)) officer.left = options_.today - chance_.in(5, 700);
        officers_.push_back(officer);
      }
    by_unit_ = each;
    country_.officers = officers_.size();
  }

  std::uint32_t pick_district() {
    auto ticket = chance_.below(100);
    for (std::uint32_t i = 0; i < districts().size(); ++i) {
      if (ticket < districts()[i].weight) return i;
      ticket -= districts()[i].weight;
    }
    return 0;
  }

  void write_block(std::uint32_t size, Kind kind, std::uint32_t canaries = 0) {
    kind_ = kind;
    district_ = pick_district();
    block_ = make_block(size, options_.today, chance_);
    for (auto& c : block_.citizens) c.national_id = next_national_id(c.male);
    first_family_ += block_.households.size();
    write_persons();
    const std::uint64_t first_sim = sim_counter_;
    write_subscribers();
    if (kind == Kind::canary) canary_sims_.emplace_back(first_sim, sim_counter_);
    write_calls();
    write_stays();
    if (kind == Kind::canary) {
      for (std::size_t i = 0; i < block_.citizens.size() && canaries > 0; ++i)
        if (chance_.below(static_cast<std::uint32_t>(block_.citizens.size() - i)) < canaries) {
          write_canary(block_.citizens[i]);
          --canaries;
        }
      return;
    }
    write_reports();
    write_complaints();
    recruit();
  }

  std::uint64_t next_national_id(bool male) {
    insist(serials_[district_] < kSerials);
    const std::uint64_t serial =
        (serials_[district_]++ * kSerialStep + 1234567 + district_) % kSerials;
    const std::uint64_t sex = chance_.below(5) * 2 + (male ? 1 : 0);
    return district().code * std::uint64_t{100'000'000} + serial * 10 + sex;
  }

  // --- identity ---------------------------------------------------------------------------------

  void write_persons() {
    for (const auto& c : block_.citizens) {
      append_national_id(persons().row(), c.national_id, chance_);
      write_person_rest(c);
      persons().end(chance_);
      if (kind_ == Kind::ordinary && chance_.happens(26)) {
        append_broken_id(persons().row(), c.national_id, chance_);
        write_person_rest(c);
        persons().end_broken();
      }
    }
  }

  void write_person_rest(const Citizen& c) {
    std::string& row = persons().row();
    const auto& given = (c.male ? male_names() : female_names())[c.given];
    const auto& surname = surnames()[c.surname];
    row += ',';
    append_name(row, given.roman, surname.roman, chance_);
    row.append(",").append(given.urdu).append(" ").append(surname.urdu).append(",");
    append_name(row, male_names()[c.fathers_given].roman, surnames()[c.fathers_surname].roman, chance_);
    for (const std::int32_t kin : {c.father, c.mother, c.spouse}) {
      row += ',';
      // Registers forget kin: about one in sixty.
      if (kin != kNobody && !chance_.happens(170))
        append_national_id(row, block_.citizens[static_cast<std::size_t>(kin)].national_id, chance_);
    }
    row += c.male ? ",M," : ",F,";
    append_day(row, c.born, chance_);
    for (int address = 0; address < 2; ++address) write_address(row, block_.households[c.household]);
    row += ',';
    write_family_number(row, first_family_ + c.household);
    row += ',';
    const std::int32_t issued = std::max(c.born + 1, options_.today - chance_.in(1, 14 * 365));
    append_day(row, issued, chance_);
    row += ',';
    append_day(row, issued + 3652, chance_);
  }

  void write_address(std::string& row, const Household& home) {
    row += ",\"House ";
    append_number(row, home.house);
    row += ", Street ";
    append_number(row, home.street);
    row.append(", ").append(district().areas[home.area]).append(", ").append(district().city).append("\"");
  }

  // Six characters without O, I, 0 and 1: a permutation of the counter, so that they do not repeat.
  static void write_family_number(std::string& row, std::uint64_t counter) {
    constexpr std::string_view kLetters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    std::uint64_t n = (counter * 700'000'001 + 99) % (std::uint64_t{1} << 30);
    for (int i = 0; i < 6; ++i, n >>= 5) row += kLetters[n & 31];
  }

  // --- telecom ----------------------------------------------------------------------------------

  struct Sim {
    std::uint64_t number;
    std::uint32_t owner;
  };

  static std::uint64_t number_of(std::uint64_t sim) {
    std::uint64_t n = (sim * kNumberStep + 77) % kNumbers;
    for (const auto& op : operators()) {
      const std::uint64_t range = std::uint64_t{op.prefixes} * 10'000'000;
      if (n < range) return std::uint64_t{op.first_prefix} * 10'000'000 + n;
      n -= range;
    }
    insist(n == 0);   // the operators' ranges add up to kNumbers
    return 0;
  }

  static const Operator& operator_of(std::uint64_t number) {
    const std::uint64_t prefix = number / 10'000'000;
    for (const auto& op : operators())
      if (prefix >= op.first_prefix && prefix < op.first_prefix + std::uint64_t{10}) return op;
    insist(false);   // number_of gives no other
    return operators()[0];
  }

  void write_subscribers() {
    sims_.clear();
    first_sim_.assign(block_.citizens.size(), kNobody);
    for (std::uint32_t i = 0; i < block_.citizens.size(); ++i) {
      const Citizen& c = block_.citizens[i];
      if (!is_adult(c, options_.today)) continue;
      auto count = chance_.below(5);
      for (; count > 0; --count) {
        const std::uint64_t number = number_of(sim_counter_++);
        if (first_sim_[i] == kNobody) first_sim_[i] = static_cast<std::int32_t>(sims_.size());
        sims_.push_back({number, i});
        append_msisdn(subscribers().row(), number, chance_);
        subscribers().cell();
        append_national_id(subscribers().row(), c.national_id, chance_);
        write_sim_rest(number);
        subscribers().end(chance_);
        if (kind_ == Kind::ordinary && chance_.happens(60)) write_broken_sim(c);
      }
    }
  }

  void write_sim_rest(std::uint64_t number) {
    std::string& row = subscribers().row();
    const Operator& op = operator_of(number);
    row.append(",").append(op.name).append(",").append(op.imsi);
    append_number(row, number, 10);
    row += ',';
    append_day(row, options_.today - chance_.in(10, 12 * 365), chance_);
    const auto status = chance_.below(100);
    row += status < 90 ? ",ACTIVE" : status < 96 ? ",BLOCKED" : ",PORTED";
  }

  void write_broken_sim(const Citizen& c) {
    const std::uint64_t number = number_of(sim_counter_++);
    append_msisdn(subscribers().row(), number, chance_);
    subscribers().cell();
    append_broken_id(subscribers().row(), c.national_id, chance_);
    write_sim_rest(number);
    subscribers().end_broken();
  }

  std::uint64_t called_by(std::uint32_t caller) {
    const Citizen& c = block_.citizens[sims_[caller].owner];
    const auto lot = chance_.below(100);
    if (lot < 40) {
      const std::int32_t kin[] = {c.spouse, c.father, c.mother};
      const std::int32_t who = kin[chance_.below(3)];
      if (who != kNobody && first_sim_[static_cast<std::size_t>(who)] != kNobody)
        return sims_[static_cast<std::size_t>(first_sim_[static_cast<std::size_t>(who)])].number;
    }
    if (lot > 94 && kind_ == Kind::ordinary && sim_counter_ > sims_.size()) {   // somebody elsewhere
      const std::uint64_t sim = (chance_.next() >> 16) % (sim_counter_ - sims_.size());
      // Nobody calls a canary: an officer who follows an accused's calls must not meet one.
      const auto of_canaries = [sim](const auto& range) { return sim >= range.first && sim < range.second; };
      if (std::none_of(canary_sims_.begin(), canary_sims_.end(), of_canaries)) return number_of(sim);
    }
    return sims_[(caller + 1 + chance_.below(4) * 13) % sims_.size()].number;   // one of four friends
  }

  void write_calls() {
    for (std::uint32_t caller = 0; caller < sims_.size(); ++caller)
      for (auto count = chance_.below(9); count > 0; --count) {
        const std::uint64_t from = sims_[caller].number, to = called_by(caller);
        const auto second = chance_.below(static_cast<std::uint32_t>(kCallDays) * 86'400);
        const bool voice = chance_.below(5) < 3;
        if (from == to) continue;
        std::string& row = calls().row();
        append_msisdn(row, from, chance_);
        row += ',';
        append_msisdn(row, to, chance_);
        row += voice ? ",VOICE," : ",SMS,";
        append_second(row, second);
        row += ',';
        append_number(row, voice ? chance_.below(2200) + 1 : 0);
        row.append(",410-0").append(operator_of(from).imsi.substr(4)).append("-");
        append_number(row, 2000 + district_ * 700 + chance_.below(600));
        row += '-';
        append_number(row, 10'000 + chance_.below(50'000));
        calls().end(chance_);
      }
  }

  void append_second(std::string& row, std::uint32_t second) const {
    std::string day;
    append_iso_day(day, options_.today - kCallDays + static_cast<std::int32_t>(second / 86'400));
    for (const char c : day)
      if (c != '-') row += c;
    append_number(row, second / 3600 % 24, 2);
    append_number(row, second / 60 % 60, 2);
    append_number(row, second % 60, 2);
  }

  // --- hotels -----------------------------------------------------------------------------------

  void append_minute(std::string& row, std::int64_t minute) const {
    append_iso_day(row, options_.today - 270 + static_cast<std::int32_t>(minute / 1440));
    row += ' ';
    append_number(row, static_cast<std::uint64_t>(minute / 60 % 24), 2);
    row += ':';
    append_number(row, static_cast<std::uint64_t>(minute % 60), 2);
  }

  void write_stays() {
    const std::uint64_t hotels = 40 + options_.citizens / 5'000;
    for (const auto& c : block_.citizens) {
      if (!is_adult(c, options_.today) || !chance_.happens(3'000)) continue;
      const std::uint64_t stay = stay_counter_++, hotel = stay % hotels + 1;
      // A permutation of the minutes: no two guests of one hotel arrive in the same one.
      const auto arrived = static_cast<std::int64_t>(stay / hotels * kStayStep % kStayMinutes);
      const std::int64_t left = arrived + chance_.in(600, 7'000);
      std::string& row = stays().row();
      row += "HL-";
      append_number(row, hotel, 4);
      if (country_.cast.licence.empty()) country_.cast.licence = row;
      row.append(",").append(hotel_names()[hotel % hotel_names().size()]).append(" ");
      append_number(row, hotel);
      row.append(",").append(districts()[hotel % districts().size()].city).append(",");
      append_name(row, (c.male ? male_names() : female_names())[c.given].roman, surnames()[c.surname].roman, chance_);
      row += ',';
      if (kind_ == Kind::ordinary && chance_.happens(300)) {   // a foreigner's passport
        row += static_cast<char>('A' + chance_.below(26));
        row += static_cast<char>('A' + chance_.below(26));
        append_number(row, 1'000'000 + chance_.below(8'999'999), 7);
      } else {
        append_national_id(row, c.national_id, chance_);
      }
      row += ',';
      append_number(row, 100 + chance_.below(550));
      row += ',';
      append_minute(row, arrived);
      row += ',';
      if (left < static_cast<std::int64_t>(kStayMinutes)) append_minute(row, left);   // else: still there
      stays().end(chance_);
    }
  }

  // --- police and cases -------------------------------------------------------------------------

  const Officer& officer_of(std::uint32_t unit, std::string_view role) {
    for (;;) {
      const auto& officer = officers_[unit * by_unit_ + chance_.below(static_cast<std::uint32_t>(by_unit_))];
      if (officer.role == role && !officer.left) return officer;
    }
  }
  static std::string id_of(const Officer& officer) {
    return std::string(units()[officer.unit].prefix) + "-" + std::to_string(officer.number);
  }

  const Citizen& adult() {
    for (int attempt = 0; attempt < 1000; ++attempt) {
      const auto& c = block_.citizens[chance_.below(static_cast<std::uint32_t>(block_.citizens.size()))];
      if (is_adult(c, options_.today)) return c;
    }
    return block_.citizens.front();   // the founder of the block's first family
  }

  void write_reports() {
    // The first report of the country is young, open, names one citizen with a number, and has one
    // officer: what a demonstration needs.
    if (country_.cast.case_ref.empty()) write_report(cast_subject(), options_.today - 30, true);
    for (auto n = block_.citizens.size() * 4 / 100; n > 0; --n)
      write_report(adult(), options_.today - 1 - chance_.in(0, 7 * 365), false);
  }

  const Citizen& cast_subject() {
    for (std::size_t i = 0; i < block_.citizens.size(); ++i) {
      const Citizen& c = block_.citizens[i];
      if (first_sim_[i] == kNobody || c.spouse == kNobody || c.father == kNobody) continue;
      country_.cast.subject_number = "+92" + std::to_string(sims_[static_cast<std::size_t>(first_sim_[i])].number);
      return c;
    }
    const Sim& any = sims_.at(0);
    country_.cast.subject_number = "+92" + std::to_string(any.number);
    return block_.citizens[any.owner];
  }

  void write_report(const Citizen& accused, std::int32_t day, bool for_cast) {
    using namespace std::chrono;
    const auto year = static_cast<int>(year_month_day(sys_days(days(day))).year());
    const std::string number = std::to_string(++report_counter_) + "/" + std::to_string(year % 100 / 10) + std::to_string(year % 10);
    const std::string station = "PS " + std::string(district().areas[chance_.below(5)]);
    const bool open = for_cast || day > options_.today - 200 || chance_.happens(800);
    static constexpr std::string_view kClosed[] = {"Acquitted", "Convicted", "Cancelled", "Challan Submitted"};
    Sheet& sheet = reports();
    sheet.row().append(number).append(",").append(station).append(",").append(district().city).append(",");
    append_day(sheet.row(), day, chance_);
    sheet.row().append(",").append(law_sections()[chance_.below(static_cast<std::uint32_t>(law_sections().size()))]).append(",");
    if (for_cast || !chance_.happens(650)) append_national_id(sheet.row(), accused.national_id, chance_);
    sheet.row() += ',';
    append_name(sheet.row(), (accused.male ? male_names() : female_names())[accused.given].roman,
                surnames()[accused.surname].roman, chance_);
    sheet.row().append(",").append(open ? "Under Investigation" : kClosed[chance_.below(4)]);
    sheet.end(chance_);

    const std::string ref = "FIR " + number + " " + station + " " + std::string(district().city);
    const Officer& first = officer_of(district_, "investigator");
    if (for_cast) {
      auto& cast = country_.cast;
      cast.case_ref = ref;
      cast.fir = number;
      cast.station = station;
      cast.subject = std::to_string(accused.national_id);
      cast.investigator = id_of(first);
      cast.outsider = id_of(officer_of((district_ + 1) % 8, "investigator"));
    }
    write_case(ref, "fir", day, open, district_, first, accused, for_cast);
  }

  void write_complaints() {
    using namespace std::chrono;
    for (auto n = block_.citizens.size() * 2 / 100; n > 0; --n) {
      const std::int32_t day = options_.today - 1 - chance_.in(0, 330);
      const auto year = static_cast<int>(year_month_day(sys_days(days(day))).year());
      std::string ref = "CC-";
      append_number(ref, ++complaint_counter_, 5);
      ref += "/" + std::to_string(year);
      const std::uint32_t unit = 8 + chance_.below(4);   // the four cyber-crime units
      write_case(ref, "complaint", day, chance_.below(4) > 0, unit, officer_of(unit, "investigator"), adult(), false);
    }
  }

  void write_case(const std::string& ref, std::string_view kind, std::int32_t opened, bool open, std::uint32_t unit,
                  const Officer& first, const Citizen& subject, bool alone) {
    std::string& row = cases().row();
    row.append(ref).append(",").append(kind).append(",");
    append_day(row, opened, chance_);
    row += ',';
    if (!open) append_day(row, std::min(options_.today, opened + chance_.in(30, 500)), chance_);
    row.append(",").append(units()[unit].name).append(",").append(id_of(first));
    if (!alone && chance_.below(3) == 0) {
      const Officer& second = officer_of(unit, "investigator");
      if (second.number != first.number) row.append(";").append(id_of(second));
    }
    row += ',';
    append_national_id(row, subject.national_id, chance_);
    for (auto more = alone || chance_.below(4) > 0 ? 0 : chance_.below(3); more > 0; --more) {
      row += ';';
      append_national_id(row, adult().national_id, chance_);
    }
    cases().end_plain();
  }

  // --- personnel --------------------------------------------------------------------------------

  void recruit() {
    for (const auto& c : block_.citizens) {
      if (recruits_.size() >= officers_.size()) return;
      const std::int32_t age = (options_.today - c.born) / 365;
      if (age >= 24 && age < 60) recruits_.push_back({c.national_id, c.male ? c.given : std::uint16_t(c.given | 0x8000), c.surname});
    }
  }

  void write_roster() {
    insist(!recruits_.empty());
    static constexpr std::string_view kShifts[] = {"09:00-17:00", "16:00-00:00", "08:00-16:00"};
    for (std::size_t i = 0; i < officers_.size(); ++i) {
      const Officer& officer = officers_[i];
      const Recruit& who = recruits_[i % recruits_.size()];
      const bool male = (who.given & 0x8000) == 0;
      std::string& row = roster().row();
      row.append(id_of(officer)).append(",");
      append_name(row, (male ? male_names() : female_names())[who.given & 0x7FFF].roman, surnames()[who.surname].roman, chance_);
      row += ',';
      append_national_id(row, who.national_id, chance_);
      const Unit& unit = units()[officer.unit];
      row.append(",").append(unit.department).append(",").append(unit.name).append(",").append(officer.role).append(",");
      row.append(districts()[unit.district].city).append(",").append(kShifts[chance_.below(3)]).append(",");
      append_day(row, options_.today - chance_.in(720, 16 * 365), chance_);
      row += ',';
      if (officer.left) append_day(row, *officer.left, chance_);
      roster().end_plain();
    }
  }

  void write_canary(const Citizen& c) {
    const auto i = static_cast<std::size_t>(&c - block_.citizens.data());
    std::string& row = canaries().row();
    append_number(row, c.national_id);
    row += ',';
    if (first_sim_[i] != kNobody) row += "+92" + std::to_string(sims_[static_cast<std::size_t>(first_sim_[i])].number);
    canaries().end_plain();
    if (country_.cast.canaries.size() < 16) country_.cast.canaries.push_back(std::to_string(c.national_id));
  }

  const CountryOptions& options_;
  Chance chance_;
  std::array<Sheet, 8> sheets_;
  Country country_;
  Kind kind_ = Kind::ordinary;
  std::uint32_t district_ = 0;
  Block block_;
  std::vector<Sim> sims_;
  std::vector<std::int32_t> first_sim_;      // of each citizen of the block
  std::vector<Officer> officers_;
  std::vector<Recruit> recruits_;
  std::uint64_t by_unit_ = 0;
  std::array<std::uint64_t, 8> serials_{};
  std::vector<std::pair<std::uint64_t, std::uint64_t>> canary_sims_;   // [first, last) of each group
  std::uint64_t sim_counter_ = 0, stay_counter_ = 0, report_counter_ = 0,
                complaint_counter_ = 0, first_family_ = 0;
};

}  // namespace

const CountryFile& Country::file(std::string_view name) const {
  for (const auto& one : files)
    if (one.name == name) return one;
  constexpr bool the_country_has_this_file = false;
  insist(the_country_has_this_file);
  return files.front();
}

Result<Country> write_country(const CountryOptions& options, const std::function<void(std::uint64_t)>& progress) {
  if (options.citizens < kCitizensMin || options.citizens > kCitizensMax)
    return fail(Reason::usage_wrong, "a country has 100 to 50,000,000 citizens");
  struct Form {
    std::string_view name, dataset, header;
    bool mark;
  };
  static constexpr Form kForms[8] = {
      {"nadra_identity.csv", "identity.persons",
       "CNIC,Name,Name (Urdu),Father Name,Father CNIC,Mother CNIC,Spouse CNIC,Gender,Date of Birth,Present Address,"
       "Permanent Address,Family No,Issue Date,Expiry Date",
       true},
      {"telecom_subscribers.csv", "telecom.subscribers", "msisdn,cnic,operator,imsi,activated_on,status", false},
      {"telecom_cdr.csv", "telecom.calls", "a_number,b_number,type,start_time,duration_s,cell", false},
      {"hotel_guests.csv", "hotels.stays", "Licence,Hotel,City,Guest,CNIC/Passport,Room,Check In,Check Out", false},
      {"police_firs.csv", "police.firs", "FIR No,Police Station,District,Date,Sections,Accused CNIC,Accused Name,Status", false},
      {"cases.csv", "", "Case Ref,Kind,Opened,Closed,Unit,Officers,Subjects CNIC", false},
      {"hr_roster.csv", "", "Officer No,Name,CNIC,Department,Unit,Role,Station,Shift,Joined,Left", false},
      {"canaries.csv", "", "CNIC,msisdn", false}};
  std::vector<Sheet> open;
  for (const auto& form : kForms) {
    auto sheet = Sheet::open(options.directory, std::string(form.name), std::string(form.dataset), form.header, form.mark);
    if (!sheet) return std::unexpected(sheet.error());
    open.push_back(*std::move(sheet));
  }
  insist(open.size() == 8);
  std::array<Sheet, 8> sheets = {std::move(open[0]), std::move(open[1]), std::move(open[2]), std::move(open[3]),
                                 std::move(open[4]), std::move(open[5]), std::move(open[6]), std::move(open[7])};
  return Maker(options, std::move(sheets)).make(progress);
}

std::int32_t today_utc() {
  using namespace std::chrono;
  return static_cast<std::int32_t>(floor<days>(system_clock::now()).time_since_epoch().count());
}

}  // namespace amanat::cli
