// The only file of the room that includes OpenSSL.
//
// Sessions work through a BIO of their own over memory: one recv feeds all records it brought, the
// records of all answers freed together leave in one send. Buffers are given back when a
// connection has been idle for a while (rest()), not after each record as SSL_MODE_RELEASE_BUFFERS
// would: together with SSL_OP_CLEANSE_PLAINTEXT that wipes 16 KiB a request, a fifth of its cost.

#include "net/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "model/insist.h"

namespace amanat::net {
namespace {

template <auto F>
struct Free {
  template <class T>
  void operator()(T* p) const {
    F(p);
  }
};
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Store = std::unique_ptr<X509_STORE, Free<X509_STORE_free>>;
using Verification = std::unique_ptr<X509_STORE_CTX, Free<X509_STORE_CTX_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;

// What OpenSSL says, without file names of its own sources; never holds a key.
std::string openssl_why() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* why = code == 0 ? nullptr : ERR_reason_error_string(code);
  return why == nullptr ? "unknown" : why;
}

// Pipe is the two ends of a session: what is to be read, and where writing goes.
struct Pipe {
  const char* in = nullptr;
  std::size_t left = 0;
  std::string* out = nullptr;
};

int pipe_read(BIO* bio, char* to, std::size_t size, std::size_t* n) {
  auto& pipe = *static_cast<Pipe*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (pipe.left == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  *n = std::min(size, pipe.left);
  std::memcpy(to, pipe.in, *n);
  pipe.in += *n;
  pipe.left -= *n;
  return 1;
}

int pipe_write(BIO* bio, const char* from, std::size_t size, std::size_t* n) {
  auto& pipe = *static_cast<Pipe*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (pipe.out == nullptr) return -1;
  pipe.out->append(from, size);
  *n = size;
  return 1;
}

long pipe_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* pipe_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "memory both ways");
    insist(m != nullptr);
    BIO_meth_set_read_ex(m, pipe_read);
    BIO_meth_set_write_ex(m, pipe_write);
    BIO_meth_set_ctrl(m, pipe_control);
    return m;
  }();
  return method;
}

// An encrypted key is refused rather than asked about on somebody's terminal.
int no_password(char*, int, int, void*) { return 0; }

// Settings both sides share: TLS 1.3 alone, nothing resumed, nothing kept.
bool harden(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context, 32 * 1024);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_default_passwd_cb(context, no_password);
  return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_ciphersuites(
             context,
             "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1 &&
         SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1;
}

Result<void> load_identity(SSL_CTX* context, const std::string& certificate_file,
                           const std::string& key_file) {
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1)
    return fail(Reason::file_failed, certificate_file + ": " + openssl_why());
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(Reason::file_failed, key_file + ": " + openssl_why());
  if (SSL_CTX_check_private_key(context) != 1)
    return fail(Reason::key_missing, key_file + " is not the key of " + certificate_file);
  return {};
}

// Any certificate passes: whether it is good enough, and for what, is identity's to say and to
// explain. That its holder has the key is still proven by the handshake.
int accept_any(X509_STORE_CTX* verification, void*) {
  X509_STORE_CTX_set_error(verification, X509_V_OK);
  return 1;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void*) {
  static constexpr unsigned char kProtocol[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  for (unsigned i = 0; i + 1 < in_size; i += in[i] + 1U) {
    if (in[i] != 8 || i + 9 > in_size || std::memcmp(in + i, kProtocol, 9) != 0) continue;
    *out = in + i + 1;
    *out_size = 8;
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

Moment moment_of(const ASN1_TIME* time) {
  std::tm t{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &t) != 1) return Moment{0};
  const auto seconds = ::timegm(&t);
  return Moment{seconds > 0 ? static_cast<std::uint64_t>(seconds) * 1000 : 0};
}

// chains_to says whether a certificate was issued, for use by a client, under one of the CAs in
// `store`. Dates are left to identity, which says "expired" instead of "foreign".
bool chains_to(X509_STORE* store, X509* certificate, STACK_OF(X509) * others) {
  const Verification verification(X509_STORE_CTX_new());
  if (!verification || X509_STORE_CTX_init(verification.get(), store, certificate, others) != 1)
    return false;
  X509_STORE_CTX_set_flags(verification.get(), X509_V_FLAG_NO_CHECK_TIME);
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(verification.get());
  if (X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SSL_CLIENT) != 1) return false;
  X509_VERIFY_PARAM_set_depth(rules, 4);
  const bool holds = X509_verify_cert(verification.get()) == 1;
  ERR_clear_error();
  return holds;
}

}  // namespace

