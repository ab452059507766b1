#pragma once
// cli, the demo's leak: two officers look at the same citizens, one of them sells what was shown,
// and the file is traced to that copy. Played on the demo's own exchange. One thread.

#include <functional>
#include <string>
#include <vector>

#include "cli/stage.h"
#include "server/exchange.h"

namespace amanat::cli {

/// LeakScene is where it plays.
struct LeakScene {
  server::Exchange* exchange = nullptr;
  std::string url, files, scratch,
      auditor;               // files: the country's; auditor: the auditor's directory
  std::string investigator;  // who has asked too much already to play here
  std::function<Ran(std::vector<std::string>)> type;
};

/// play_leak plays it; what does not go as promised is a failed step.
void play_leak(Stage& stage, const LeakScene& scene);

}  // namespace amanat::cli
