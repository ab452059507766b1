// What a person is about to sign, in words. The page shows these and composes nothing itself: an
// authenticator shows the site's name alone, so what was signed is what was drawn from here.

#include <ctime>

#include "crypto/crypto.h"
#include "identity/ceremony.h"

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

}  // namespace

std::vector<std::string> sentences_of(const Asker& asker, const Question& question,
                                      const FieldTable& fields, bool urdu) {
  const auto say = [urdu](const char* english, const char* other) {
    return std::string(urdu ? other : english) + ": ";
  };
  std::vector<std::string> out;
  out.push_back(say("Asked by", "سائل") + who(asker));
  out.push_back(std::string(kind_of(question.kind, urdu)) + ".");
  const SubjectForm& subject = question.subject;
  std::string about = subject.search + " " + subject.value;
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
  for (const FieldId field : question.fields) list += (list.empty() ? "" : ", ") + fields[field].id;
  out.push_back(say("Fields", "خانے") + list);
  out.push_back(say("Purpose", "مقصد") + question.purpose);
  if (!question.case_ref.empty()) out.push_back(say("Case", "مقدمہ") + question.case_ref);
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
  out.push_back(say("Confirmed by", "تصدیق کنندہ") + who(asker));
  out.push_back(say("Act", "کام") + act.verb);
  out.push_back(say("On", "بابت") + act.target);
  if (act.subject != Digest{})
    out.push_back(say("Document", "دستاویز") + "SHA-256 " + crypto::hex(act.subject));
  if (!act.reason.empty()) out.push_back(say("Reason", "وجہ") + act.reason);
  if (act.until != 0) out.push_back(say("Until", "تا") + utc(Moment{act.until}));
  out.push_back(urdu ? "یہ تصدیق درج ہوگی۔" : "This confirmation is recorded.");
  return out;
}

}  // namespace amanat::identity
