#include "http/framing.hpp"
#include "http/head_writer.hpp"
#include "net/tls_session.hpp"
#include "proxy/locked.hpp"
#include "proxy/request_handler.hpp"

#include <algorithm>

/// Sending a request while waiting for the head of its response.
namespace fusegate::proxy {

using net::IoResult;

/// Sends the request and waits for the head of the response, both at once: an upstream may answer
/// before it has read everything.
net::Task<RequestHandler::Failure> RequestHandler::exchange_heads(Instant until, bool resumed) {
  const Duration allowance = until - worker_.now();
  net::Waker::Events happened = kUpstreamReadable;
  if (!resumed) {
    begin_sending(until);
    happened = 0;
  }
  for (;;) {
    const auto body_events = send_body(allowance, until);
    if (stop_ != Stop::No) {
      co_return std::nullopt;
    }
    if ((happened & kUpstreamReadable) != 0 || upload_broken_) {
      Failure failed;
      HeadStep step = read_head(failed);
      if (step == HeadStep::Interim) {
        step = co_await pass_interims(failed);
      }
      if (is_over(step, failed)) {
        co_return failed;
      }
    }
    const bool for_client = uploading_ && (body_events & kClientReadable) != 0;
    const Instant deadline = head_deadline(for_client, until);
    const Instant hedge_at = uploading_ ? kNever : hedge_at_;
    rq_.inbound.stream->arm_read();
    happened = co_await session_.wait(body_events | kUpstreamReadable | kClientReadable,
                                      std::min(deadline, hedge_at));
    if (client_left(happened)) {
      stop_ = Stop::ClientGone;
    } else if (happened == kTimer && deadline <= hedge_at) {
      co_return out_of_time(for_client, until);
    } else if (happened == kTimer && start_hedge()) {
      co_return co_await race(until);
    }
  }
}

void RequestHandler::begin_sending(Instant until) {
  rq_.response_parser.reset();
  rq_.inbound.begin = rq_.inbound.filled = 0;
  moved_ = worker_.now();
  write_head(until);
}

/// Moves the body. While the client was slow with it, the attempt had no time of its own to lose.
net::Waker::Events RequestHandler::send_body(Duration allowance, Instant& until) {
  const bool was_uploading = uploading_;
  const auto events = push_body();
  if (was_uploading && !uploading_ && client_slow_) {
    until = std::min(rq_.exchange->deadline(), worker_.now() + allowance);
  }
  return events;
}

/// Has the attempt its end? What breaks the upload without an answer is one.
bool RequestHandler::is_over(HeadStep step, Failure& failed) const {
  if (step == HeadStep::NeedMore && upload_broken_) {
    failed = lost(AttemptResult::Reset, RejectReason::Reset);
    return true;
  }
  return step != HeadStep::NeedMore;
}

Instant RequestHandler::head_deadline(bool for_client, Instant until) const {
  const Duration patience = worker_.shared.config->limits.body_timeout;
  return for_client ? std::min(rq_.exchange->deadline(), moved_ + patience) : until;
}

bool RequestHandler::client_left(net::Waker::Events happened) {
  if (uploading_ || (happened & kClientReadable) == 0) {
    return false;
  }
  const bool alive = session_.client_alive();
  if (alive && has_ended()) {
    locked([&](exchange::UpstreamState&) {
      rq_.exchange->on_client_ended(worker_.now());
      return true;
    });
  }
  return !alive;
}

/// Gives interim responses to the client until something else is there.
net::Task<RequestHandler::HeadStep> RequestHandler::pass_interims(Failure& failed) {
  HeadStep step = HeadStep::Interim;
  while (step == HeadStep::Interim) {
    if (++interims_ > kInterimsMax) {
      failed = lost(AttemptResult::BadResponse, RejectReason::BadResponse);
      co_return HeadStep::Failed;
    }
    const bool passed = co_await pass_interim();
    if (!passed) {
      stop_ = Stop::ClientGone;
      co_return HeadStep::Failed;
    }
    step = read_head(failed);
  }
  co_return step;
}

/// The time of this attempt, of the request or of the client's body has run out. A client whose
/// body is waited for has used the time up itself: that is no failure of the upstream's.
RequestHandler::Failure RequestHandler::out_of_time(bool for_client, Instant until) {
  if (for_client) {
    stop_ = Stop::BodyStalled;
    return std::nullopt;
  }
  const Instant total = rq_.exchange->deadline();
  const auto reason = until >= total ? RejectReason::Deadline : RejectReason::TryTimeout;
  return lost(AttemptResult::Timeout, reason);
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

/// Looks at what has arrived. NeedMore = no whole head yet.
RequestHandler::HeadStep RequestHandler::judge_head(Failure& failed) {
  Inbound& in = rq_.inbound;
  const auto& limits = worker_.shared.config->limits;
  const http::HeadLimits bounds{limits.response_head, limits.header_count};
  http::ParseFailure wrong;
  const auto status = rq_.response_parser.parse({in.buffer.data() + in.begin, in.size()}, bounds,
                                                rq_.head.method, rq_.response, wrong);
  if (status == http::ParseStatus::NeedMore) {
    return HeadStep::NeedMore;
  }
  if (status == http::ParseStatus::Failed) {
    failed = lost(AttemptResult::BadResponse, wrong.reason);
    return HeadStep::Failed;
  }
  const bool offered = rq_.head.upgrade && http::takes_up_offer(rq_.head, rq_.response);
  if (rq_.response.status >= 200 || (rq_.response.status == 101 && offered)) {
    return HeadStep::Complete;
  }
  if (rq_.response.status != 101) {
    return HeadStep::Interim;
  }
  failed = lost(AttemptResult::BadResponse, RejectReason::BadResponse);
  return HeadStep::Failed;
}

/// Reads until there is a head. Interim = `rq_.response` is a 1xx that is to be passed on.
RequestHandler::HeadStep RequestHandler::read_head(Failure& failed) {
  Inbound& in = rq_.inbound;
  for (;;) {
    const HeadStep step = in.size() > 0 ? judge_head(failed) : HeadStep::NeedMore;
    if (step != HeadStep::NeedMore) {
      return step;
    }
    make_room(in);
    const IoResult result =
        in.stream->read(in.buffer.data() + in.filled, in.buffer.capacity() - in.filled);
    if (result.would_block()) {
      return HeadStep::NeedMore;
    }
    if (result.is_tls_error() && in.filled == 0 && in.stream->tls()->certificate_refused()) {
      failed = certificate_refused();
      return HeadStep::Failed;
    }
    if (!result.done()) {
      const bool stale = in.reused && !in.heard;
      failed = lost(stale ? AttemptResult::StaleReuse : AttemptResult::Reset, RejectReason::Reset);
      return HeadStep::Failed;
    }
    in.filled += result.bytes;
    in.heard = true;
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

}  // namespace fusegate::proxy
