#include "model/question.h"

#include <algorithm>

namespace amanat {
namespace {

constexpr std::size_t kReasonMax = 500;
constexpr std::size_t kCitizenDigits = 13;

void put(std::string& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

// put_text refuses control characters: two texts that look alike on a page must not differ.
bool put_text(std::string& out, std::string_view text, std::size_t max = 0xffff) {
  if (text.size() > max) return false;
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  put(out, text.size(), 2);
  out += text;
  return true;
}

bool is_citizen_number(std::string_view text) {
  return text.size() == kCitizenDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

using Words = std::vector<std::pair<std::string, std::string>>;
std::string hex_of(const Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : digest) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

Words words_of(const ListAsked& list) {
  return {{"citizens", std::to_string(list.citizens)},
          {"format", list.format},
          {"list", hex_of(list.digest)}};
}

Words words_of(const Question& question) {
  const SubjectForm& form = question.subject;
  Words words = form.narrowing;
  words.emplace_back(form.search, form.value);
  if (form.from) words.emplace_back("from", std::to_string(number(*form.from)));
  if (form.to) words.emplace_back("to", std::to_string(number(*form.to)));
  if (form.hops != 0) words.emplace_back("hops", std::to_string(form.hops));
  if (question.more_of) words.emplace_back("more_of", std::to_string(number(*question.more_of)));
  std::sort(words.begin(), words.end());
  return words;
}

}  // namespace

std::string canonical_fields(const FieldTable& table, const std::vector<FieldId>& fields) {
  std::string out;
  for (const FieldId f : fields) {
    const std::string& id = table[f].id;
    out.push_back(static_cast<char>(id.size() >> 8));
    out.push_back(static_cast<char>(id.size() & 0xff));
    out += id;
  }
  return out;
}

Result<std::string> canonical_question(std::string_view asker, std::string_view client,
                                       const Question& question, const FieldTable& table) {
  const SubjectForm& form = question.subject;
  if (question.list.has_value() != (question.kind == QuestionKind::export_) ||
      (question.list && !form.search.empty()))
    return fail(Reason::malformed_value, "a list is for a bulk question, in place of a subject");
  const bool by_number = form.search == "national_id";
  const bool plain = by_number && form.narrowing.empty() && !form.from && !form.to && !form.hops &&
                     !question.more_of;
  if (by_number && !is_citizen_number(form.value))
    return fail(Reason::malformed_value, "subject.national_id: 13 digits");
  std::string out;
  out.reserve(160 + question.fields.size() * 40);
  put(out, plain ? 1 : 2, 1);
  put(out, static_cast<std::uint8_t>(question.kind), 1);
  bool fits = put_text(out, asker) && put_text(out, client) && put_text(out, question.purpose) &&
              put_text(out, question.case_ref);
  put(out, plain ? 1 : 0, 2);
  if (plain) out += form.value;
  put(out, question.fields.size(), 2);
  for (const FieldId field : question.fields) fits = fits && put_text(out, table[field].id);
  const std::uint32_t most = question.list ? 0 : question.max_subjects;
  if (most > 0xffff) return fail(Reason::malformed_value, "max_subjects");
  put(out, most, 2);
  fits = fits && put_text(out, question.reason, kReasonMax);
  if (!plain) {
    const Words words = question.list ? words_of(*question.list) : words_of(question);
    put(out, words.size(), 2);
    for (const auto& [word, value] : words)
      fits = fits && put_text(out, word) && put_text(out, value);
  }
  if (!fits) return fail(Reason::malformed_value, "a text of the question");
  return out;
}

Result<std::string> canonical_act(const Act& act) {
  std::string out;
  put(out, 1, 1);
  bool fits = put_text(out, act.verb) && put_text(out, act.target);
  out.append(reinterpret_cast<const char*>(act.subject.data()), act.subject.size());
  fits = fits && put_text(out, act.reason, kReasonMax);
  put(out, act.until, 8);
  if (!fits) return fail(Reason::malformed_value, "a text of the act");
  return out;
}

std::string normal_case_ref(std::string_view ref) {
  std::string out;
  out.reserve(ref.size());
  bool blank = false;
  for (const char c : ref) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      blank = !out.empty();
      continue;
    }
    if (blank) out.push_back(' ');
    blank = false;
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return out;
}

}  // namespace amanat
