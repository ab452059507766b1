#pragma once
// detection, case key: two spellings of one case must share one budget.

#include <string>
#include <string_view>

namespace amanat::detection {

/// normal_case_ref trims, folds runs of white space to one blank and ASCII capitals to small
/// letters, exactly as the case book of policy does, so that no spelling escapes a budget.
std::string normal_case_ref(std::string_view ref);

}  // namespace amanat::detection
