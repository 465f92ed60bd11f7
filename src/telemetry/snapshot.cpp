#include "telemetry/snapshot.hpp"

namespace fusegate::telemetry {
namespace {

/// Tells instants as wall time by their distance to a moment known on both.
class WallClock {
 public:
  WallClock(Instant now, WallTime wall_now) : now_(now), wall_now_(wall_now) {}

  WallTime at(Instant instant) const {
    return wall_now_ + std::chrono::duration_cast<WallTime::duration>(instant - now_);
  }

 private:
  Instant now_;
  WallTime wall_now_;
};

BreakerSnapshot breaker_of(policy::Breaker& machine, const WallClock& clock, Instant now) {
  const auto window = machine.window(now);
  BreakerSnapshot snapshot{
      .state = machine.state(),
      .reason = std::nullopt,
      .since = clock.at(machine.since()),
      .open_until = std::nullopt,
      .forced = machine.forced(),
      .forced_until = std::nullopt,
      .attempts = window.total,
      .failures = window.failed,
      .slow = window.slow,
      .consecutive_failures = machine.consecutive_failures(),
      .probes_in_flight = machine.probes_in_flight(),
      .admitted_share = machine.admitted_share(now),
  };
  if (machine.state() == BreakerState::Open) {
    snapshot.open_until = clock.at(machine.open_until());
  }
  if (machine.forced() != policy::Forced::No && machine.forced_until() != kNever) {
    snapshot.forced_until = clock.at(machine.forced_until());
  }
  return snapshot;
}

std::optional<EndpointSnapshot::Health> health_of(const exchange::EndpointState& endpoint) {
  if (!endpoint.health) {
    return std::nullopt;
  }
  return EndpointSnapshot::Health{.state = endpoint.health->state(),
                                  .run = endpoint.health->run(),
                                  .problem = endpoint.health_detail};
}

EndpointSnapshot endpoint_of(exchange::EndpointState& endpoint, const WallClock& clock,
                             Instant now) {
  return {
      .name = endpoint.name,
      .slot = endpoint.slot,
      .epoch = endpoint.epoch,
      .in_flight = endpoint.in_flight,
      .ejected = endpoint.ejected,
      .machine = breaker_of(endpoint.ejection, clock, now),
      .health = health_of(endpoint),
  };
}

/// The reasons are in the history only; it may have forgotten old ones.
void add_reasons(const exchange::UpstreamState& state, UpstreamSnapshot& snapshot) {
  for (const exchange::Event& event : state.history()) {
    if (event.endpoint.empty()) {
      snapshot.breaker.reason = event.transition.reason;
      continue;
    }
    for (EndpointSnapshot& endpoint : snapshot.endpoints) {
      if (endpoint.name == event.endpoint) {
        endpoint.machine.reason = event.transition.reason;
      }
    }
  }
}

}  // namespace

std::string_view EndpointSnapshot::state() const {
  if (ejected && machine.state != BreakerState::HalfOpen) {
    return "ejected";
  }
  switch (machine.state) {
    case BreakerState::HalfOpen:
      return "probing";
    case BreakerState::Ramp:
      return "ramping";
    case BreakerState::Closed:
    case BreakerState::Open:  // Would be out, but too many others are already.
    case BreakerState::ForcedOpen:
    case BreakerState::Disabled:
      return "healthy";
  }
  return "healthy";
}

UpstreamSnapshot snapshot(exchange::UpstreamState& state, Instant now, WallTime wall_now) {
  state.tick(now);
  const WallClock clock(now, wall_now);
  const config::UpstreamConfig& settings = state.settings();
  UpstreamSnapshot snapshot{
      .name = settings.name,
      .breaker = breaker_of(state.breaker(), clock, now),
      .probes = state.breaker().probes(),
      .mode = settings.breaker.mode,
      .would_have_refused = state.breaker().would_have_refused(),
      .budget_available = state.budget().available(now),
      .budget_capacity = state.budget().capacity(now),
      .concurrency_limit = state.limiter().limit(),
      .attempts_in_flight = state.attempts_in_flight(),
      .queued = state.limiter().waiting(),
      .queue_limit = settings.concurrency.queue.length,
      .endpoint_counts = state.endpoint_counts(),
      .counters = state.counters(now),
      .endpoints = {},
  };
  for (const auto& endpoint : state.endpoints()) {
    if (!endpoint->retired) {
      snapshot.endpoints.push_back(endpoint_of(*endpoint, clock, now));
    }
  }
  add_reasons(state, snapshot);
  return snapshot;
}

std::vector<EventSnapshot> events(const exchange::UpstreamState& state, Instant now,
                                  WallTime wall_now) {
  const WallClock clock(now, wall_now);
  std::vector<EventSnapshot> events;
  for (const exchange::Event& event : state.history()) {
    const policy::Transition& move = event.transition;
    events.push_back({state.settings().name, event.endpoint, move.from, move.to, move.reason,
                      clock.at(move.at)});
  }
  return events;
}

}  // namespace fusegate::telemetry
