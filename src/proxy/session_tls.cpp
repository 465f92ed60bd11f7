#include "net/tls_session.hpp"
#include "proxy/session.hpp"

#include <algorithm>

/// The TLS handshake of a connection that has come in.
namespace fusegate::proxy {

net::Task<> Session::serve_tls() {
  const bool secured = co_await secure();
  if (secured) {
    co_await serve_requests();
    co_await finish_writing(after(worker.now(), worker.shared.config->limits.body_timeout));
  }
}

/// False = there will be no request. What a client may take for its first head bounds this, too.
net::Task<bool> Session::secure() {
  Instant deadline = after(worker.now(), worker.shared.config->limits.head_timeout);
  for (;;) {
    const net::IoResult result = client_->handshake();
    if (result.done()) {
      co_return true;
    }
    if (!result.would_block()) {
      co_await handshake_failed();
      co_return false;
    }
    if (worker.draining()) {
      deadline = std::min(deadline, worker.now() + kDrainIdle);
    }
    client_->arm_write();
    const auto events = co_await wait(kClientWritable | kDrain, deadline);
    if (!client_->is_open()) {
      co_return false;
    }
    if (events == kTimer) {
      worker.warn_client_tls(listener, client_text(), "it took too long");
      co_return false;
    }
  }
}

net::Task<> Session::handshake_failed() {
  const net::TlsSession& tls = *client_->tls();
  const bool plain_http = tls.met_plain_http();
  if (!tls.heard()) {
    co_return;  // Somebody has looked whether the port is open; that is no failure.
  }
  worker.warn_client_tls(listener, client_text(), tls.problem());
  client_->drop_tls();
  if (!plain_http) {
    co_await linger(true);  // Else the alert that tells the client why could be lost.
    co_return;
  }
  request_ = std::make_unique<RequestContext>(worker.shared.config->limits.header_count);
  http::ParseFailure failure{RejectReason::BadRequest,
                             "this port speaks TLS, and the request came in plain text; use https"};
  co_await refuse(failure);
  release_request();
}

}  // namespace fusegate::proxy
