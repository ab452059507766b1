#pragma once
// probe, ask: sends, slowly enough, and takes what comes back apart. One thread.

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "net/foreign.h"
#include "probe/look.h"
#include "probe/openapi.h"
#include "probe/probe.h"

namespace amanat::probe {

/// Ask is one request before it is spelled out.
struct Ask {
  std::string method, path, query;  // path is encoded, without the base; query without '?'
  std::vector<std::pair<std::string, std::string>> headers;
  std::string media, body;
  net::ForeignCertificate certificate;
  std::vector<std::string> sent;  // values it names, so that their echo is no disclosure
  bool own_value = false;         // a parameter names something of the user it is filled for
};

/// fill makes an operation's request with the values of `whose` (null: the description's samples).
/// It carries no credential.
Ask fill(const Operation& operation, const Credential* whose);
/// fill_with does so with `value` for every parameter in path and query.
Ask fill_with(const Operation& operation, std::string_view value);
/// show adds a credential.
void show(Ask& ask, const Credential& credential);
/// target_of spells path and query under `base`.
std::string target_of(const Ask& ask, std::string_view base);

class Asker {
 public:
  Asker(net::Foreign foreign, std::string base, const registry::Recogniser& recogniser,
        unsigned per_second)
      : foreign_(std::move(foreign)),
        base_(std::move(base)),
        recogniser_(recogniser),
        pause_(std::chrono::microseconds(1'000'000 / per_second)) {}

  /// ask sends `ask`, at most two times more if the app says that it is too busy. A connection the
  /// app refuses is a Look of status 0; one failure after the other ends the run. Errors:
  /// peer_unreachable (the app is gone), peer_untrusted, file_failed, key_missing.
  Result<Look> ask(const Ask& ask) { return ask_target(ask, target_of(ask, base_)); }
  /// ask_target sends to another spelling of the target.
  Result<Look> ask_target(const Ask& ask, const std::string& target);

  /// alive_by says what is asked to see whether the app is still there.
  void alive_by(Ask ask) { alive_ = std::move(ask); }
  std::uint64_t asked() const { return asked_; }
  const std::string& base() const { return base_; }
  bool encrypted() const { return foreign_.encrypted(); }
  const registry::Recogniser& recogniser() const { return recogniser_; }

 private:
  Result<net::ForeignReply> send(const Ask& ask, const std::string& target);
  void mark_echo(const Ask& ask, Look& look) const;

  net::Foreign foreign_;
  std::string base_;
  const registry::Recogniser& recogniser_;
  std::chrono::microseconds pause_;
  std::chrono::steady_clock::time_point next_{};
  std::uint64_t asked_ = 0;
  unsigned failed_in_a_row_ = 0;
  Ask alive_;
};

}  // namespace amanat::probe
