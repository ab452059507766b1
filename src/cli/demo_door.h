#pragma once
// cli, a demo's door: an address on loopback that is one invented person's browser and key in one.
// Whoever enters by its link, which works once, sees the exchange's own pages as that person; where
// a page asks for a passkey, the door signs with the person's software authenticator, whose maker
// the demo's home alone lists. The exchange knows nothing of doors: it sees a passkey's signature
// over exactly what was asked, and nothing in it is weaker for them. Thread-safe.

#include <memory>
#include <string>

#include "cli/authenticator.h"
#include "model/result.h"

namespace amanat::cli {

struct DoorOptions {
  std::string url, origin;  // of the exchange: https://127.0.0.1:N, and as browsers write it
  std::string ca_file, certificate_file, key_file;
  std::string person;  // "officer", for the cookie's name
  std::string start;   // the page a person begins at: "/"
};

class Door {
 public:
  /// open begins to listen on loopback. Errors: those of net::Server::start.
  static Result<std::unique_ptr<Door>> open(const DoorOptions& options,
                                            Authenticator authenticator);
  ~Door();
  /// address is where it listens: https://localhost:N.
  const std::string& address() const;
  /// fresh_link makes a link that lets one browser in, once; an older one lets nobody in any more.
  std::string fresh_link();

 private:
  struct State;
  explicit Door(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace amanat::cli
