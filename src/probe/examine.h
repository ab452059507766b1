#pragma once
// probe, examine: one operation asked in every way. One thread; one Examiner an operation.

#include <map>
#include <string>
#include <vector>

#include "probe/ask.h"
#include "probe/look.h"
#include "probe/openapi.h"
#include "probe/probe.h"

namespace amanat::probe {

/// Scene is what is the same for all operations of a run.
struct Scene {
  const Options& options;
  const Description& description;
  Asker& asker;
  std::string open_path;                 // one that is described as public, without parameters
  std::map<std::string, Look> nonsense;  // by method: what the app says about a path nobody has
};

/// Examined is what came of it.
struct Examined {
  Visit visit;
  std::vector<Finding> findings;
};

/// examine asks one operation. Errors: those of Asker.
Result<Examined> examine(const Scene& scene, const Operation& operation);

/// look_around asks the fixed list of routes that developers leave open. Errors: those of Asker.
Result<std::vector<Finding>> look_around(const Scene& scene);

/// nonsense_path is a path that no app has.
std::string nonsense_path();

}  // namespace amanat::probe
