// The body of POST /v1/lookups: whatever the bytes, no crash, what is taken is within every bound,
// and no complaint repeats what was sent.

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "identity/identity.h"
#include "model/insist.h"

using namespace amanat;

namespace {

FieldTable table() {
  std::vector<FieldInfo> fields;
  for (const char* name : {"date_of_birth", "name", "national_id", "present_address"})
    fields.push_back(
        {std::string("identity.persons.") + name, name, DatasetId{0}, Sensitivity::ordinary, {}});
  for (const char* name : {"counterparty", "number", "started_at"})
    fields.push_back({std::string("telecom.calls.") + name,
                      name,
                      DatasetId{1},
                      Sensitivity::sensitive,
                      {"last4"}});
  return FieldTable(std::move(fields), {"identity.persons", "telecom.calls"});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const FieldTable fields = table();
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto question = identity::parse_question(body, fields);
  if (!question) {
    // Thirteen digits in a row are a national ID, and none may come back.
    std::size_t digits = 0;
    for (const char c : question.error().detail) {
      digits = c >= '0' && c <= '9' ? digits + 1 : 0;
      insist(digits < 13);
    }
    return 0;
  }
  insist(!question->fields.empty() && question->fields.size() <= fields.size());
  insist(std::is_sorted(question->fields.begin(), question->fields.end()));
  insist(std::adjacent_find(question->fields.begin(), question->fields.end()) ==
         question->fields.end());
  if (question->list) {
    insist(question->kind == amanat::QuestionKind::export_ && question->subject.search.empty());
    insist(question->list->citizens >= 1 && question->list->citizens <= 100'000);
    insist(question->max_subjects == question->list->citizens);
  } else {
    insist(question->max_subjects >= 1 && question->max_subjects <= 256);
    insist(!question->subject.search.empty() && !question->subject.value.empty());
  }
  insist(question->subject.hops <= 3 && question->subject.narrowing.size() <= 4);
  insist(question->case_ref.size() <= 200 && question->reason.size() <= 500);
  insist(!question->purpose.empty() && question->purpose.size() <= 64);
  if (question->subject.from && question->subject.to)
    insist(*question->subject.from < *question->subject.to);
  return 0;
}
