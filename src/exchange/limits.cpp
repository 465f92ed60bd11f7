// How many attempts an upstream and its endpoints may have in flight.
#include <fusegate/exchange/upstream_state.hpp>

#include <algorithm>

namespace fusegate::exchange {

std::uint32_t UpstreamState::limit_of(const EndpointState& endpoint) const {
  return settings_.concurrency.adaptive ? endpoint.limit.limit()
                                        : settings_.connections.max_per_endpoint;
}

void UpstreamState::update_limit() {
  const std::uint32_t configured = settings_.concurrency.max_in_flight;
  if (endpoints_.empty()) {
    // Requests shall learn that there is no endpoint, not wait for a slot.
    limiter_.set_limit(configured);
    return;
  }
  std::uint64_t places = 0;
  for (const auto& endpoint : endpoints_) {
    // An ejected one takes probes only; but while it finishes what it has, that counts.
    const bool in_rotation = !settings_.concurrency.adaptive || !endpoint->ejected;
    places +=
        in_rotation ? limit_of(*endpoint) : std::min(endpoint->in_flight + 1, limit_of(*endpoint));
  }
  limiter_.set_limit(static_cast<std::uint32_t>(std::min<std::uint64_t>(configured, places)));
}

policy::Limiter::Grant UpstreamState::acquire(policy::Limiter::Waiter waiter, Instant now) {
  if (settings_.concurrency.adaptive && limiter_.in_flight() >= limiter_.limit()) {
    for (const auto& endpoint : endpoints_) {
      if (!endpoint->ejected && endpoint->in_flight * 4 >= endpoint->limit.limit() * 3) {
        endpoint->limit.on_full(now);
      }
    }
    update_limit();
  }
  return limiter_.acquire(waiter, now);
}

void UpstreamState::enter(EndpointState& endpoint, Instant now) {
  ++endpoint.in_flight;
  if (settings_.concurrency.adaptive) {
    endpoint.limit.on_start(endpoint.in_flight, now);
  }
}

void UpstreamState::on_answer(EndpointState& endpoint, Duration latency, Instant now) {
  if (settings_.concurrency.adaptive) {
    const std::uint32_t before = endpoint.limit.limit();
    endpoint.limit.on_answer(latency, now);
    follow_limit(endpoint, before);
  }
}

void UpstreamState::on_drop(EndpointState& endpoint, Duration age, Instant now) {
  if (settings_.concurrency.adaptive) {
    const std::uint32_t before = endpoint.limit.limit();
    endpoint.limit.on_drop(age, now);
    follow_limit(endpoint, before);
  }
}

/// The sum is made anew only when it has changed: this runs once for each answer.
void UpstreamState::follow_limit(const EndpointState& endpoint, std::uint32_t before) {
  if (endpoint.limit.limit() != before) {
    update_limit();
  }
}

}  // namespace fusegate::exchange
