// A false sighting costs as much as a missed one: a report that cries wolf is not read. So a bare
// run of digits counts only if it can hardly be anything else, and milliseconds since 1970, which
// have 13 digits too, never count by themselves.

#include "registry/recognise.h"

#include <algorithm>
#include <map>

#include "model/insist.h"
#include "registry/dataset.h"
#include "registry/normalise.h"

namespace amanat::registry {
namespace {

constexpr std::size_t kValueMost = 512, kTextRunMost = 32;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

/// word_of brings a name to one form: "Father Name", "fatherName", "father_name" are fathername.
std::string word_of(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z')
      out.push_back(static_cast<char>(c - 'A' + 'a'));
    else if (is_letter(c) || is_digit(c))
      out.push_back(c);
  }
  return out;
}

// Words for the types that do not come from a department's columns but from programmers' habit.
struct Habit {
  PersonalType type;
  std::string_view word;
  bool alone;
};
constexpr Habit kHabits[] = {
    {PersonalType::national_id, "nationalid", true},
    {PersonalType::national_id, "nationalidnumber", true},
    {PersonalType::national_id, "idcardnumber", true},
    {PersonalType::phone, "phone", true},
    {PersonalType::phone, "phonenumber", true},
    {PersonalType::phone, "mobile", true},
    {PersonalType::phone, "mobilenumber", true},
    {PersonalType::phone, "contactnumber", true},
    {PersonalType::phone, "msisdn", true},
    {PersonalType::passport, "passport", true},
    {PersonalType::passport, "passportno", true},
    {PersonalType::passport, "passportnumber", true},
    {PersonalType::name, "name", false},
    {PersonalType::name, "fullname", true},
    {PersonalType::name, "firstname", true},
    {PersonalType::name, "lastname", true},
    {PersonalType::name, "surname", true},
    {PersonalType::name, "familyname", true},
    {PersonalType::name, "givenname", true},
    {PersonalType::name, "mothername", true},
    {PersonalType::name, "spousename", true},
    {PersonalType::address, "address", false},
    {PersonalType::address, "homeaddress", true},
    {PersonalType::address, "postaladdress", true},
    {PersonalType::birth_date, "birthdate", true},
    {PersonalType::birth_date, "dob", true},
    {PersonalType::birth_date, "dateofbirth", true},
};

bool looks_like_name(std::string_view text) {
  std::size_t letters = 0, words = 1;
  for (const char c : text) {
    if (is_digit(c) || c == '@' || c == '/' || c == '_' || c == ':') return false;
    letters += is_letter(c) ? 1 : 0;
    words += c == ' ' ? 1 : 0;
  }
  return letters >= 2 && letters * 4 >= text.size() * 3 && words <= 8 && text.size() <= 128;
}

bool looks_like_address(std::string_view text) {
  const auto letters = std::count_if(text.begin(), text.end(), is_letter);
  const bool parted = text.find_first_of(" ,") != text.npos;
  return letters >= 5 && parted && text.size() >= 8 && text.find('@') == text.npos &&
         text.find("://") == text.npos;
}

/// since_1970 says that 13 digits are milliseconds of 2001 to 2033: such a number counts as an ID
/// only under a member that says so.
bool since_1970(std::string_view digits) {
  return digits.size() == 13 && digits[0] == '1' && digits >= "1000000000000" &&
         digits < "2000000000000";
}

}  // namespace

std::string_view personal_word(PersonalType type) {
  switch (type) {
    case PersonalType::national_id:
      return "national-id";
    case PersonalType::phone:
      return "phone";
    case PersonalType::passport:
      return "passport";
    case PersonalType::name:
      return "name";
    case PersonalType::address:
      return "address";
    case PersonalType::birth_date:
      return "birth-date";
  }
  insist(false);
}

