#pragma once
// disclosure, spoken: what a value may have been shown as, worked out once and held against many
// leaked texts. Pure; one thread each.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "disclosure/slots.h"

namespace amanat::disclosure {

/// ValueReader is both for many texts and one value: what may have been shown of it is worked out
/// once. Holds the slots and a view of the value.
class ValueReader {
 public:
  ValueReader(std::span<const Slot* const> slots, std::string_view value);
  /// family says how a text is folded for this value; by_value, whether the folding looks at it.
  SlotKind family() const { return family_; }
  bool by_value() const;
  std::string_view value() const { return value_; }
  /// says is says_value for a text that was trimmed and folded (trimmed_text, folded_text).
  bool says(std::string_view trimmed, std::string_view folded) const;
  /// symbols is read_value.
  std::vector<std::optional<std::uint32_t>> symbols(std::string_view raw) const;
  /// Shown is one text that may have been shown.
  struct Shown {
    std::string exact, folded;
    std::vector<std::uint32_t> symbols;  // one a slot
  };
  const std::vector<Shown>& shown() const { return shown_; }

 private:
  void add_from(std::vector<Symbolised>& symbols, std::size_t i);
  std::vector<const Slot*> slots_;
  std::string_view value_;
  SlotKind family_{};
  std::vector<Shown> shown_;
};
/// trimmed_text is a text without blanks around it; folded_text without what retyping changes.
std::string trimmed_text(std::string_view raw);
std::string folded_text(SlotKind family, std::string_view raw, std::string_view value);

}  // namespace amanat::disclosure
