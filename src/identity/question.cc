// The body of POST /v1/lookups, read strictly: unknown members, repeated members, other types and
// other spellings are refused. Complaints name the member, never what stood in it: a national ID
// written into the wrong member must not travel into a log.

#include <algorithm>
#include <charconv>
#include <cstring>

#include "crypto/crypto.h"
#include "identity/identity.h"
#include "net/json.h"

namespace amanat::identity {
namespace {

constexpr std::size_t kBodyMax = 64 * 1024;
constexpr std::size_t kFieldsAsked = 64;
constexpr std::size_t kIdMax = 128;
constexpr std::size_t kPurposeMax = 64;
constexpr std::size_t kCaseMax = 200;
constexpr std::size_t kReasonMax = 500;
constexpr std::size_t kWordMax = 32;
constexpr std::size_t kValueMax = 128;
constexpr std::size_t kNarrowingMax = 4;
constexpr std::uint64_t kSubjectsMax = 256;
constexpr std::uint16_t kSubjectsOfSearch = 64;
constexpr std::uint64_t kCitizensOfExtract = 100'000;
constexpr std::uint64_t kHopsMax = 3;

std::unexpected<Failure> wrong(std::string what) {
  return fail(Reason::malformed_value, std::move(what));
}

// The reader of JSON has refused bad UTF-8 already; what is left to refuse are control characters.
bool plain_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

bool is_id(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

// Search words hold no digit, so that no number written in a word's place is ever taken for one.
bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= kWordMax &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

Result<std::string> text_of(const net::Json& value, std::string_view member, std::size_t max) {
  const std::string* text = value.string();
  if (text == nullptr) return wrong(std::string(member) + " is not a string");
  if (text->size() > max)
    return wrong(std::string(member) + " is longer than " + std::to_string(max) + " bytes");
  if (!plain_text(*text)) return wrong(std::string(member) + " holds a control character");
  return *text;
}

std::optional<unsigned> digits(std::string_view text, std::size_t from, std::size_t n) {
  unsigned value = 0;
  for (std::size_t i = from; i < from + n; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(text[i] - '0');
  }
  return value;
}

// Days since 1970-01-01 of a date of the Gregorian calendar; nothing if there is no such day.
std::optional<std::uint64_t> days_of(unsigned year, unsigned month, unsigned day) {
  constexpr unsigned kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1) return std::nullopt;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (day > kDays[month - 1] + (month == 2 && leap ? 1U : 0U)) return std::nullopt;
  const unsigned before = year - 1;
  std::uint64_t days = std::uint64_t{before} * 365 + before / 4 - before / 100 + before / 400;
  for (unsigned m = 1; m < month; ++m) days += kDays[m - 1] + (m == 2 && leap ? 1U : 0U);
  constexpr std::uint64_t kDaysTo1970 = 719162;
  return days + day - 1 - kDaysTo1970;
}

// A moment as 'YYYY-MM-DD' (its first instant, UTC) or 'YYYY-MM-DDTHH:MM:SSZ' (RFC 3339).
std::optional<Moment> moment_of(std::string_view text) {
  if (text.size() != 10 && text.size() != 20) return std::nullopt;
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  if (!year || !month || !day || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto days = days_of(*year, *month, *day);
  if (!days) return std::nullopt;
  std::uint64_t seconds = *days * 86400;
  if (text.size() == 20) {
    const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2),
               second = digits(text, 17, 2);
    if (!hour || !minute || !second || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
        text[19] != 'Z')
      return std::nullopt;
    if (*hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
    seconds += *hour * 3600 + *minute * 60 + *second;
  }
  return Moment{seconds * 1000};
}

Result<void> read_window(const net::Json::Member& member, SubjectForm& subject) {
  const std::string* text = member.value.string();
  const auto moment = text != nullptr ? moment_of(*text) : std::nullopt;
  if (!moment)
    return wrong("subject." + member.name + " is not YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ");
  (member.name == "from" ? subject.from : subject.to) = moment;
  return {};
}

Result<SubjectForm> read_subject(const net::Json& value) {
  const net::Json::Object* members = value.object();
  if (members == nullptr) return wrong("subject is not an object");
  SubjectForm subject;
  for (const auto& member : *members) {
    if (member.name == "from" || member.name == "to") {
      if (auto read = read_window(member, subject); !read) return std::unexpected(read.error());
    } else if (member.name == "hops") {
      const auto hops = member.value.integer();
      if (!hops || *hops < 1 || *hops > kHopsMax) return wrong("subject.hops is not 1, 2 or 3");
      subject.hops = static_cast<std::uint8_t>(*hops);
    } else {
      // The catalog says which words can be searched; here only their form is judged, and a word
      // of the wrong form is not repeated to anybody.
      if (!is_word(member.name)) return wrong("subject has a member that is no search word");
      auto text = text_of(member.value, "subject." + member.name, kValueMax);
      if (!text) return std::unexpected(text.error());
      if (text->empty()) return wrong("subject." + member.name + " is empty");
      if (subject.search.empty()) {
        subject.search = member.name;
        subject.value = *std::move(text);
      } else {
        subject.narrowing.emplace_back(member.name, *std::move(text));
      }
    }
  }
  if (subject.search.empty()) return wrong("subject names nothing to search for");
  if (subject.narrowing.size() > kNarrowingMax) return wrong("subject has too many members");
  if (subject.from && subject.to && !(*subject.from < *subject.to))
    return wrong("subject.from is not before subject.to");
  std::sort(subject.narrowing.begin(), subject.narrowing.end());
  return subject;
}

Result<std::vector<FieldId>> read_fields(const net::Json& value, const FieldTable& fields) {
  const net::Json::Array* list = value.array();
  if (list == nullptr || list->empty()) return wrong("fields is not a list of field ids");
  if (list->size() > kFieldsAsked)
    return wrong("fields names more than " + std::to_string(kFieldsAsked));
  FieldSet asked;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string where = "fields[" + std::to_string(i) + "]";
    auto id = text_of((*list)[i], where, kIdMax);
    if (!id) return std::unexpected(id.error());
    const FieldSet matched = *id == "*" ? FieldSet{} : fields.match(*id);
    if (matched.none()) {
      const std::string near = fields.nearest(*id);
      return fail(Reason::unknown_field,
                  where + " is no field" + (near.empty() ? "" : "; did you mean " + near + "?"));
    }
    asked |= matched;
  }
  std::vector<FieldId> ids;
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (asked.test(i)) ids.push_back(FieldId{static_cast<std::uint16_t>(i)});
  return ids;
}

// {"sha256": HEX, "citizens": N}: a list the exchange was given beforehand.
Result<ListAsked> read_list(const net::Json& value) {
  const net::Json::Object* members = value.object();
  if (members == nullptr) return wrong("list is not an object");
  ListAsked list;
  bool named = false;
  for (const auto& member : *members) {
    if (member.name == "sha256") {
      const std::string* text = member.value.string();
      const auto bytes = text != nullptr ? crypto::from_hex(*text) : std::nullopt;
      if (!bytes || bytes->size() != list.digest.size())
        return wrong("list.sha256 is not 64 hex digits");
      std::memcpy(list.digest.data(), bytes->data(), list.digest.size());
      named = true;
    } else if (member.name == "citizens") {
      const auto n = member.value.integer();
      if (!n || *n < 1 || *n > kCitizensOfExtract)
        return wrong("list.citizens is not 1 to " + std::to_string(kCitizensOfExtract));
      list.citizens = static_cast<std::uint32_t>(*n);
    } else {
      return fail(Reason::malformed_json, "list has an unknown member");
    }
  }
  if (!named || list.citizens == 0) return wrong("list names no list: sha256 and citizens");
  return list;
}

// A name that identifies one person; every other question is a search.
bool names_one_citizen(const SubjectForm& subject) {
  return subject.hops == 0 && (subject.search == "national_id" || subject.search == "passport");
}

Result<void> read_member(const net::Json::Member& member, const FieldTable& fields,
                         Question& question) {
  if (member.name == "subject") {
    auto subject = read_subject(member.value);
    if (!subject) return std::unexpected(subject.error());
    question.subject = *std::move(subject);
  } else if (member.name == "fields") {
    auto asked = read_fields(member.value, fields);
    if (!asked) return std::unexpected(asked.error());
    question.fields = *std::move(asked);
  } else if (member.name == "purpose") {
    auto purpose = text_of(member.value, "purpose", kPurposeMax);
    if (!purpose) return std::unexpected(purpose.error());
    if (!is_id(*purpose)) return wrong("purpose is not an id of a-z, 0-9, '.', '_' and '-'");
    question.purpose = *std::move(purpose);
  } else if (member.name == "case" || member.name == "reason") {
    const bool is_case = member.name == "case";
    auto text = text_of(member.value, member.name, is_case ? kCaseMax : kReasonMax);
    if (!text) return std::unexpected(text.error());
    (is_case ? question.case_ref : question.reason) = *std::move(text);
  } else if (member.name == "list") {
    auto list = read_list(member.value);
    if (!list) return std::unexpected(list.error());
    if (question.list) list->format = question.list->format;
    question.list = *std::move(list);
  } else if (member.name == "format") {
    auto format = text_of(member.value, "format", kWordMax);
    if (!format) return std::unexpected(format.error());
    if (!is_word(*format)) return wrong("format is not a word");
    if (!question.list) question.list.emplace();
    question.list->format = *std::move(format);
  } else if (member.name == "break_glass") {
    const auto glass = member.value.boolean();
    if (!glass) return wrong("break_glass is not true or false");
    if (*glass) question.kind = QuestionKind::break_glass;
  } else if (member.name == "max_subjects") {
    const auto n = member.value.integer();
    if (!n || *n < 1 || *n > kSubjectsMax)
      return wrong("max_subjects is not 1 to " + std::to_string(kSubjectsMax));
    question.max_subjects = static_cast<std::uint32_t>(*n);
  } else if (member.name == "more_of") {
    const auto entry = member.value.integer();
    if (!entry) return wrong("more_of is not an entry's number");
    question.more_of = EntryIndex{*entry};
  } else {
    const std::vector<std::string> known = {"subject",      "fields",      "purpose", "case", "reason",
                                            "max_subjects", "break_glass", "more_of",
                                            "list",         "format"};
    const std::string_view near = amanat::nearest_word(member.name, known);
    return fail(
        Reason::malformed_json,
        "a member is unknown" + (near.empty() ? "" : "; did you mean " + std::string(near) + "?"));
  }
  return {};
}

// complete_bulk judges the members of a bulk question together.
Result<void> complete_bulk(Question& question) {
  if (question.list->citizens == 0) return fail(Reason::malformed_json, "list is missing");
  if (!question.subject.search.empty() || question.max_subjects != 0 || question.more_of ||
      question.kind == QuestionKind::break_glass)
    return wrong("list goes with neither subject, max_subjects nor break_glass");
  if (question.fields.empty()) return fail(Reason::malformed_json, "fields is missing");
  if (question.purpose.empty()) return fail(Reason::malformed_json, "purpose is missing");
  if (question.list->format.empty()) question.list->format = "csv";
  question.kind = QuestionKind::export_;
  question.max_subjects = question.list->citizens;
  return {};
}

}  // namespace

Result<Question> parse_question(std::string_view body, const FieldTable& fields) {
  const net::JsonLimits limits{.bytes_max = kBodyMax, .depth_max = 4, .values_max = 256};
  auto document = net::parse_json(body, limits);
  if (!document) return std::unexpected(document.error());
  const net::Json::Object* members = document->object();
  if (members == nullptr) return fail(Reason::malformed_json, "the body is not an object");
  Question question;
  question.max_subjects = 0;
  for (const auto& member : *members)
    if (auto read = read_member(member, fields, question); !read)
      return std::unexpected(read.error());
  if (question.list) {
    if (auto bulk = complete_bulk(question); !bulk) return std::unexpected(bulk.error());
    return question;
  }
  if (question.subject.search.empty()) return fail(Reason::malformed_json, "subject is missing");
  if (question.fields.empty()) return fail(Reason::malformed_json, "fields is missing");
  if (question.purpose.empty()) return fail(Reason::malformed_json, "purpose is missing");
  if (question.max_subjects == 0)
    question.max_subjects = names_one_citizen(question.subject) ? 1 : kSubjectsOfSearch;
  if (question.kind != QuestionKind::break_glass)
    question.kind = names_one_citizen(question.subject) ? QuestionKind::lookup : QuestionKind::list;
  insist(std::is_sorted(question.fields.begin(), question.fields.end()));
  return question;
}

}  // namespace amanat::identity
