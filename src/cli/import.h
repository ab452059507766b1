#pragma once
// cli, import reports: in words and as the JSON object that scripts read. Pure functions.

#include <string>

#include "cli/commands.h"
#include "registry/registry.h"

namespace amanat::cli {

/// report_as_json renders {"dataset","rows","accepted","repeated","blank","quarantined","reasons"};
/// insists that the parts add up.
std::string report_as_json(const registry::ImportReport& report);

/// report_for_people renders the same as aligned lines, with the first quarantined rows.
std::string report_for_people(const registry::ImportReport& report);

}  // namespace amanat::cli