struct TlsSession::State {
  Pipe pipe;
  SSL* ssl = nullptr;
  X509_STORE* client_store = nullptr;  // the TlsServer's; outlives its sessions

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { SSL_free(ssl); }

  bool begin(SSL_CTX* context) {
    ssl = SSL_new(context);
    BIO* bio = ssl == nullptr ? nullptr : BIO_new(pipe_method());
    if (bio == nullptr) return false;
    BIO_set_data(bio, &pipe);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);  // the session owns it now
    return true;
  }
  Step step_of(int result) const {
    switch (SSL_get_error(ssl, result)) {
      case SSL_ERROR_WANT_READ:
        return Step::want_input;
      case SSL_ERROR_ZERO_RETURN:
        return Step::closed;
      default:
        ERR_clear_error();
        return Step::failed;
    }
  }
};

TlsSession::TlsSession() : state_(std::make_unique<State>()) {}
TlsSession::~TlsSession() = default;

void TlsSession::feed(std::string_view ciphertext) {
  insist(state_->pipe.left == 0);
  state_->pipe.in = ciphertext.data();
  state_->pipe.left = ciphertext.size();
}

std::string_view TlsSession::unread() const { return {state_->pipe.in, state_->pipe.left}; }

void TlsSession::drop_unread() { state_->pipe.left = 0; }

void TlsSession::output_to(std::string* sink) { state_->pipe.out = sink; }

TlsSession::Step TlsSession::handshake() {
  insist(state_->pipe.out != nullptr);
  ERR_clear_error();
  const int result = SSL_do_handshake(state_->ssl);
  return result == 1 ? Step::done : state_->step_of(result);
}

TlsSession::Step TlsSession::read(char* to, std::size_t size, std::size_t& n) {
  insist(size > 0);
  ERR_clear_error();
  n = 0;
  const int result = SSL_read_ex(state_->ssl, to, size, &n);
  return result == 1 ? Step::done : state_->step_of(result);
}

bool TlsSession::drained() const { return state_->pipe.left == 0 && SSL_pending(state_->ssl) == 0; }

void TlsSession::rest() { (void)SSL_free_buffers(state_->ssl); }

bool TlsSession::write(std::string_view plain) {
  insist(state_->pipe.out != nullptr);
  if (plain.empty()) return true;
  ERR_clear_error();
  std::size_t n = 0;
  const bool whole =
      SSL_write_ex(state_->ssl, plain.data(), plain.size(), &n) == 1 && n == plain.size();
  if (!whole) ERR_clear_error();
  return whole;
}

void TlsSession::close() {
  ERR_clear_error();
  if (SSL_is_init_finished(state_->ssl)) (void)SSL_shutdown(state_->ssl);
  ERR_clear_error();
}

std::shared_ptr<const PeerCertificate> TlsSession::peer() const {
  insist(state_->client_store != nullptr);
  X509* certificate = SSL_get0_peer_certificate(state_->ssl);
  if (certificate == nullptr) return nullptr;
  auto peer = std::make_shared<PeerCertificate>();
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return nullptr;
  peer->der.resize(static_cast<std::size_t>(size));
  auto* der = reinterpret_cast<unsigned char*>(peer->der.data());
  insist(i2d_X509(certificate, &der) == size);
  unsigned digest_size = 0;
  insist(EVP_Digest(peer->der.data(), peer->der.size(), peer->thumbprint.data(), &digest_size,
                    EVP_sha256(), nullptr) == 1);
  insist(digest_size == peer->thumbprint.size());
  peer->issued_by_us =
      chains_to(state_->client_store, certificate, SSL_get_peer_cert_chain(state_->ssl));
  peer->not_before = moment_of(X509_get0_notBefore(certificate));
  peer->not_after = moment_of(X509_get0_notAfter(certificate));
  return peer;
}

std::string TlsSession::untrusted_why() const {
  const long result = SSL_get_verify_result(state_->ssl);
  return result == X509_V_OK ? std::string() : X509_verify_cert_error_string(result);
}

struct TlsServer::State {
  Context context;
  Store store;
};

TlsServer::TlsServer() : state_(std::make_unique<State>()) {}
TlsServer::~TlsServer() = default;

