#include "net/tls_session.hpp"

#include "net/tls_words.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace fusegate::net {
namespace {

/// The most that one record holds.
constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;

/// The alerts that judge a certificate (RFC 8446 section 6.2), and the one that TLS 1.2 has for a
/// missing one.
bool judges_certificate(int alert) {
  static constexpr std::array kAlerts{
      SSL_AD_HANDSHAKE_FAILURE,   SSL_AD_BAD_CERTIFICATE,     SSL_AD_UNSUPPORTED_CERTIFICATE,
      SSL_AD_CERTIFICATE_REVOKED, SSL_AD_CERTIFICATE_EXPIRED, SSL_AD_CERTIFICATE_UNKNOWN,
      SSL_AD_UNKNOWN_CA,          SSL_AD_ACCESS_DENIED,       SSL_AD_CERTIFICATE_REQUIRED};
  return std::ranges::find(kAlerts, alert) != kAlerts.end();
}

std::size_t size_of(std::span<const iovec> parts) {
  std::size_t size = 0;
  for (const iovec& part : parts) {
    size += part.iov_len;
  }
  return size;
}

/// `size` bytes of `parts` from `skip` on: where they lie if they lie together, else copied.
const char* piece(std::span<const iovec> parts, std::size_t skip, std::size_t size,
                  std::array<char, kRecord>& room) {
  std::size_t copied = 0;
  for (const iovec& part : parts) {
    if (skip >= part.iov_len) {
      skip -= part.iov_len;
      continue;
    }
    const char* const data = static_cast<const char*>(part.iov_base) + skip;
    const std::size_t here = std::min(part.iov_len - skip, size - copied);
    if (here == size) {
      return data;
    }
    std::memcpy(room.data() + copied, data, here);
    copied += here;
    skip = 0;
    if (copied == size) {
      break;
    }
  }
  return room.data();
}

}  // namespace

TlsSession::TlsSession(TlsContextPtr context, std::string name, TlsMemoryPtr memory)
    : context_(std::move(context)),
      name_(std::move(name)),
      memory_(std::move(memory)),
      ssl_(SSL_new(context_->get())) {}

TlsSession::~TlsSession() {
  if (ssl_ && !failed_) {
    // Else OpenSSL takes a connection that was not closed by both for broken, and its session with
    // it.
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
}

void TlsSession::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

/// What became of an operation that did not succeed.
IoResult TlsSession::judged(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      wants_to_write_ = false;
      return {IoResult::Kind::WouldBlock};
    case SSL_ERROR_WANT_WRITE:
      wants_to_write_ = true;
      return {IoResult::Kind::WouldBlock};
    case SSL_ERROR_ZERO_RETURN:
      return {IoResult::Kind::End};
    case SSL_ERROR_SYSCALL:
      if (socket_.error == 0 && socket_.ended) {
        return {IoResult::Kind::End, 0, IoResult::kCutShort};
      }
      failed_ = true;
      return {IoResult::Kind::Failed, 0, socket_.error != 0 ? socket_.error : EIO};
    default:
      return broken();
  }
}

/// The peer does not keep to the protocol, cannot prove who it is, or says that we cannot.
IoResult TlsSession::broken() {
  failed_ = true;
  const int reason = ERR_GET_REASON(ERR_peek_error());
  met_plain_http_ = reason == SSL_R_HTTP_REQUEST;
  certificate_refused_ = judges_certificate(reason - SSL_AD_REASON_OFFSET);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    problem_ = why_not_verified(SSL_get_verify_result(ssl_.get()), name_);
    ERR_clear_error();
  } else {
    problem_ = why_tls_failed();
  }
  return IoResult::tls_failure();
}

IoResult TlsSession::read(char* data, std::size_t size) {
  if (!due_.done()) {
    return due_;
  }
  ERR_clear_error();
  dry_ = false;
  std::size_t total = 0;
  while (total < size && (total == 0 || !drained())) {
    std::size_t got = 0;
    if (SSL_read_ex(ssl_.get(), data + total, size - total, &got) == 1) {
      total += got;
      continue;
    }
    const IoResult result = judged(0);
    dry_ = result.would_block() && !wants_to_write_;
    if (!result.would_block()) {
      due_ = result;
    }
    if (total == 0) {
      return result;
    }
    break;
  }
  return {IoResult::Kind::Done, total};
}

IoResult::Kind TlsSession::peek() {
  if (!due_.done()) {
    return due_.kind;
  }
  ERR_clear_error();
  char byte = 0;
  std::size_t got = 0;
  if (SSL_peek_ex(ssl_.get(), &byte, 1, &got) == 1) {
    return IoResult::Kind::Done;
  }
  const IoResult result = judged(0);
  if (!result.would_block()) {
    due_ = result;
  }
  return result.kind;
}

bool TlsSession::drained() const {
  return due_.done() && (dry_ || (socket_.emptied && SSL_has_pending(ssl_.get()) == 0));
}

/// A record for each piece: a small message goes out as one, and a large one costs no copy.
IoResult TlsSession::write(std::span<const iovec> parts) {
  const std::size_t size = size_of(parts);
  if (failed_ || size < blocked_) {
    return IoResult::tls_failure();
  }
  std::array<char, kRecord> room;
  std::size_t taken = 0;
  while (taken < size) {
    // What is half on its way must be given again, no byte less.
    const std::size_t length = blocked_ > 0 ? blocked_ : std::min(kRecord, size - taken);
    std::size_t put = 0;
    ERR_clear_error();
    if (SSL_write_ex(ssl_.get(), piece(parts, taken, length, room), length, &put) == 1) {
      blocked_ = 0;
      taken += put;
      continue;
    }
    const IoResult result = judged(0);
    if (!result.would_block()) {
      return result;
    }
    blocked_ = length;
    if (taken == 0) {
      return result;
    }
    break;
  }
  return {IoResult::Kind::Done, taken};
}

IoResult TlsSession::close_notify() {
  if (!established_ || failed_ || blocked_ > 0) {
    return IoResult::tls_failure();  // What the peer has got is cut, and it shall see that.
  }
  if (goodbye_) {
    return {IoResult::Kind::Done};
  }
  ERR_clear_error();
  const int result = SSL_shutdown(ssl_.get());
  goodbye_ = result >= 0;
  return goodbye_ ? IoResult{IoResult::Kind::Done} : judged(result);
}

bool TlsSession::remember(ssl_session_st* session) {
  if (!memory_) {
    return false;
  }
  memory_->keep(context_, session);
  return true;
}

}  // namespace fusegate::net