std::string shape_of(PersonalType type, std::string_view value) {
  const bool exact = type == PersonalType::national_id || type == PersonalType::phone ||
                     type == PersonalType::passport || type == PersonalType::birth_date;
  std::string out;
  for (const char c : value) {
    const bool upper = c >= 'A' && c <= 'Z';
    const char mark = is_digit(c) ? '0' : upper ? 'A' : is_letter(c) ? 'a' : c == ' ' ? ' ' : '\0';
    const bool separator =
        c == '-' || c == '.' || c == ',' || c == '/' || c == '+' || c == '(' || c == ')';
    const char shown = mark != '\0' ? mark : separator ? c : '.';
    const bool letter = shown == 'a' || shown == 'A';
    const bool same = !out.empty() &&
                      (out.back() == shown || (letter && (out.back() == 'a' || out.back() == 'A')));
    if (same && (!exact || (letter && static_cast<unsigned char>(c) >= 0x80))) continue;
    out.push_back(shown);
    if (out.size() == 48) return out;
  }
  return out;
}

struct Recogniser::State {
  Rules rules;
  Field national_id, mobile, any_phone, passport, date;
  struct Word {
    PersonalType type;
    bool alone;
  };
  std::map<std::string, Word, std::less<>> words;

  void add(std::string_view word, PersonalType type, bool alone);
  void learn(const Field& field);
  std::optional<std::string> read(const Field& field, std::string_view value) const;
  std::optional<std::string> read(PersonalType type, std::string_view value) const;
  std::optional<Sighting> in_run(std::string_view run) const;
};

void Recogniser::State::add(std::string_view word, PersonalType type, bool alone) {
  const std::string key = word_of(word);
  if (key.size() < 2) return;
  const auto [at, added] = words.try_emplace(key, Word{type, alone});
  if (!added && !alone) at->second.alone = false;
}

// learn takes a declared field's names for the types that name or place a person. Other text (a
// status, a station) is the department's, not the person's.
void Recogniser::State::learn(const Field& field) {
  std::optional<PersonalType> type;
  switch (field.type) {
    case FieldType::national_id:
      type = PersonalType::national_id;
      break;
    case FieldType::msisdn:
    case FieldType::phone:
      type = PersonalType::phone;
      break;
    case FieldType::passport:
      type = PersonalType::passport;
      break;
    case FieldType::name:
      type = PersonalType::name;
      break;
    case FieldType::text:
      if (field.name.find("address") != std::string::npos) type = PersonalType::address;
      break;
    case FieldType::date:
      if (field.name.find("birth") != std::string::npos) type = PersonalType::birth_date;
      break;
    default:
      break;
  }
  if (!type) return;
  const auto alone = [&](std::string_view word) {
    const std::string key = word_of(word);
    return key != "name" && key != "address" && key != "number" && key != "accused" &&
           key != "guest";
  };
  add(field.name, *type, alone(field.name));
  for (const auto& column : field.columns) add(column, *type, alone(column));
}

std::optional<std::string> Recogniser::State::read(const Field& field,
                                                   std::string_view value) const {
  std::string out;
  SubjectKind kind{};
  const auto trimmed = trim(value);
  if (trimmed.empty() || trimmed.size() > kValueMost) return std::nullopt;
  if (normalise(rules, field, trimmed, out, kind) || out.empty()) return std::nullopt;
  return out;
}

std::optional<std::string> Recogniser::State::read(PersonalType type,
                                                   std::string_view value) const {
  switch (type) {
    case PersonalType::national_id:
      return read(national_id, value);
    case PersonalType::phone: {
      // Short codes and emergency numbers are nobody's.
      auto number = read(any_phone, value);
      return number && number->starts_with('+') ? number : std::nullopt;
    }
    case PersonalType::passport:
      return read(passport, value);
    case PersonalType::birth_date:
      return read(date, value.substr(0, value.find('T')));
    case PersonalType::name:
      return looks_like_name(value) ? std::optional<std::string>(value) : std::nullopt;
    case PersonalType::address:
      return looks_like_address(value) ? std::optional<std::string>(value) : std::nullopt;
  }
  insist(false);
}

