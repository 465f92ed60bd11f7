#include "net/tls_context.hpp"

#include "net/tls_files.hpp"
#include "net/tls_memory.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

namespace fusegate::net {
namespace {

/// TLS 1.2 with a key of its own for each connection and ciphers that also protect what they hide;
/// those of TLS 1.3 are all of this kind.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

/// In the form of the ALPN extension: a length before each name. "h2" goes to its front one day.
constexpr unsigned char kProtocols[] = "\x08http/1.1";
constexpr unsigned kProtocolsSize = sizeof kProtocols - 1;

/// For clients that bring no tickets. Chosen: about 1 MiB for each listener.
constexpr long kServerSessions = 1024;
/// How long a session may be resumed before the certificates are looked at again. Chosen.
constexpr long kSessionSeconds = 3600;

int choose_protocol(SSL*, const unsigned char** out, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, size, kProtocols, kProtocolsSize, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 section 3.2.
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/// What both sides share.
std::shared_ptr<TlsContext> make(const SSL_METHOD* method) {
  auto made = std::make_shared<TlsContext>(SSL_CTX_new(method));
  SSL_CTX* const context = made->get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context, kCiphers) != 1) {
    return nullptr;
  }
  SSL_CTX_set_options(context,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_PRIORITIZE_CHACHA);
  // The chain that is shown is that of the file, with nothing added from the authorities of others.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_timeout(context, kSessionSeconds);
  return made;
}

TlsContext::Loaded finished(std::shared_ptr<TlsContext> context, std::vector<TlsProblem> problems) {
  ERR_clear_error();
  const bool failed =
      std::ranges::any_of(problems, [](const TlsProblem& each) { return !each.warning; });
  if (context == nullptr && !failed) {
    problems.push_back({"certificate", "the TLS library cannot be set up", false});
  }
  return {failed ? nullptr : std::move(context), std::move(problems)};
}

void require_client_certificates(SSL_CTX* context) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

TlsContext::Loaded TlsContext::for_listener(const config::ListenerTls& settings) {
  auto made = make(TLS_server_method());
  std::vector<TlsProblem> problems;
  if (made == nullptr) {
    return finished(nullptr, std::move(problems));
  }
  SSL_CTX* const context = made->get();
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
  SSL_CTX_sess_set_cache_size(context, kServerSessions);
  static constexpr unsigned char kId[] = "fusegate";
  SSL_CTX_set_session_id_context(context, kId, sizeof kId - 1);
  use_certificate(context, settings.certificate, settings.key, problems);
  if (!settings.client_ca.empty()) {
    use_authorities(context, "client_ca", settings.client_ca, true, problems);
    require_client_certificates(context);
  }
  return finished(std::move(made), std::move(problems));
}

TlsContext::Loaded TlsContext::for_upstream(const config::Tls& settings) {
  auto made = make(TLS_client_method());
  std::vector<TlsProblem> problems;
  if (made == nullptr) {
    return finished(nullptr, std::move(problems));
  }
  SSL_CTX* const context = made->get();
  SSL_CTX_set_alpn_protos(context, kProtocols, kProtocolsSize);
  TlsMemory::attach(context);
  if (!settings.certificate.empty()) {
    use_certificate(context, settings.certificate, settings.key, problems);
  }
  made->verifies_server_ = settings.verify;
  SSL_CTX_set_verify(context, settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!settings.verify) {
    return finished(std::move(made), std::move(problems));
  }
  if (settings.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else {
    use_authorities(context, "ca_file", settings.ca_file, false, problems);
  }
  return finished(std::move(made), std::move(problems));
}

}  // namespace fusegate::net
