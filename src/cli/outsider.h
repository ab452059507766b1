#pragma once
// cli, outsider: what a witness and an auditor have in common. Each is a small process of a body
// outside the exchange: a directory with one secret, its verifier key, a TLS certificate of its own
// authority, and one loop. Functions may be called from one thread.

#include <functional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "crypto/certificate.h"
#include "ledger/note.h"
#include "model/request.h"
#include "model/result.h"
#include "model/secret.h"
#include "net/http.h"

namespace amanat::cli {

constexpr unsigned kOutsiderCertificateDays = 825;

/// Outsider names the files of a witness's or an auditor's directory (docs/ledger-witness.md,
/// docs/marks.md). `kind` is "witness" or "auditor".
struct Outsider {
  std::string root, kind;
  std::string file(std::string_view name) const { return root + "/" + std::string(name); }
  std::string key() const { return file(kind + ".key"); }
  std::string vkey() const { return file(kind + ".vkey"); }
  std::string state() const { return file("state"); }
  std::string ca() const { return file("ca.crt"); }
  std::string certificate() const { return file("server.crt"); }
  std::string tls_key() const { return file("server.key"); }
};

/// begin_outsider makes the directory. Errors: usage_wrong (`name` is no key name), exchange_exists
/// (it holds a key already), file_failed.
Result<void> begin_outsider(const Outsider& place, const std::string& name);

/// write_outsider_tls makes an authority and, signed by it, a certificate for the server names of
/// the call (--server-name, and this machine's own). Errors: internal_error, file_failed.
Result<crypto::Authority> write_outsider_tls(const Outsider& place, const Call& call);

/// finish_outsider writes the verifier key and, last of all, the secret: a directory without it
/// holds no outsider, and init may be run again. Errors: file_failed.
Result<void> finish_outsider(const Outsider& place, const std::string& vkey, const Key256& seed);

/// read_outsider_key is the secret. Errors: exchange_missing (no such file), key_missing (others
/// may read it, or it is no key), file_failed.
Result<Key256> read_outsider_key(const Outsider& place);

/// read_outsider_vkey is the verifier key that init wrote. Errors: file_failed, config_wrong.
Result<ledger::VerifierKey> read_outsider_vkey(const Outsider& place);

struct OutsiderServer {
  std::string_view listen;  // where, unless --listen says otherwise
  std::size_t body_bytes_max = 0;
  unsigned connections_max = 0;
  std::string_view doing;  // "witnessing", for the log and the terminal
};

/// OutsiderHandler answers one request; called from the server's one thread.
using OutsiderHandler = std::function<Response(const Request& request)>;

/// serve_outsider locks the directory, lets `open` make the handler, and serves it over TLS until
/// SIGINT or SIGTERM. Returns the exit code.
int serve_outsider(const Call& call, const Emit& emit, const Outsider& place,
                   const OutsiderServer& server,
                   const std::function<Result<OutsiderHandler>()>& open);

}  // namespace amanat::cli
