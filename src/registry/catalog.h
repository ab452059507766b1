#pragma once
// registry, catalog: what each department's files and records look like, declared in TOML, one file
// a registry; no registry is known to the code. Immutable once loaded. A small door beside
// registry.h for everybody who needs the field table. Form: docs/catalog.md.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/field.h"
#include "model/result.h"

namespace amanat::registry {

struct Dataset;  // registry/dataset.h, this room only
struct Rules;

class Catalog {
 public:
  /// load reads every *.toml of a directory. Errors: catalog_wrong ("file:line: ... did you mean").
  static Result<Catalog> load(const std::string& directory);
  Catalog(Catalog&&) noexcept;
  ~Catalog();

  const FieldTable& fields() const;
  std::vector<std::string> dataset_names() const;
  /// dataset returns the declaration, or null.
  const Dataset* dataset(std::string_view name) const;
  const Dataset& dataset(DatasetId id) const;
  const std::vector<Dataset>& datasets() const;
  const Rules& rules() const;
  /// slots is the slot catalogue (disclosure/slots.h) in its canonical text; empty: none.
  const std::string& slots() const;
  /// LiveTrial is what trying the source of one live dataset showed: nothing wrong, or what to do.
  struct LiveTrial {
    std::string dataset, where;
    std::uint64_t took_ms = 0;
    std::optional<Failure> failure;       // it could not be asked
    std::vector<std::string> complaints;  // it can, and should be set up better
  };
  /// try_live asks every live dataset's source once, about nobody. Blocks, at most as long as their
  /// limits together.
  std::vector<LiveTrial> try_live() const;
  /// mobile_number is what a person typed as a mobile number: E.164 digits, "923001234567"; nothing
  /// if the rules know it as none.
  std::optional<std::string> mobile_number(std::string_view typed) const;
  /// label_of is what people call a record of a dataset in a language, as well as it is known; null
  /// for no dataset.
  enum class Tongue : std::uint8_t { english, urdu };
  const std::string* label_of(std::string_view dataset, Tongue tongue) const;
  /// department_label is what people call a department; its id where the catalog does not say.
  std::string department_label(std::string_view id, Tongue tongue) const;
  /// field_label is the same of a field; where two fields are called the same, with its id.
  std::string field_label(FieldId field, Tongue tongue) const;
  /// search_words lists the words a question's subject may be asked by: national_id, msisdn,
  /// passport where a dataset is about such subjects, and every field's `search`. Ascending.
  const std::vector<std::string>& search_words() const;
  /// narrowing_words lists the words that may stand beside a search word. Ascending.
  const std::vector<std::string>& narrowing_words() const;

 private:
  struct State;
  explicit Catalog(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace amanat::registry
