#include "registry/form.h"

#include <algorithm>

#include "registry/normalise.h"

namespace amanat::registry {
namespace {

constexpr std::size_t kValueBytesMax = 1024;

std::unexpected<Failure> unknown_form(const std::string& word,
                                      const std::vector<std::string>& words) {
  const auto near = nearest_word(word, words);
  return fail(Reason::unknown_subject_form,
              near.empty() ? std::string() : "did you mean \"" + std::string(near) + "\"?");
}

/// normal_value normalises a question's value as a field of the type would be.
Result<std::string> normal_value(const Catalog& catalog, const Field& field,
                                 std::string_view sent) {
  std::string out;
  SubjectKind kind{};
  if (sent.size() > kValueBytesMax) return fail(Reason::malformed_value, "too long");
  if (normalise(catalog.rules(), field, trim(sent), out, kind) || out.empty())
    return fail(Reason::malformed_value, "not a " + std::string(type_word(field.type)));
  return out;
}

}  // namespace

SubjectForm in_order(const Catalog& catalog, SubjectForm form) {
  const auto searchable = [&](const std::string& word) {
    const auto& words = catalog.search_words();
    return std::binary_search(words.begin(), words.end(), word);
  };
  const auto& narrow = catalog.narrowing_words();
  if (searchable(form.search) || !std::binary_search(narrow.begin(), narrow.end(), form.search))
    return form;
  for (auto& [word, value] : form.narrowing) {
    if (!searchable(word)) continue;
    std::swap(form.search, word);
    std::swap(form.value, value);
    break;
  }
  return form;
}

Result<std::optional<SubjectName>> named_directly(const Catalog& catalog, const SubjectForm& form) {
  Field field;
  SubjectKind kind{};
  if (form.search == "national_id")
    field.type = FieldType::national_id, kind = SubjectKind::national_id;
  else if (form.search == "passport")
    field.type = FieldType::passport, kind = SubjectKind::passport;
  else if (form.search == "msisdn")
    field.type = FieldType::phone, kind = SubjectKind::msisdn;
  const auto& words = catalog.search_words();
  if (std::find(words.begin(), words.end(), form.search) == words.end())
    return unknown_form(form.search, words);
  if (kind == SubjectKind{}) return std::nullopt;
  if (!form.narrowing.empty())
    return fail(Reason::unknown_subject_form, "nothing narrows this form");
  auto value = normal_value(catalog, field, form.value);
  if (!value) return std::unexpected(value.error());
  return SubjectName{kind, *std::move(value)};
}

Result<std::vector<Criterion>> criteria(const Catalog& catalog, const SubjectForm& form) {
  std::vector<Criterion> out;
  for (const auto& d : catalog.datasets()) {
    for (std::size_t f = 0; f < d.fields.size(); ++f) {
      if (!d.keep || d.fields[f].search != form.search) continue;
      Criterion one{&d, f, {}, {}};
      auto value = normal_value(catalog, d.fields[f], form.value);
      if (!value) return std::unexpected(value.error());
      append_folded(*value, one.folded);
      for (const auto& [word, sent] : form.narrowing) {
        const auto at = std::find_if(d.fields.begin(), d.fields.end(), [&](const Field& x) {
          return x.narrow == word || x.search == word;
        });
        if (at == d.fields.end()) return unknown_form(word, catalog.narrowing_words());
        auto narrow = normal_value(catalog, *at, sent);
        if (!narrow) return std::unexpected(narrow.error());
        std::string folded;
        append_folded(*narrow, folded);
        one.narrowing.emplace_back(static_cast<std::size_t>(at - d.fields.begin()),
                                   std::move(folded));
      }
      out.push_back(std::move(one));
    }
  }
  return out;
}

}  // namespace amanat::registry
