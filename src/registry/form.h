#pragma once
// registry, form: the subject of a question, as sent, turned into names and searches. Pure
// functions over the catalog. This room only.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/ids.h"
#include "model/question.h"
#include "model/result.h"
#include "registry/catalog.h"
#include "registry/dataset.h"

namespace amanat::registry {

/// Criterion is a search in words: the field, its folded value, what narrows it.
struct Criterion {
  const Dataset* dataset = nullptr;
  std::size_t field = 0;
  std::string folded;
  std::vector<std::pair<std::size_t, std::string>> narrowing;
};

/// in_order puts the word that can be searched first: the members of a question have no order of
/// their own, and one that only narrows may have come first.
SubjectForm in_order(const Catalog& catalog, SubjectForm form);

/// named_directly reads the forms that name one subject (national_id, passport, msisdn); nothing if
/// the word is a search. Errors: unknown_subject_form, malformed_value.
Result<std::optional<SubjectName>> named_directly(const Catalog& catalog, const SubjectForm& form);

/// criteria lists the fields a search looks in. Errors: unknown_subject_form, malformed_value.
Result<std::vector<Criterion>> criteria(const Catalog& catalog, const SubjectForm& form);

}  // namespace amanat::registry
