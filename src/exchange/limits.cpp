// How many attempts an upstream and its endpoints may have in flight.
#include <fusegate/exchange/upstream_state.hpp>

#include <algorithm>

namespace fusegate::exchange {
namespace {

/// So long after its last failure, an ejected endpoint is asked before its time by a request that
/// would be refused otherwise. Chosen: the request has nothing to lose, and one a second is no
/// load.
constexpr Duration kAskEarlyEvery = std::chrono::seconds{1};

}  // namespace

std::uint32_t UpstreamState::limit_of(const EndpointState& endpoint) const {
  return settings_.concurrency.adaptive ? endpoint.limit.limit()
                                        : settings_.connections.max_per_endpoint;
}

void UpstreamState::update_limit(Instant now) {
  const std::uint32_t configured = settings_.concurrency.max_in_flight;
  if (endpoints_.empty()) {
    // Requests shall learn that there is no endpoint, not wait for a slot.
    limiter_.set_limit(configured);
    return;
  }
  std::uint64_t places = 0;
  for (const auto& endpoint : endpoints_) {
    // What an endpoint still has above its limit is not taken from the others' places, and an
    // ejected one takes nothing new but a probe that is due.
    const bool in_rotation = !settings_.concurrency.adaptive || !endpoint->ejected;
    const std::uint32_t probes = wants_probe(*endpoint, now) ? 1 : 0;
    const std::uint32_t takes = in_rotation ? limit_of(*endpoint) : endpoint->in_flight + probes;
    places += std::max(endpoint->in_flight, std::min(takes, limit_of(*endpoint)));
  }
  limiter_.set_limit(static_cast<std::uint32_t>(std::min<std::uint64_t>(configured, places)));
}

/// No endpoint in rotation has room. One that is out, and has not been asked lately, is asked now.
bool UpstreamState::ask_early(Instant now) {
  for (const auto& endpoint : endpoints_) {
    if (endpoint->ejected && endpoint->ejection.state() == BreakerState::Open &&
        now - endpoint->ejection.since() >= kAskEarlyEvery) {
      endpoint->ejection.hasten(now);
      return true;
    }
  }
  return false;
}

policy::Limiter::Grant UpstreamState::acquire(policy::Limiter::Waiter waiter, Instant now) {
  if (settings_.concurrency.adaptive && limiter_.in_flight() >= limiter_.limit()) {
    for (const auto& endpoint : endpoints_) {
      if (!endpoint->ejected && endpoint->in_flight * 4 >= endpoint->limit.limit() * 3) {
        endpoint->limit.on_full(now);
      }
    }
    ask_early(now);
    update_limit(now);
  }
  return limiter_.acquire(waiter, now);
}

void UpstreamState::enter(EndpointState& endpoint, Instant now) {
  ++endpoint.in_flight;
  if (settings_.concurrency.adaptive) {
    endpoint.limit.on_start(endpoint.in_flight, now);
  }
}

void UpstreamState::depart(EndpointState& endpoint, Instant now) {
  --endpoint.in_flight;
  if (settings_.concurrency.adaptive &&
      (endpoint.ejected || endpoint.in_flight >= endpoint.limit.limit())) {
    update_limit(now);
  }
}

void UpstreamState::on_answer(EndpointState& endpoint, Duration latency, Instant now) {
  if (settings_.concurrency.adaptive) {
    const std::uint32_t before = endpoint.limit.limit();
    endpoint.limit.on_answer(latency, now);
    follow_limit(endpoint, before, now);
  }
}

void UpstreamState::on_drop(EndpointState& endpoint, Duration age, Instant now) {
  if (settings_.concurrency.adaptive) {
    const std::uint32_t before = endpoint.limit.limit();
    endpoint.limit.on_drop(age, now);
    follow_limit(endpoint, before, now);
  }
}

/// The sum is made anew only when it has changed: this runs once for each answer.
void UpstreamState::follow_limit(const EndpointState& endpoint, std::uint32_t before, Instant now) {
  if (endpoint.limit.limit() != before) {
    update_limit(now);
  }
}

}  // namespace fusegate::exchange
