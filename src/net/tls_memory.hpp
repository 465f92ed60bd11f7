#pragma once

#include "net/tls_context.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <memory>

struct ssl_session_st;  // SSL_SESSION of OpenSSL.

namespace fusegate::net {

/// The last session with one server, so that the next connection need not prove everything again.
///
/// A resumed session is not verified anew, so it is good only for the context it was verified with:
/// after other authorities were read the next handshake is a whole one. Belongs to one worker.
class TlsMemory final
    : public boost::intrusive_ref_counter<TlsMemory, boost::thread_unsafe_counter> {
 public:
  /// Makes `context` hand new sessions to the memory of their connection.
  static void attach(ssl_ctx_st* context);

  /// Takes `session` over.
  void keep(const TlsContextPtr& context, ssl_session_st* session);
  /// A session that a connection of `context` may resume, or null. It stays here.
  ssl_session_st* session_for(const TlsContextPtr& context) const;
  void forget() { session_.reset(); }

 private:
  struct Free {
    void operator()(ssl_session_st* session) const;
  };
  TlsContextPtr context_;
  std::unique_ptr<ssl_session_st, Free> session_;
};

using TlsMemoryPtr = boost::intrusive_ptr<TlsMemory>;

}  // namespace fusegate::net
