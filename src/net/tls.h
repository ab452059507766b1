#pragma once
// net, TLS 1.3 over bytes in memory, inside the room only: a session eats ciphertext it is fed and
// appends ciphertext to a string it is given; sockets belong to others. OpenSSL appears in tls.cc
// and nowhere else. A context may be shared by threads, a session not.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "model/request.h"
#include "model/result.h"

namespace amanat::net {

/// TlsSession is one connection's TLS state.
class TlsSession {
 public:
  enum class Step : std::uint8_t { done, want_input, closed, failed };
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  /// feed makes `ciphertext` the input of the next calls; it must live until unread() was taken.
  void feed(std::string_view ciphertext);
  /// unread is the part of the fed input that no call has consumed yet.
  std::string_view unread() const;
  /// drop_unread forgets it.
  void drop_unread();
  /// output_to sets where ciphertext goes; must be set before any call that may write.
  void output_to(std::string* sink);

  Step handshake();
  /// read decrypts up to `size` bytes; done with n > 0, or why there are none.
  Step read(char* to, std::size_t size, std::size_t& n);
  /// drained says that read() would find nothing before more is fed.
  bool drained() const;
  /// rest gives back buffers (some 34 KB) until they are needed again.
  void rest();
  /// write encrypts all of `plain`. False: the session is unusable.
  bool write(std::string_view plain);
  /// close appends close_notify.
  void close();
  /// peer is the certificate the other side proved to hold, or null. Server side; see TlsServer.
  std::shared_ptr<const PeerCertificate> peer() const;
  /// untrusted_why says why the server's certificate did not verify; empty if it did. Client side.
  std::string untrusted_why() const;

 private:
  friend class TlsServer;
  friend class TlsClient;
  struct State;
  TlsSession();
  std::unique_ptr<State> state_;
};

/// TlsServer holds the server's certificate and the CA of client certificates.
class TlsServer {
 public:
  /// make loads the PEM files. Client certificates of any origin pass the handshake (identity
  /// gives the reason of a refusal); no tickets, no early data, ALPN http/1.1.
  /// Errors: file_failed, key_missing (key and certificate do not match, or a bad CA).
  static Result<std::unique_ptr<TlsServer>> make(const std::string& certificate_file,
                                                 const std::string& key_file,
                                                 std::string_view client_ca_pem);
  ~TlsServer();
  /// accept makes the server's side of a new connection; null if memory is short.
  std::unique_ptr<TlsSession> accept();

 private:
  struct State;
  TlsServer();
  std::unique_ptr<State> state_;
};

/// TlsClient trusts one CA file and may show a certificate.
class TlsClient {
 public:
  /// make. Errors: file_failed, key_missing.
  static Result<std::unique_ptr<TlsClient>> make(const std::string& ca_file,
                                                 const std::string& certificate_file,
                                                 const std::string& key_file);
  /// for_foreign makes one for applications that are not ours: TLS 1.2 or later, trusting `ca_file`
  /// or, if it is empty, the system's authorities. No client of an exchange is made by it. Errors:
  /// as make.
  static Result<std::unique_ptr<TlsClient>> for_foreign(const std::string& ca_file,
                                                        const std::string& certificate_file,
                                                        const std::string& key_file);
  ~TlsClient();
  /// connect makes the client's side; `host` (a name or an IP address) must stand in the server's
  /// certificate. Null if memory is short.
  std::unique_ptr<TlsSession> connect(const std::string& host);

 private:
  struct State;
  TlsClient();
  std::unique_ptr<State> state_;
};

}  // namespace amanat::net