Result<std::unique_ptr<TlsServer>> TlsServer::make(const std::string& certificate_file,
                                                   const std::string& key_file,
                                                   std::string_view client_ca_pem) {
  std::unique_ptr<TlsServer> server(new TlsServer);
  auto& state = *server->state_;
  state.context.reset(SSL_CTX_new(TLS_server_method()));
  state.store.reset(X509_STORE_new());
  if (!state.context || !state.store || !harden(state.context.get()))
    return fail(Reason::internal_error, "TLS: " + openssl_why());
  SSL_CTX* context = state.context.get();
  if (const auto loaded = load_identity(context, certificate_file, key_file); !loaded)
    return std::unexpected(loaded.error());
  const Bio text(BIO_new_mem_buf(client_ca_pem.data(), static_cast<int>(client_ca_pem.size())));
  unsigned count = 0;
  while (text != nullptr) {
    const Certificate ca(PEM_read_bio_X509(text.get(), nullptr, no_password, nullptr));
    if (!ca) break;
    if (X509_STORE_add_cert(state.store.get(), ca.get()) != 1 ||
        SSL_CTX_add_client_CA(context, ca.get()) != 1)
      return fail(Reason::key_missing, "the CA of client certificates: " + openssl_why());
    ++count;
  }
  ERR_clear_error();  // the end of the PEM text is reported as an error
  if (count == 0 && !client_ca_pem.empty())
    return fail(Reason::key_missing, "the CA of client certificates is not PEM");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, accept_any, nullptr);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  return server;
}

std::unique_ptr<TlsSession> TlsServer::accept() {
  std::unique_ptr<TlsSession> session(new TlsSession);
  if (!session->state_->begin(state_->context.get())) return nullptr;
  session->state_->client_store = state_->store.get();
  SSL_set_accept_state(session->state_->ssl);
  return session;
}

struct TlsClient::State {
  Context context;
};

TlsClient::TlsClient() : state_(std::make_unique<State>()) {}
TlsClient::~TlsClient() = default;

Result<std::unique_ptr<TlsClient>> TlsClient::make(const std::string& ca_file,
                                                   const std::string& certificate_file,
                                                   const std::string& key_file) {
  std::unique_ptr<TlsClient> client(new TlsClient);
  client->state_->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = client->state_->context.get();
  if (context == nullptr || !harden(context))
    return fail(Reason::internal_error, "TLS: " + openssl_why());
  if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1)
    return fail(Reason::file_failed, ca_file + ": " + openssl_why());
  if (!certificate_file.empty())
    if (const auto loaded = load_identity(context, certificate_file, key_file); !loaded)
      return std::unexpected(loaded.error());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  static constexpr unsigned char kProtocol[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  insist(SSL_CTX_set_alpn_protos(context, kProtocol, sizeof kProtocol) == 0);
  return client;
}

Result<std::unique_ptr<TlsClient>> TlsClient::for_foreign(const std::string& ca_file,
                                                          const std::string& certificate_file,
                                                          const std::string& key_file) {
  std::unique_ptr<TlsClient> client(new TlsClient);
  client->state_->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = client->state_->context.get();
  // Forward secrecy and AEAD alone: what a careful app of today offers under TLS 1.2 (RFC 9325 4.2).
  if (context == nullptr || !harden(context) ||
      SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
      SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") != 1)
    return fail(Reason::internal_error, "TLS: " + openssl_why());
  const int trusted = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context)
                                      : SSL_CTX_load_verify_file(context, ca_file.c_str());
  if (trusted != 1) return fail(Reason::file_failed, ca_file + ": " + openssl_why());
  if (!certificate_file.empty())
    if (const auto loaded = load_identity(context, certificate_file, key_file); !loaded)
      return std::unexpected(loaded.error());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  static constexpr unsigned char kProtocol[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  insist(SSL_CTX_set_alpn_protos(context, kProtocol, sizeof kProtocol) == 0);
  return client;
}

std::unique_ptr<TlsSession> TlsClient::connect(const std::string& host) {
  std::unique_ptr<TlsSession> session(new TlsSession);
  if (!session->state_->begin(state_->context.get())) return nullptr;
  SSL* ssl = session->state_->ssl;
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
  unsigned char address[16];
  const bool is_address = ::inet_pton(AF_INET, host.c_str(), address) == 1 ||
                          ::inet_pton(AF_INET6, host.c_str(), address) == 1;
  if (is_address) {
    if (X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str()) != 1) return nullptr;
  } else {
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(rules, host.c_str(), host.size()) != 1) return nullptr;
    if (SSL_set_tlsext_host_name(ssl, host.c_str()) != 1) return nullptr;
  }
  SSL_set_connect_state(ssl);
  return session;
}

}  // namespace amanat::net
