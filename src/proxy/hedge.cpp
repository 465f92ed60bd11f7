#include "net/clock.hpp"
#include "proxy/locked.hpp"
#include "proxy/request_handler.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

/// Two attempts at once. `rq_.inbound` is always the one that the exchange calls the current one.
namespace fusegate::proxy {

bool RequestHandler::is_hedged(const config::Hedge& hedge) const {
  return hedge.enabled && rq_.traits.repeatable && !rq_.traits.coordinated &&
         rq_.head.body == http::BodyKind::None && !rq_.head.upgrade &&
         std::ranges::find(hedge.methods, rq_.head.method) != hedge.methods.end();
}

/// Begins a second attempt when the policies allow one; it becomes the current one, and its
/// connection may still be on its way.
bool RequestHandler::start_hedge() {
  const Instant now = worker_.now();
  hedge_at_ = kNever;  // It is asked once.
  if (rq_.inbound.filled > 0) {
    return false;
  }
  const auto decision =
      locked([&](exchange::UpstreamState&) { return rq_.exchange->on_hedge_due(now); });
  if (!decision) {
    return false;
  }
  other_until_ = decision->until;
  switch_lanes();
  rq_.response_parser.reset();
  rq_.inbound = Inbound{};
  rq_.inbound.endpoint = decision->endpoint;
  if (!reuse(*decision)) {
    int error = 0;
    upstream::Pool& pool = *worker_.pools[rq_.report.upstream];
    if (net::StreamPtr stream = pool.connect(*decision->endpoint, error)) {
      attach(std::move(stream), false);
      hedge_connecting_ = true;
    }
    connected_by_ = std::min(other_until_, after(now, rq_.upstream->settings().connect_timeout));
  }
  return true;
}

void RequestHandler::switch_lanes() {
  std::swap(rq_.inbound, rq_.other);
  std::swap(rq_.response_parser, rq_.other_parser);
}

void RequestHandler::switch_attempts() {
  switch_lanes();
  rq_.exchange->switch_attempt();
}

/// The current attempt is over and the other goes on.
void RequestHandler::keep_other_lane() {
  drop(rq_.inbound);
  switch_lanes();
  session_.clear(kOtherReadable | kOtherWritable);
}

/// Sends the request on the current lane, all at once: it has no body.
std::optional<RequestHandler::Failure> RequestHandler::send_hedge() {
  write_head(other_until_);
  const Upload::Step step = rq_.upload.pump(session_.client(), *rq_.inbound.stream);
  uploading_ = false;
  if (step == Upload::Step::Done) {
    return std::nullopt;
  }
  const bool stale = rq_.inbound.reused;
  return lost(stale ? AttemptResult::StaleReuse : AttemptResult::Reset, RejectReason::Reset);
}

/// A failure or a whole head (an empty failure) on the current lane, or nothing yet.
std::optional<RequestHandler::Failure> RequestHandler::look_at_lane() {
  for (;;) {
    Failure failed;
    switch (read_head(failed)) {
      case HeadStep::NeedMore:
        return std::nullopt;
      case HeadStep::Complete:
      case HeadStep::Failed:
        return failed;
      case HeadStep::Interim:
        // Whose it is will only be known at the end, so while two run nobody's is passed on.
        rq_.inbound.begin += rq_.response.size;
        rq_.response_parser.reset();
        if (++interims_ > kInterimsMax) {
          return lost(AttemptResult::BadResponse, RejectReason::BadResponse);
        }
    }
  }
}

Instant RequestHandler::current_start() const {
  return rq_.report.tries[rq_.report.try_count - 1U].started;
}

net::IoResult RequestHandler::look_at_connection(net::Waker::Events happened) {
  net::IoResult reached{net::IoResult::Kind::WouldBlock};
  if ((happened & kUpstreamWritable) != 0) {
    reached = rq_.inbound.stream->connected();
  }
  if (reached.would_block() && worker_.now() >= connected_by_) {
    reached = {net::IoResult::Kind::Failed, 0, ETIMEDOUT};
  }
  return reached;
}

/// What has become of the hedge, the current lane: a failure, a whole head, or nothing yet.
std::optional<RequestHandler::Failure> RequestHandler::look_at_hedge(net::Waker::Events happened) {
  if (hedge_connecting_) {
    const net::IoResult reached = look_at_connection(happened);
    if (reached.would_block()) {
      return std::nullopt;
    }
    hedge_connecting_ = false;
    if (auto failed = connected(reached, current_start())) {
      return failed;
    }
    return send_hedge();
  }
  if ((happened & kUpstreamReadable) != 0) {
    if (auto outcome = look_at_lane()) {
      return outcome;
    }
  }
  // Never `?:` here: std::optional{} of a Failure copies it, and an empty one is a whole head.
  if (worker_.now() < other_until_) {
    return std::nullopt;
  }
  return out_of_time(false, other_until_);
}

/// The same of the attempt that is late, the other lane. It stays the current one when that is so.
std::optional<RequestHandler::Failure> RequestHandler::look_at_first(net::Waker::Events happened,
                                                                     Instant until) {
  const bool late = worker_.now() >= until;
  if ((happened & kOtherReadable) == 0 && !late) {
    return std::nullopt;
  }
  switch_attempts();
  std::optional<Failure> outcome;
  if ((happened & kOtherReadable) != 0) {
    outcome = look_at_lane();
  }
  if (!outcome && late) {
    outcome = out_of_time(false, until);
  }
  if (!outcome) {
    switch_attempts();
  }
  return outcome;
}

/// Waits for the head of either response. At its end the lane that has one, or has failed, is the
/// current one; `other_until_` is the time of the other.
net::Task<RequestHandler::Failure> RequestHandler::race(Instant until) {
  std::optional<Failure> outcome;
  if (!rq_.inbound.stream) {
    const net::IoResult refused{net::IoResult::Kind::Failed, 0, ECONNREFUSED};
    outcome = connected(refused, current_start());
  } else if (rq_.inbound.reused) {
    outcome = send_hedge();
  }
  while (!outcome) {
    if (hedge_connecting_) {
      rq_.inbound.stream->arm_write();
    } else {
      rq_.inbound.stream->arm_read();
    }
    rq_.other.stream->arm_read();
    const Instant hedge_until = hedge_connecting_ ? connected_by_ : other_until_;
    const auto happened = co_await session_.wait(
        kUpstreamReadable | kUpstreamWritable | kOtherReadable | kClientReadable,
        std::min(hedge_until, until));
    if (!session_.client().is_open() || client_left(happened)) {
      stop_ = Stop::ClientGone;
      co_return std::nullopt;
    }
    if (auto first = look_at_first(happened, until)) {
      co_return *first;
    }
    outcome = look_at_hedge(happened);
  }
  other_until_ = until;
  co_return *outcome;
}

/// The rest of the way to the hedge's endpoint, when the other attempt has failed meanwhile.
net::Task<RequestHandler::Failure> RequestHandler::finish_connecting() {
  hedge_connecting_ = false;
  const net::IoResult result = co_await reach(connected_by_);
  co_return connected(result, current_start());
}

}  // namespace fusegate::proxy
