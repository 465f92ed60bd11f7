#include "http/head_writer.hpp"
#include "net/clock.hpp"
#include "proxy/locked.hpp"
#include "proxy/request_facts.hpp"
#include "proxy/request_handler.hpp"

#include <algorithm>
#include <cerrno>

/// One attempt: a connection, the request on it, and the head of the response or its failure.
namespace fusegate::proxy {
namespace {

using net::IoResult;

exchange::FailureFacts failure(FailureClass kind, AttemptResult result, RejectReason reason,
                               bool nothing_written) {
  return {kind, result, reason, nothing_written};
}

}  // namespace

net::Task<RequestHandler::Next> RequestHandler::attempt(Decision decision) {
  rq_.inbound.endpoint = decision.endpoint;
  client_slow_ = false;
  upload_broken_ = false;
  const Instant started = worker_.now();
  Failure failed;
  if (!reuse(decision)) {
    failed = co_await connect(decision);
  }
  if (!failed && stop_ == Stop::No) {
    failed = co_await exchange_heads(decision.until);
  }
  const Instant now = worker_.now();
  rq_.report.upstream_time += now - started;
  if (stop_ != Stop::No) {
    drop(rq_.inbound);
    if (stop_ == Stop::ClientGone) {
      co_return std::nullopt;
    }
    Decision refusal;
    refusal.kind = Decision::Kind::Reject;
    refusal.reason = stop_ == Stop::BadBody        ? RejectReason::BadRequest
                     : stop_ == Stop::BodyTooLarge ? RejectReason::BodyTooLarge
                                                   : RejectReason::HeadTimeout;
    detail_ = stop_ == Stop::BadBody ? rq_.upload.detail() : std::string_view{};
    session_.close_after();
    co_return refusal;
  }
  if (failed) {
    drop(rq_.inbound);
    if (rq_.interim_sent || !rq_.upload.replayable()) {
      rq_.exchange->on_not_replayable();
    }
    co_return locked(
        [&](exchange::UpstreamState&) { return rq_.exchange->on_failure(*failed, now); });
  }
  if (rq_.interim_sent || !rq_.upload.replayable()) {
    rq_.exchange->on_not_replayable();
  }
  const exchange::ResponseFacts facts = facts_of_response();
  const Decision next =
      locked([&](exchange::UpstreamState&) { return rq_.exchange->on_response(facts, now); });
  if (next.kind != Decision::Kind::Forward) {
    hold_response();
  }
  co_return next;
}

exchange::ResponseFacts RequestHandler::facts_of_response() const {
  return facts_of(rq_.response, rq_.route->policy, worker_.wall_now());
}

void RequestHandler::attach(net::StreamPtr stream, bool reused) {
  stream->set_owner(&session_);
  session_.clear(kUpstreamReadable | kUpstreamWritable);
  rq_.inbound.stream = std::move(stream);
  rq_.inbound.reused = reused;
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
  auto& metrics = worker_.metrics.upstream(rq_.report.upstream);
  int error = 0;
  net::StreamPtr stream = pool.connect(*decision.endpoint, error);
  if (stream) {
    attach(stream, false);
    const Instant until =
        std::min(decision.until, started + rq_.upstream->settings().connect_timeout);
    stream->arm_write();
    const auto events = co_await session_.wait(kUpstreamWritable, until);
    error = (events & kUpstreamWritable) != 0 ? stream->connect_error() : ETIMEDOUT;
  }
  const Duration took = worker_.now() - started;
  if (error != 0 || !session_.client().is_open()) {
    stop_ = session_.client().is_open() ? stop_ : Stop::ClientGone;
    metrics.connect_ended(
        error == ETIMEDOUT ? telemetry::ConnectResult::Timeout : telemetry::ConnectResult::Failed,
        took);
    co_return failure(FailureClass::NeverSent, AttemptResult::ConnectFailed,
                      RejectReason::ConnectFailed, true);
  }
  metrics.connect_ended(telemetry::ConnectResult::Ok, took);
  rq_.exchange->on_connection(false);
  co_return std::nullopt;
}

void RequestHandler::write_head(Instant until) {
  http::ForwardRequest forward;
  forward.head = &rq_.head;
  forward.target = rq_.target;
  forward.host = rq_.host;
  forward.client_ip = session_.client_ip();
  forward.trusted = session_.trusted;
  forward.request_id = rq_.report.request_id;
  forward.attempt = rq_.exchange->attempt();
  if (forward.attempt > 1) {
    forward.attempt_reason = word(rq_.exchange->last_failure());
  }
  forward.remaining = std::chrono::duration_cast<std::chrono::milliseconds>(until - worker_.now());
  forward.body = rq_.head.body;
  forward.content_length = rq_.head.content_length;
  forward.upgrade = rq_.head.upgrade;
  http::HeadBuffer out{worker_.scratch(), worker_.scratch_size()};
  http::write_request(forward, out);
  rq_.upload.begin_attempt(out.view());
  uploading_ = true;
}

/// Sends the request and waits for the head of the response, both at once: an upstream may answer
/// before it has read everything.
net::Task<RequestHandler::Failure> RequestHandler::exchange_heads(Instant until) {
  const Duration allowance = until - worker_.now();
  rq_.response_parser.reset();
  rq_.inbound.begin = rq_.inbound.filled = 0;
  moved_ = worker_.now();
  write_head(until);
  bool readable = false;
  for (;;) {
    const bool was_uploading = uploading_;
    const auto body_events = push_body();
    if (stop_ != Stop::No) {
      co_return std::nullopt;
    }
    if (was_uploading && !uploading_ && client_slow_) {
      until = std::min(rq_.exchange->deadline(), worker_.now() + allowance);
    }
    Failure failed;
    while (readable || upload_broken_) {
      const HeadStep step = read_head(failed);
      if (step == HeadStep::Interim) {
        const bool passed = co_await pass_interim();
        stop_ = passed ? stop_ : Stop::ClientGone;
        continue;
      }
      if (step == HeadStep::NeedMore && !upload_broken_) {
        break;
      }
      if (step == HeadStep::NeedMore) {
        failed = lost(AttemptResult::Reset, RejectReason::Reset);
      }
      co_return failed;
    }
    const bool for_client = uploading_ && (body_events & kClientReadable) != 0;
    const auto& limits = worker_.shared.config->limits;
    const Instant deadline =
        for_client ? std::min(rq_.exchange->deadline(), moved_ + limits.body_timeout) : until;
    rq_.inbound.stream->arm_read();
    const auto events =
        co_await session_.wait(body_events | kUpstreamReadable | kClientReadable, deadline);
    readable = (events & kUpstreamReadable) != 0;
    if (!uploading_ && (events & kClientReadable) != 0 && !session_.client_alive()) {
      stop_ = Stop::ClientGone;
      co_return std::nullopt;
    }
    if (events == kTimer) {
      if (for_client && worker_.now() < rq_.exchange->deadline()) {
        stop_ = Stop::BodyStalled;
        co_return std::nullopt;
      }
      const bool total = until >= rq_.exchange->deadline();
      co_return lost(AttemptResult::Timeout,
                     total ? RejectReason::Deadline : RejectReason::TryTimeout);
    }
  }
}

net::Waker::Events RequestHandler::push_body() {
  if (!uploading_) {
    return 0;
  }
  const std::uint64_t before = rq_.upload.received() + rq_.upload.written();
  const Upload::Step step = rq_.upload.pump(session_.client(), *rq_.inbound.stream);
  if (rq_.upload.received() + rq_.upload.written() != before) {
    moved_ = worker_.now();
  }
  switch (step) {
    case Upload::Step::Done:
      uploading_ = false;
      if (!session_.client_ended()) {
        session_.arm_client();
      }
      return 0;
    case Upload::Step::NeedsClient:
      client_slow_ = true;
      session_.arm_client();
      return kClientReadable;
    case Upload::Step::NeedsUpstream:
      rq_.inbound.stream->arm_write();
      return kUpstreamWritable;
    case Upload::Step::UpstreamFailed:
      uploading_ = false;
      upload_broken_ = true;
      return 0;
    case Upload::Step::ClientEnded:
    case Upload::Step::ClientFailed:
      stop_ = Stop::ClientGone;
      return 0;
    case Upload::Step::BadBody:
      stop_ = Stop::BadBody;
      return 0;
    case Upload::Step::TooLarge:
      stop_ = Stop::BodyTooLarge;
      return 0;
  }
  return 0;
}

/// Reads and parses once. Interim = `rq_.response` is a 1xx that is to be passed on.
RequestHandler::HeadStep RequestHandler::read_head(Failure& failed) {
  Inbound& in = rq_.inbound;
  const auto& limits = worker_.shared.config->limits;
  for (;;) {
    if (in.size() > 0) {
      http::ParseFailure wrong;
      const auto status = rq_.response_parser.parse({in.buffer.data() + in.begin, in.size()},
                                                    {limits.response_head, limits.header_count},
                                                    rq_.head.method, rq_.response, wrong);
      if (status == http::ParseStatus::Failed) {
        failed = lost(AttemptResult::BadResponse, wrong.reason);
        return HeadStep::Failed;
      }
      if (status == http::ParseStatus::Complete) {
        if (rq_.response.status >= 200) {
          return HeadStep::Complete;
        }
        if (rq_.response.status != 101) {
          return HeadStep::Interim;
        }
        if (rq_.head.upgrade && rq_.response.upgrade) {
          return HeadStep::Complete;
        }
        failed = lost(AttemptResult::BadResponse, RejectReason::BadResponse);
        return HeadStep::Failed;
      }
    }
    make_room(in);
    const IoResult result =
        in.stream->read(in.buffer.data() + in.filled, in.buffer.capacity() - in.filled);
    if (result.would_block()) {
      return HeadStep::NeedMore;
    }
    if (!result.done()) {
      const bool stale = in.reused && in.filled == 0;
      failed = lost(stale ? AttemptResult::StaleReuse : AttemptResult::Reset, RejectReason::Reset);
      return HeadStep::Failed;
    }
    in.filled += result.bytes;
  }
}

void RequestHandler::make_room(Inbound& in) {
  if (!in.buffer) {
    in.buffer = worker_.buffers.take();
  } else if (in.filled == in.buffer.capacity()) {
    net::Buffer larger = worker_.buffers.take(in.buffer.capacity() * 2);
    std::copy_n(in.buffer.data(), in.filled, larger.data());
    in.buffer = std::move(larger);
  }
}

/// Gives a 1xx to the client. False when the client is gone.
net::Task<bool> RequestHandler::pass_interim() {
  const std::size_t size = rq_.response.size;
  const bool repeated_100 = rq_.response.status == 100 && rq_.continued;
  http::HeadBuffer out{worker_.scratch(), worker_.scratch_size()};
  if (rq_.head.minor > 0 && !repeated_100) {
    http::write_interim(rq_.response, out);
    (rq_.response.status == 100 ? rq_.continued : rq_.interim_sent) = true;
  }
  rq_.inbound.begin += size;
  rq_.response_parser.reset();
  if (++interims_ > kInterimsMax) {
    rq_.inbound.begin = rq_.inbound.filled;
    upload_broken_ = true;
    co_return true;
  }
  if (rq_.inbound.begin == rq_.inbound.filled) {
    rq_.inbound.begin = rq_.inbound.filled = 0;
  }
  MessageWriter writer;
  writer.begin(out.view(), http::BodyKind::None);
  for (;;) {
    const IoResult result = writer.flush(session_.client(), worker_.buffers);
    if (!result.would_block()) {
      co_return result.done();
    }
    session_.client().arm_write();
    const auto events = co_await session_.wait(kClientWritable, rq_.exchange->deadline());
    if ((events & kClientWritable) == 0) {
      co_return false;
    }
  }
}

RequestHandler::Failure RequestHandler::lost(AttemptResult result, RejectReason reason) const {
  const FailureClass kind =
      result == AttemptResult::StaleReuse ? FailureClass::StaleReuse : FailureClass::NoResponse;
  return failure(kind, result, reason, rq_.upload.written() == 0);
}

}  // namespace fusegate::proxy
