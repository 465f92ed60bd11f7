#pragma once

#include <fusegate/exchange/exchange.hpp>
#include <fusegate/policy/deadline.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// An upstream and requests against it, without any wire: for tests of the decisions.
namespace fusegate::test {

using namespace std::chrono_literals;
using exchange::Decision;
using exchange::Exchange;
using Ending = exchange::Exchange::Ending;
using Kind = exchange::Decision::Kind;

/// A point of the tests' time line. It does not begin at zero, like that of a machine.
inline Instant at(Duration since_start) { return Instant{1000s} + since_start; }

struct Rig {
  config::UpstreamConfig upstream;
  config::RequestPolicy policy;
  exchange::RequestTraits traits{.repeatable = true};
  std::unique_ptr<exchange::UpstreamState> state;

  /// Waits without jitter, so that a table can name the moment.
  Rig() {
    policy.retry.backoff.jitter = policy::Jitter::None;
    policy.retry.adaptive = false;
    upstream.breaker.open.jitter = policy::Jitter::None;
  }

  exchange::UpstreamState& start(const std::vector<std::string>& endpoints,
                                 std::uint64_t seed = 1) {
    state = std::make_unique<exchange::UpstreamState>(upstream, seed, at(0s));
    state->set_endpoints(endpoints, at(0s));
    return *state;
  }
};

/// One request; ends itself when the test did not.
struct Call {
  exchange::Report report;
  Exchange exchange;
  bool ended = false;
  Instant last;

  Call(Rig& rig, Instant now)
      : exchange(rig.policy, *rig.state, rig.traits, report, now), last(now) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() {
    if (!ended) {
      (void)end(Ending::Rejected, last);
    }
  }

  Decision begin(Instant now) { return exchange.begin(this, now); }
  policy::Limiter::Waiter end(Ending ending, Instant now) {
    ended = true;
    return exchange.end(ending, now);
  }
  Decision status(unsigned code, Instant now) {
    last = now;
    return exchange.on_response({.status = static_cast<std::uint16_t>(code)}, now);
  }
  Decision response(const exchange::ResponseFacts& facts, Instant now) {
    last = now;
    return exchange.on_response(facts, now);
  }
  Decision failure(const exchange::FailureFacts& facts, Instant now) {
    last = now;
    return exchange.on_failure(facts, now);
  }
  Decision wake(Instant now) {
    last = now;
    return exchange.on_wakeup(now);
  }
};

inline exchange::FailureFacts refused() {
  return {.failure = FailureClass::NeverSent,
          .result = AttemptResult::ConnectFailed,
          .reason = RejectReason::ConnectFailed,
          .nothing_written = true};
}
inline exchange::FailureFacts reset() {
  return {.failure = FailureClass::NoResponse,
          .result = AttemptResult::Reset,
          .reason = RejectReason::Reset};
}
inline exchange::FailureFacts try_timeout() {
  return {.failure = FailureClass::NoResponse,
          .result = AttemptResult::Timeout,
          .reason = RejectReason::TryTimeout};
}
inline exchange::FailureFacts stale() {
  return {.failure = FailureClass::StaleReuse,
          .result = AttemptResult::StaleReuse,
          .reason = RejectReason::Reset};
}

/// One whole request at `now` that its first attempt ends with `code`; denies retries by ending.
inline void settle_one(Rig& rig, unsigned code, Instant now) {
  Call call{rig, now};
  if (call.begin(now).kind == Kind::Attempt) {
    (void)call.status(code, now);
  }
  (void)call.end(Ending::Delivered, now);
}

inline exchange::EndpointState& named(exchange::UpstreamState& state, std::string_view name) {
  for (const auto& endpoint : state.endpoints()) {
    if (endpoint->name == name) {
      return *endpoint;
    }
  }
  throw std::logic_error("no such endpoint in this test");
}

/// Settles `count` verdicts with one endpoint, as attempts at it would.
inline void judge(exchange::UpstreamState& state, exchange::EndpointState& endpoint,
                  policy::Verdict verdict, int count, Instant now) {
  for (int i = 0; i < count; ++i) {
    const auto permit = state.readmit(endpoint, true, 1s, now);
    state.settle(endpoint, permit, std::nullopt, verdict, 1ms, std::nullopt, now);
  }
}

}  // namespace fusegate::test
