// What a person is about to sign, in words. The page shows these and composes nothing itself: an
// authenticator shows the site's name alone, so what was signed is what was drawn from here.

#include <ctime>

#include "crypto/crypto.h"
#include "identity/ceremony.h"
#include "model/readable.h"

namespace amanat::identity {
namespace {

std::string utc(Moment moment) {
  const auto seconds = static_cast<std::time_t>(number(moment) / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  const std::size_t n = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {text, n};
}

// own keeps a value in its own direction inside an Urdu sentence (UAX 9: a first-strong isolate).
std::string own(std::string_view value, bool urdu) {
  return urdu ? "\u2068" + std::string(value) + "\u2069" : std::string(value);
}

std::string who(const Asker& asker) {
  std::string text = asker.id;
  if (!asker.department.empty()) text += " (" + asker.department + ", " + asker.unit + ")";
  return text;
}

const char* kind_of(QuestionKind kind, bool urdu) {
  switch (kind) {
    case QuestionKind::lookup:
      return urdu ? "ایک شہری کا سوال" : "A question about one citizen";
    case QuestionKind::list:
      return urdu ? "کئی شہریوں تک جانے والا سوال" : "A question that may lead to several citizens";
    case QuestionKind::export_:
      return urdu ? "بڑی تعداد میں اخراج" : "A bulk answer";
    case QuestionKind::break_glass:
      return urdu ? "ہنگامی سوال، ممانعت کے باوجود" : "An emergency question, past a forbid";
    case QuestionKind::trail:
      return urdu ? "کس نے کس کو دیکھا" : "Who looked at whom";
    case QuestionKind::page:
      return urdu ? "دستاویز کا ایک صفحہ" : "A page of a document";
  }
  return "";
}

struct VerbWord {
  std::string_view verb, english, urdu;
};
constexpr VerbWord kVerbs[] = {
    {"look", "see all of a request", "درخواست پوری دیکھنا"},
    {"approve", "approve", "منظور کرنا"},
    {"refuse", "refuse", "رد کرنا"},
    {"hold", "pause an account", "کھاتہ معطل کرنا"},
    {"release", "end a hold", "روک ختم کرنا"},
    {"announce", "announce an operation", "کارروائی کا اعلان"},
    {"policy", "sign a change of the policy", "پالیسی کی تبدیلی پر دستخط"},
    {"trail", "open a trail", "نشان کھولنا"},
    {"uphold", "tell a citizen that it was not right", "شہری کو بتانا کہ یہ درست نہیں تھا"},
    {"dismiss", "tell a citizen that it was right", "شہری کو بتانا کہ یہ درست تھا"},
    {"open-trace", "open the trace of a leaked file", "افشا شدہ فائل کی کھوج کھولنا"},
    {"cancel-trace", "cancel the trace of a leaked file", "افشا شدہ فائل کی کھوج منسوخ کرنا"},
    {"take-evidence", "take the evidence bundle of a leaked file", "افشا شدہ فائل کی شہادت لینا"}};

// An act in words, with the word that is signed; what has no words yet shows that word alone.
std::string verb_of(const std::string& verb, bool urdu) {
  for (const VerbWord& one : kVerbs)
    if (one.verb == verb)
      return std::string(urdu ? one.urdu : one.english) + " " + own("(" + verb + ")", urdu);
  return verb;
}

// What a citizen is looked up by, in words, and the value as people read it.
std::string about_of(const std::string& search, const std::string& value, bool urdu) {
  if (search == "national_id")
    return (urdu ? "شناختی نمبر " : "identity card number ") +
           own(readable(ValueShape::citizen_number, value), urdu);
  if (search == "msisdn")
    return (urdu ? "فون نمبر " : "phone number ") +
           own(readable(ValueShape::telephone, value), urdu);
  return own(search + " " + value, urdu);
}

}  // namespace

std::vector<std::string> sentences_of(const Asker& asker, const Question& question,
                                      const QuestionWords& words, bool urdu) {
  const auto say = [urdu](const char* english, const char* other) {
    return std::string(urdu ? other : english) + ": ";
  };
  std::vector<std::string> out;
  out.push_back(say("Asked by", "سائل") + own(who(asker), urdu));
  out.push_back(std::string(kind_of(question.kind, urdu)) + (urdu ? "۔" : "."));
  const SubjectForm& subject = question.subject;
  std::string about = about_of(subject.search, subject.value, urdu);
  if (question.list)
    about = std::to_string(question.list->citizens) +
            (urdu ? " شہری، فہرست SHA-256 " : " citizens, list SHA-256 ") +
            crypto::hex(question.list->digest) + ", " + question.list->format;
  for (const auto& [word, value] : subject.narrowing) about += ", " + word + " " + value;
  if (subject.hops != 0) about += ", hops " + std::to_string(subject.hops);
  if (subject.from) about += ", from " + utc(*subject.from);
  if (subject.to) about += ", to " + utc(*subject.to);
  out.push_back(say("About", "موضوع") + about);
  std::string list;
  for (const FieldId field : question.fields) {
    const std::string said = words.speech.field ? words.speech.field(field, urdu) : std::string();
    list += (list.empty() ? ""
             : urdu       ? "، "
                          : ", ") +
            (said.empty() ? words.fields[field].id : said);
  }
  out.push_back(say("Fields", "خانے") + list);
  const std::string purpose =
      words.speech.purpose ? words.speech.purpose(question.purpose, urdu) : std::string();
  out.push_back(say("Purpose", "مقصد") +
                (purpose.empty() ? question.purpose
                                 : purpose + " " + own("(" + question.purpose + ")", urdu)));
  if (!question.case_ref.empty())
    out.push_back(say("Case", "مقدمہ") + own(question.case_ref, urdu));
  if (!question.reason.empty()) out.push_back(say("Reason", "وجہ") + question.reason);
  if (question.more_of)
    out.push_back(say("More of the answer of entry", "اس اندراج کے جواب میں سے مزید") +
                  std::to_string(number(*question.more_of)));
  out.push_back(say("Citizens shown at most", "زیادہ سے زیادہ شہری") +
                std::to_string(question.max_subjects));
  out.push_back(urdu ? "یہ سوال درج ہوگا، اور شہری اسے دیکھ سکے گا۔"
                     : "This question is recorded, and the citizen can see it.");
  return out;
}

std::vector<std::string> sentences_of(const Asker& asker, const Act& act, bool urdu) {
  const auto say = [urdu](const char* english, const char* other) {
    return std::string(urdu ? other : english) + ": ";
  };
  std::vector<std::string> out;
  out.push_back(say("Confirmed by", "تصدیق کنندہ") + own(who(asker), urdu));
  out.push_back(say("Act", "کام") + verb_of(act.verb, urdu));
  out.push_back(say("On", "بابت") + own(act.target, urdu));
  if (act.subject != Digest{})
    out.push_back(say("Document", "دستاویز") + "SHA-256 " + crypto::hex(act.subject));
  if (!act.reason.empty()) out.push_back(say("Reason", "وجہ") + act.reason);
  if (act.until != 0) out.push_back(say("Until", "تا") + own(utc(Moment{act.until}), urdu));
  out.push_back(urdu ? "یہ تصدیق درج ہوگی۔" : "This confirmation is recorded.");
  return out;
}

}  // namespace amanat::identity
