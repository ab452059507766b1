#pragma once
// identity, speech: how what a question names is put into words for whoever signs it. The catalog
// and the policy know the words; whoever wires the rooms hands them over.

#include <functional>
#include <string>
#include <string_view>

#include "model/field.h"

namespace amanat::identity {

/// Speech is those words. An empty function, or an empty word, leaves the id.
struct Speech {
  std::function<std::string(std::string_view purpose, bool urdu)> purpose = {};
  std::function<std::string(FieldId field, bool urdu)> field = {};
};

}  // namespace amanat::identity
