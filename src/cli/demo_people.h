#pragma once
// cli, the demo's five people: who they are, their keys, and a door for each (cli/demo_door.h).

#include <memory>
#include <string>
#include <vector>

#include "cli/demo_door.h"
#include "cli/stage.h"
#include "server/exchange.h"

namespace amanat::cli {

/// PeopleScene is where they play.
struct PeopleScene {
  server::Exchange* exchange = nullptr;
  std::string url, origin, scratch;
  std::string investigator, subject;  // who has passkeys already; whom they asked about
  const Maker* maker = nullptr;
};

/// DemoPeople has five doors open as long as it lives.
class DemoPeople {
 public:
  /// gather enrols those who have no key yet, opens the doors, enters each once to see that it
  /// works, and tells it as a step.
  static DemoPeople gather(Stage& stage, const PeopleScene& scene);
  /// links are five lines, each with a link that works once.
  std::vector<std::string> links();
  bool complete() const { return doors_.size() == 5; }

 private:
  struct Person {
    std::string who, account;
    std::unique_ptr<Door> door;
  };
  std::vector<Person> doors_;
};

}  // namespace amanat::cli
