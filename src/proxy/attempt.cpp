#include <fusegate/base/fill.hpp>

#include "http/head_writer.hpp"
#include "net/clock.hpp"
#include "net/tls_session.hpp"
#include "proxy/locked.hpp"
#include "proxy/request_facts.hpp"
#include "proxy/request_handler.hpp"

#include <algorithm>
#include <cerrno>

/// One attempt: a connection, the request on it, and the head of the response or its failure.
namespace fusegate::proxy {
namespace {

exchange::FailureFacts failure(FailureClass kind, AttemptResult result, RejectReason reason,
                               bool nothing_written) {
  return {kind, result, reason, nothing_written};
}

/// Errors of a connect that are not the other side's: there is no socket to begin with.
bool is_want(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

}  // namespace

/// True when it can be sent at once: nearly always there is a kept connection.
bool RequestHandler::begin_attempt(const Decision& decision) {
  rq_.inbound.endpoint = decision.endpoint;
  hedge_at_ = decision.hedge_at;
  client_slow_ = false;
  upload_broken_ = false;
  interims_ = 0;
  detail_ = {};
  attempt_since_ = worker_.now();
  return !rq_.route->policy.fault.enabled && reuse(decision);
}

/// Makes it ready to be sent: a test fault may delay or end it, a connection may have to be made.
net::Task<RequestHandler::Prepared> RequestHandler::prepare(const Decision& decision) {
  Prepared prepared;
  bool reused = false;
  if (rq_.route->policy.fault.enabled) {
    prepared.ended = co_await inject(decision.until, prepared.failed);
    reused = !prepared.ended && reuse(decision);
  }
  if (!prepared.ended && !reused) {
    prepared.failed = co_await connect(decision);
  }
  prepared.ended = prepared.ended || prepared.failed || stop_ != Stop::No;
  co_return prepared;
}

/// Goes on with the other of two attempts.
net::Task<RequestHandler::Decision> RequestHandler::go_on() {
  attempt_since_ = worker_.now();
  const bool unsent = hedge_connecting_;
  Failure failed;
  if (unsent) {
    failed = co_await finish_connecting();
  }
  if (!failed) {
    failed = co_await exchange_heads(other_until_, !unsent);
  }
  co_return conclude(failed);
}

/// Tells the exchange what became of the current attempt.
RequestHandler::Decision RequestHandler::conclude(const Failure& failed) {
  const Instant now = worker_.now();
  rq_.report.upstream_time += now - attempt_since_;
  if (stop_ != Stop::No) {
    return stopped();
  }
  if (rq_.interim_sent || !rq_.upload.replayable()) {
    rq_.exchange->on_not_replayable();
  }
  Decision next;
  if (failed) {
    drop(rq_.inbound);
    next = locked([&](exchange::UpstreamState&) { return rq_.exchange->on_failure(*failed, now); });
  } else {
    const exchange::ResponseFacts facts = facts_of_response();
    next = locked([&](exchange::UpstreamState&) { return rq_.exchange->on_response(facts, now); });
    if (next.kind != Decision::Kind::Forward) {
      hold_response();
    }
  }
  if (next.kind == Decision::Kind::Continue) {
    keep_other_lane();
  } else {
    drop(rq_.other);
  }
  return next;
}

/// The client is gone, or its body cannot be sent on.
RequestHandler::Decision RequestHandler::stopped() {
  drop(rq_.inbound);
  drop(rq_.other);
  Decision refusal;
  refusal.kind = Decision::Kind::Reject;
  refusal.reason = stop_ == Stop::BadBody        ? RejectReason::BadRequest
                   : stop_ == Stop::BodyTooLarge ? RejectReason::BodyTooLarge
                                                 : RejectReason::HeadTimeout;
  detail_ = stop_ == Stop::BadBody ? rq_.upload.detail() : std::string_view{};
  session_.close_after();
  return refusal;
}

exchange::ResponseFacts RequestHandler::facts_of_response() const {
  return facts_of(rq_.response, rq_.route->policy, worker_.wall_now());
}

void RequestHandler::attach(net::StreamPtr stream, bool reused) {
  stream->set_owner(&session_);
  session_.clear(kUpstreamReadable | kUpstreamWritable);
  rq_.inbound.stream = std::move(stream);
  rq_.inbound.reused = reused;
  rq_.inbound.heard = false;
  rq_.inbound.upstream = rq_.report.upstream;
  worker_.metrics.upstream(rq_.report.upstream).connections_active.add(1);
}

/// Takes a kept connection, when there is one.
bool RequestHandler::reuse(const Decision& decision) {
  if (decision.fresh_connection) {
    return false;
  }
  upstream::Pool& pool = *worker_.pools[rq_.report.upstream];
  net::StreamPtr idle = pool.take(*decision.endpoint, !rq_.traits.repeatable, worker_.now());
  if (!idle) {
    return false;
  }
  attach(std::move(idle), true);
  rq_.exchange->on_connection(true);
  return true;
}

net::Task<RequestHandler::Failure> RequestHandler::connect(const Decision& decision) {
  upstream::Pool& pool = *worker_.pools[rq_.report.upstream];
  const Instant started = worker_.now();
  net::IoResult result{net::IoResult::Kind::Failed};
  if (net::StreamPtr stream = pool.connect(*decision.endpoint, result.error)) {
    attach(std::move(stream), false);
    result = co_await reach(
        std::min(decision.until, started + rq_.upstream->settings().connect_timeout));
  }
  if (!session_.client().is_open()) {
    stop_ = Stop::ClientGone;
    result = {net::IoResult::Kind::Failed, 0, ECANCELED};
  }
  const Failure failed = connected(result, started);
  if (!failed) {
    rq_.exchange->on_connection(false);
  }
  co_return failed;
}

/// Waits until the connection of the current lane is there, with TLS where it is asked for.
net::Task<net::IoResult> RequestHandler::reach(Instant until) {
  net::IoResult result{net::IoResult::Kind::WouldBlock};
  while (result.would_block()) {
    rq_.inbound.stream->arm_write();
    const auto events = co_await session_.wait(kUpstreamWritable, until);
    if ((events & kUpstreamWritable) == 0) {
      result = {net::IoResult::Kind::Failed, 0, ETIMEDOUT};
    } else {
      result = rq_.inbound.stream->connected();
    }
  }
  co_return result;
}

/// What became of a new connection on the current lane; counts it.
RequestHandler::Failure RequestHandler::connected(const net::IoResult& result, Instant started) {
  using telemetry::ConnectResult;
  const bool late = result.error == ETIMEDOUT;
  const net::TlsSession* const tls = rq_.inbound.stream ? rq_.inbound.stream->tls() : nullptr;
  const bool by_tls = result.is_tls_error() || (late && tls != nullptr && tls->started());
  worker_.metrics.upstream(rq_.report.upstream)
      .connect_ended(result.done() ? ConnectResult::Ok
                     : late        ? ConnectResult::Timeout
                     : by_tls      ? ConnectResult::TlsFailed
                                   : ConnectResult::Failed,
                     worker_.now() - started);
  if (result.done()) {
    return std::nullopt;
  }
  if (by_tls) {
    note_tls_problem(late ? "it took longer than connect_timeout or the attempt allows"
                          : tls->problem());
    return failure(FailureClass::NeverSent, AttemptResult::TlsFailed, RejectReason::TlsFailed,
                   true);
  }
  exchange::FailureFacts failed{FailureClass::NeverSent, AttemptResult::ConnectFailed,
                                RejectReason::ConnectFailed, true};
  failed.ours = is_want(result.error);
  if (failed.ours) {
    detail_ = "the proxy has no descriptors or no memory left for a connection to the upstream";
  }
  return failed;
}

void RequestHandler::note_tls_problem(std::string_view problem) {
  const std::string& endpoint = rq_.inbound.endpoint->name;
  rq_.tls_problem = fill("the TLS handshake with {} failed: {}", endpoint, problem);
  worker_.warn_upstream_tls(rq_.report.upstream, endpoint, problem);
}

/// With TLS 1.3 a server judges the client's certificate when the client has sent its request
/// already; the application behind has not seen it.
RequestHandler::Failure RequestHandler::certificate_refused() {
  note_tls_problem(rq_.inbound.stream->tls()->problem());
  return failure(FailureClass::NeverSent, AttemptResult::TlsFailed, RejectReason::TlsFailed,
                 nothing_written());
}

void RequestHandler::write_head(Instant until) {
  http::ForwardRequest forward;
  forward.head = &rq_.head;
  forward.target = rq_.target;
  forward.host = rq_.host;
  forward.client_ip = session_.client_ip();
  forward.trusted = session_.trusted;
  if (session_.client().tls() != nullptr) {
    forward.scheme = "https";
  }
  forward.request_id = rq_.report.request_id;
  forward.attempt = rq_.exchange->attempt();
  if (forward.attempt > 1) {
    forward.attempt_reason = rq_.exchange->has_two_attempts() ? std::string_view{"hedge"}
                                                              : word(rq_.exchange->last_failure());
  }
  forward.remaining = std::chrono::duration_cast<std::chrono::milliseconds>(until - worker_.now());
  forward.body = rq_.head.body;
  forward.content_length = rq_.head.content_length;
  forward.upgrade = rq_.head.upgrade;
  forward.faults = rq_.route->policy.fault.enabled;
  http::HeadBuffer out{worker_.scratch(), worker_.scratch_size()};
  http::write_request(forward, out);
  rq_.upload.begin_attempt(out.view());
  uploading_ = true;
}

bool RequestHandler::nothing_written() const {
  const std::size_t refused = rq_.inbound.stream ? rq_.inbound.stream->refused() : 0;
  return rq_.upload.written() == refused;
}

RequestHandler::Failure RequestHandler::lost(AttemptResult result, RejectReason reason) const {
  const FailureClass kind =
      result == AttemptResult::StaleReuse ? FailureClass::StaleReuse : FailureClass::NoResponse;
  return failure(kind, result, reason, nothing_written());
}

}  // namespace fusegate::proxy
