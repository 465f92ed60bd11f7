#include <fusegate/base/fill.hpp>

#include "net/tls_session.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <array>
#include <cstring>
#include <utility>

/// How a TLS connection begins.
namespace fusegate::net {
namespace {

constexpr std::string_view kProtocol = "http/1.1";

bool is_address(const std::string& name) {
  std::array<unsigned char, 16> bytes;
  return ::inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

}  // namespace

std::unique_ptr<TlsSession> TlsSession::accept(TlsContextPtr context, int fd) {
  auto made = std::make_unique<TlsSession>(std::move(context), std::string(), nullptr);
  if (!made->set_up(fd)) {
    return nullptr;
  }
  SSL_set_accept_state(made->ssl_.get());
  return made;
}

std::unique_ptr<TlsSession> TlsSession::connect(TlsContextPtr context, int fd, std::string name,
                                                TlsMemoryPtr memory) {
  if (name.ends_with('.')) {
    name.pop_back();  // RFC 6066 section 3; and certificates have none.
  }
  auto made = std::make_unique<TlsSession>(std::move(context), std::move(name), std::move(memory));
  if (!made->set_up(fd) || !made->expect_server()) {
    return nullptr;
  }
  SSL_set_connect_state(made->ssl_.get());
  return made;
}

bool TlsSession::set_up(int fd) {
  socket_.fd = fd;
  BIO* const bio = ssl_ ? make_tls_bio(socket_) : nullptr;
  if (bio == nullptr) {
    return false;
  }
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  return true;
}

bool TlsSession::expect_server() {
  SSL* const ssl = ssl_.get();
  const bool address = is_address(name_);
  if (!address && SSL_set_tlsext_host_name(ssl, name_.c_str()) != 1) {
    return false;
  }
  if (memory_) {
    if (ssl_session_st* const session = memory_->session_for(context_)) {
      SSL_set_session(ssl, session);
    }
  }
  if (!context_->verifies_server()) {
    return true;
  }
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name_.c_str()) == 1
                 : SSL_set1_host(ssl, name_.c_str()) == 1;
}

IoResult TlsSession::handshake() {
  started_ = true;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) {
    const IoResult judgement = judged(result);
    return judgement.would_block() ? judgement : handshake_failed(judgement);
  }
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &chosen, &size);
  if (size > 0 && std::string_view(reinterpret_cast<const char*>(chosen), size) != kProtocol) {
    problem_ = "it chose a protocol that was not offered (ALPN)";
    return handshake_failed(IoResult::tls_failure());
  }
  established_ = true;
  return {IoResult::Kind::Done};
}

IoResult TlsSession::handshake_failed(IoResult result) {
  failed_ = true;
  if (memory_) {
    memory_->forget();
  }
  if (result.kind == IoResult::Kind::End) {
    problem_ = "it closed the connection during the handshake";
  } else if (!result.is_tls_error()) {
    problem_ = fill("the connection broke during the handshake: {}", std::strerror(result.error));
  }
  return IoResult::tls_failure();
}

}  // namespace fusegate::net
