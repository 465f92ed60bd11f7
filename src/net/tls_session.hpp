#pragma once

#include "net/io_result.hpp"
#include "net/tls_bio.hpp"
#include "net/tls_context.hpp"
#include "net/tls_memory.hpp"

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;  // SSL of OpenSSL.

namespace fusegate::net {

/// TLS on one non-blocking socket: the handshake, and bytes both ways. The stream that owns it
/// knows when trying again makes sense.
///
/// A peer that closes without saying so first (close_notify) is told as an end that is cut short:
/// whoever reads until the end must not take it for one.
class TlsSession {
 public:
  /// The server's side of an accepted connection; null when memory has run out. `fd` stays the
  /// caller's.
  static std::unique_ptr<TlsSession> accept(TlsContextPtr context, int fd);
  /// The client's side. `name`, a host or an address, is what the server must prove to be;
  /// `memory` may be null.
  static std::unique_ptr<TlsSession> connect(TlsContextPtr context, int fd, std::string name,
                                             TlsMemoryPtr memory);

  TlsSession(TlsContextPtr context, std::string name, TlsMemoryPtr memory);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession();

  /// Goes on with the handshake. A failure has its words in `problem`.
  IoResult handshake();
  /// As much as there is, up to `size`.
  IoResult read(char* data, std::size_t size);
  IoResult::Kind peek();
  /// After would-block, and after a write that took less than it was given, the next one must begin
  /// with the bytes that were not taken.
  IoResult write(std::span<const iovec> parts);
  /// Tells the peer that nothing more follows.
  IoResult close_notify();

  /// After would-block: is it the socket's taking more that is waited for, or its having more?
  bool wants_to_write() const { return wants_to_write_; }
  /// Nothing more can be read before the socket has more.
  bool drained() const;
  bool started() const { return started_; }
  bool established() const { return established_; }
  /// The peer has sent something. One that has not was only looking whether somebody listens.
  bool heard() const { return socket_.heard; }
  /// The client speaks plain HTTP.
  bool met_plain_http() const { return met_plain_http_; }
  /// The other side has refused this side's certificate, or its absence. In TLS 1.3 a client learns
  /// that after its handshake, instead of the first answer.
  bool certificate_refused() const { return certificate_refused_; }
  /// Why it failed, in plain words that begin with "it" or "its"; nothing the peer chose.
  std::string_view problem() const { return problem_; }

  /// Keeps a session that the server has offered; true when it was taken over.
  bool remember(struct ssl_session_st* session);

 private:
  struct Free {
    void operator()(ssl_st* ssl) const;
  };
  bool set_up(int fd);
  bool expect_server();
  IoResult judged(int result);
  IoResult broken();
  IoResult handshake_failed(IoResult result);

  TlsSocket socket_;
  TlsContextPtr context_;
  std::string name_;
  TlsMemoryPtr memory_;
  std::unique_ptr<ssl_st, Free> ssl_;
  std::size_t blocked_ = 0;             ///< Bytes of a record that the socket has not taken whole.
  IoResult due_{IoResult::Kind::Done};  ///< What the next read gives, unless it is Done.
  bool wants_to_write_ = false;
  bool started_ = false;
  bool established_ = false;
  bool dry_ = false;      ///< The last read has asked the socket in vain.
  bool failed_ = false;   ///< Nothing more may be said on it.
  bool goodbye_ = false;  ///< close_notify has been sent.
  bool met_plain_http_ = false;
  bool certificate_refused_ = false;
  std::string problem_;
};

}  // namespace fusegate::net
