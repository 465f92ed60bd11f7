// May another upstream be asked when this one has failed a request?
#include <fusegate/exchange/exchange.hpp>
#include <fusegate/policy/deadline.hpp>

namespace fusegate::exchange {
namespace {

constexpr unsigned kBadGateway = 502;
constexpr unsigned kGatewayTimeout = 504;

bool bearable(DenyReason denial) {
  switch (denial) {
    case DenyReason::Exhausted:
    case DenyReason::Budget:
    case DenyReason::BreakerOpen:
    case DenyReason::Deadline:  // The wait was too long; what is left of the time is asked below.
      return true;
    case DenyReason::NotIdempotent:
    case DenyReason::NotReplayable:
    case DenyReason::ResponseStarted:
    case DenyReason::Coordinated:
    case DenyReason::NotRetryable:
      break;
  }
  return false;
}

}  // namespace

bool Exchange::may_fall_back(const Decision& decision, Instant now) const {
  switch (decision.kind) {
    case Decision::Kind::Reject: {
      const unsigned status = status_of(decision.reason);
      if (status < kBadGateway || status > kGatewayTimeout ||
          decision.reason == RejectReason::Draining) {
        return false;
      }
      break;
    }
    case Decision::Kind::Forward:
    case Decision::Kind::ForwardHeld:
      if (!report_.denied) {
        return false;
      }
      break;
    case Decision::Kind::Attempt:
    case Decision::Kind::Wait:
    case Decision::Kind::Queue:
    case Decision::Kind::Continue:
      return false;
  }
  const bool harmless = !report_.denied || bearable(*report_.denied);
  return harmless && replayable_ && !traits_.coordinated && !is_fallback_ &&
         report_.try_count < Report::kTriesMax && deadline_ - now >= policy::kMinTry;
}

}  // namespace fusegate::exchange
