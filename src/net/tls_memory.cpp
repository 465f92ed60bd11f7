#include "net/tls_memory.hpp"

#include "net/tls_session.hpp"

#include <openssl/ssl.h>

namespace fusegate::net {
namespace {

/// 1 = the session is ours now.
int on_new_session(SSL* ssl, SSL_SESSION* session) {
  auto* const connection = static_cast<TlsSession*>(SSL_get_app_data(ssl));
  return connection != nullptr && connection->remember(session) ? 1 : 0;
}

}  // namespace

void TlsMemory::attach(ssl_ctx_st* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
}

void TlsMemory::keep(const TlsContextPtr& context, ssl_session_st* session) {
  context_ = context;
  session_.reset(session);
}

ssl_session_st* TlsMemory::session_for(const TlsContextPtr& context) const {
  const bool good =
      session_ && context_ == context && SSL_SESSION_is_resumable(session_.get()) == 1;
  return good ? session_.get() : nullptr;
}

void TlsMemory::Free::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }

}  // namespace fusegate::net