Recogniser::Recogniser(const Catalog& catalog) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.rules = catalog.rules();
  s.national_id.type = FieldType::national_id;
  s.mobile.type = FieldType::msisdn;
  s.any_phone.type = FieldType::phone;
  s.passport.type = FieldType::passport;
  s.date.type = FieldType::date;
  for (const auto& dataset : catalog.datasets())
    for (const auto& field : dataset.fields) s.learn(field);
  for (const auto& habit : kHabits) s.add(habit.word, habit.type, habit.alone);
}
Recogniser::Recogniser(Recogniser&&) noexcept = default;
Recogniser::~Recogniser() = default;

std::vector<Sighting> Recogniser::in_member(std::string_view name, std::string_view value) const {
  std::vector<Sighting> found;
  if (const auto at = state_->words.find(word_of(name)); at != state_->words.end()) {
    if (auto normal = state_->read(at->second.type, value)) {
      found.push_back({at->second.type, *std::move(normal), shape_of(at->second.type, trim(value)),
                       at->second.alone});
      return found;
    }
  }
  return in_text(value);
}

// in_run judges one run of digits and separators: a national ID, then a mobile number with its
// prefix; anything else is some number.
std::optional<Sighting> Recogniser::State::in_run(std::string_view run) const {
  if (run.empty()) return std::nullopt;
  std::string digits;
  for (const char c : run)
    if (is_digit(c)) digits.push_back(c);
  const bool bare = digits.size() == run.size();
  if (run.size() - digits.size() > 3) return std::nullopt;  // a date with a time, a list
  if (digits.size() == rules.national_id.length && run[0] != '+' && !(bare && since_1970(digits)))
    if (auto normal = read(national_id, run))
      return Sighting{PersonalType::national_id, *std::move(normal),
                      shape_of(PersonalType::national_id, run), true};
  const bool prefixed = run[0] == '+' || digits.starts_with(rules.phone.country) ||
                        (!rules.phone.trunk.empty() && digits.starts_with(rules.phone.trunk));
  if (prefixed && digits.size() >= rules.phone.mobile_length)
    if (auto normal = read(mobile, run))
      return Sighting{PersonalType::phone, *std::move(normal), shape_of(PersonalType::phone, run),
                      true};
  return std::nullopt;
}

std::vector<Sighting> Recogniser::in_text(std::string_view text, std::size_t most) const {
  std::vector<Sighting> found;
  for (std::size_t i = 0; i < text.size() && found.size() < most;) {
    const char c = text[i];
    if (!is_digit(c) && c != '+') {
      ++i;
      continue;
    }
    // Part of a word, a decimal or a longer number: not by itself.
    const bool inside =
        i > 0 && (is_letter(text[i - 1]) || text[i - 1] == '.' || text[i - 1] == '_');
    std::size_t end = i + 1;
    while (
        end < text.size() && end - i <= kTextRunMost &&
        (is_digit(text[end]) || ((text[end] == '-' || text[end] == ' ') && end + 1 < text.size() &&
                                 is_digit(text[end + 1]) && is_digit(text[end - 1]))))
      ++end;
    const bool goes_on = end < text.size() &&
                         (is_letter(text[end]) || is_digit(text[end]) || text[end] == '_' ||
                          (text[end] == '.' && end + 1 < text.size() && is_digit(text[end + 1])));
    if (!inside && !goes_on) {
      std::string_view run = text.substr(i, end - i);
      if (auto one = state_->in_run(run)) {
        found.push_back(*std::move(one));
      } else if (run.find(' ') != run.npos) {  // several numbers with spaces between
        while (!run.empty()) {
          const auto space = std::min(run.find(' '), run.size());
          if (auto part = state_->in_run(run.substr(0, space))) found.push_back(*std::move(part));
          run.remove_prefix(std::min(space + 1, run.size()));
        }
      }
    }
    i = end;
    while (i < text.size() && is_digit(text[i])) ++i;
  }
  return found;
}

}  // namespace amanat::registry
