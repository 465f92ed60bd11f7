#include "net/clock.hpp"
#include "proxy/locked.hpp"
#include "proxy/request_handler.hpp"

/// The operator's answer to a failed upstream: a reply of their own, or another upstream.
namespace fusegate::proxy {

using Kind = exchange::Decision::Kind;

/// Changes `next` to what the operator wants instead.
void RequestHandler::fall_back(Decision& next) {
  const config::Fallback::Kind kind = rq_.route->policy.fallback.kind;
  if (kind == config::Fallback::Kind::Off) {
    return;
  }
  const bool on_fallback = rq_.fallback.has_value();
  if (on_fallback && next.kind == Kind::Reject && rq_.held.buffer) {
    // What the first upstream said is worth more than that the other one failed, too.
    rq_.report.denied = first_denial_;
    next = {.kind = Kind::ForwardHeld};
    return;
  }
  const bool forwards = next.kind == Kind::Forward || next.kind == Kind::ForwardHeld;
  if (kind == config::Fallback::Kind::Reply && forwards && rq_.report.denied) {
    next = {.kind = Kind::Reject, .reason = RejectReason::BadResponse};
  } else if (kind == config::Fallback::Kind::Upstream && !on_fallback && !rq_.interim_sent &&
             rq_.upload.replayable() && rq_.exchange->may_fall_back(next, worker_.now())) {
    next = ask_other_upstream(next);
  }
}

RequestHandler::Decision RequestHandler::ask_other_upstream(const Decision& decision) {
  if (decision.kind == Kind::Forward) {
    hold_response();
  }
  const Instant now = worker_.now();
  leave_upstream(Ending::Rejected, now);
  const config::RequestPolicy& policy = rq_.route->policy;
  rq_.first_upstream = rq_.upstream;
  rq_.upstream = worker_.shared.upstreams[policy.fallback.upstream].get();
  rq_.report.upstream = policy.fallback.upstream;
  first_denial_ = std::exchange(rq_.report.denied, std::nullopt);
  choose_target();
  return locked([&](exchange::UpstreamState& state) {
    rq_.exchange =
        &rq_.fallback.emplace(policy, state, rq_.traits, rq_.report, rq_.report.started, true);
    return rq_.exchange->begin(&session_, now);
  });
}

void RequestHandler::leave_upstream(Ending ending, Instant now) {
  locked([&](exchange::UpstreamState&) {
    if (const auto heir = rq_.exchange->leave(ending, now)) {
      Session::grant_slot(heir);
    }
    return 0;
  });
}

/// Is this refusal answered with the operator's reply?
bool RequestHandler::replies_instead(RejectReason reason) const {
  const unsigned status = status_of(reason);
  return rq_.exchange != nullptr &&
         rq_.route->policy.fallback.kind == config::Fallback::Kind::Reply && status >= 502 &&
         status <= 504 && reason != RejectReason::Draining;
}

void RequestHandler::end_first(Instant now) {
  if (rq_.first_upstream != nullptr) {
    rq_.first_upstream->with([&](exchange::UpstreamState&) {
      // It has left already; only the pins of its endpoints are still held.
      (void)rq_.first->end(Ending::Rejected, now);
      return 0;
    });
  }
}

}  // namespace fusegate::proxy
