#include "telemetry/collect.hpp"

#include <array>

namespace fusegate::telemetry {
namespace {

double unix_seconds(WallTime at) {
  return static_cast<double>(at.time_since_epoch().count()) / 1e3;
}

template <class Value>
void collect_each(const Scrape& scrape, Families& out, std::string_view name, Value value) {
  out.start(name);
  for (const UpstreamSnapshot& upstream : scrape.input.upstreams) {
    out.value({{"upstream", upstream.name}}, static_cast<double>(value(upstream)));
  }
}

template <class Value>
void collect_states(const Scrape& scrape, Families& out, std::string_view name, Value value) {
  out.start(name);
  for (const UpstreamSnapshot& upstream : scrape.input.upstreams) {
    for (std::size_t i = 0; i < kBreakerStates; ++i) {
      out.value({{"upstream", upstream.name}, {"state", word(static_cast<BreakerState>(i))}},
                value(upstream, i));
    }
  }
}

void collect_modes(const Scrape& scrape, Families& out) {
  out.start("fusegate_breaker_info");
  for (const UpstreamSnapshot& upstream : scrape.input.upstreams) {
    out.value({{"upstream", upstream.name}, {"mode", word(upstream.mode)}}, 1);
  }
}

/// The moves a breaker can make, so that their series exist before the first one happens; of all
/// combinations only one in sixteen is possible.
bool is_possible(policy::BreakerMode mode, BreakerState from, BreakerState to,
                 TransitionReason reason) {
  using enum BreakerState;
  if (mode == policy::BreakerMode::Shed && from == Closed &&
      reason == TransitionReason::FailureRate) {
    return to == Ramp;
  }
  const bool forced = from == ForcedOpen || from == Disabled;
  switch (reason) {
    case TransitionReason::ConsecutiveFailures:
    case TransitionReason::FailureRate:
    case TransitionReason::SlowRate:
      return from == Closed && to == Open;
    case TransitionReason::RetryAfter:
      return (from == Closed || from == HalfOpen) && to == Open;
    case TransitionReason::WaitElapsed:
      return from == Open && to == HalfOpen;
    case TransitionReason::ProbesOk:
      return from == HalfOpen && (to == Ramp || to == Closed);
    case TransitionReason::ProbeFailed:
    case TransitionReason::ProbeLost:
      return from == HalfOpen && to == Open;
    case TransitionReason::RampFailed:
      return from == Ramp && to == Open;
    case TransitionReason::RampDone:
      return from == Ramp && to == Closed;
    case TransitionReason::Operator:
      return from != to && (to == ForcedOpen || to == Disabled || (forced && to == Closed));
    case TransitionReason::HealthCheck:
      return false;  // Checks move endpoints only.
  }
  return false;
}

void collect_transitions(const Scrape& scrape, Families& out) {
  out.start("fusegate_breaker_transitions_total");
  constexpr std::size_t kAll = kBreakerStates * kBreakerStates * kTransitionReasons;
  for (const UpstreamSnapshot& upstream : scrape.input.upstreams) {
    for (std::size_t i = 0; i < kAll; ++i) {
      const std::size_t from = i / kTransitionReasons / kBreakerStates;
      const std::size_t to = i / kTransitionReasons % kBreakerStates;
      const std::size_t reason = i % kTransitionReasons;
      const std::uint64_t count = upstream.counters.transitions[from][to][reason];
      const auto from_state = static_cast<BreakerState>(from);
      const auto to_state = static_cast<BreakerState>(to);
      const auto why = static_cast<TransitionReason>(reason);
      if (count == 0 && !is_possible(upstream.mode, from_state, to_state, why)) {
        continue;
      }
      out.value({{"upstream", upstream.name},
                 {"from", word(from_state)},
                 {"to", word(to_state)},
                 {"reason", word(why)}},
                static_cast<double>(count));
    }
  }
}

void collect_probes(const Scrape& scrape, Families& out) {
  out.start("fusegate_breaker_probes_total");
  for (const UpstreamSnapshot& upstream : scrape.input.upstreams) {
    const auto probe = [&](std::string_view result, std::uint64_t count) {
      out.value({{"upstream", upstream.name}, {"result", result}}, static_cast<double>(count));
    };
    probe("ok", upstream.probes.ok);
    probe("failed", upstream.probes.failed);
    probe("lost", upstream.probes.lost);
  }
}

bool may_eject(TransitionReason reason) {
  constexpr auto kOpens = policy::BreakerMode::Open;  // The mode of every endpoint's machine.
  using enum BreakerState;
  return reason == TransitionReason::HealthCheck || is_possible(kOpens, Closed, Open, reason) ||
         is_possible(kOpens, HalfOpen, Open, reason) || is_possible(kOpens, Ramp, Open, reason);
}

void collect_ejections(const Scrape& scrape, Families& out) {
  out.start("fusegate_endpoint_ejections_total");
  for (const UpstreamSnapshot& upstream : scrape.input.upstreams) {
    for (std::size_t i = 0; i < kTransitionReasons; ++i) {
      const auto reason = static_cast<TransitionReason>(i);
      const std::uint64_t count = upstream.counters.ejections[i];
      if (count != 0 || may_eject(reason)) {
        out.value({{"upstream", upstream.name}, {"reason", word(reason)}},
                  static_cast<double>(count));
      }
    }
  }
}

void collect_endpoint_states(const Scrape& scrape, Families& out) {
  out.start("fusegate_endpoints");
  for (const UpstreamSnapshot& upstream : scrape.input.upstreams) {
    const auto state = [&](std::string_view name, std::uint32_t count) {
      out.value({{"upstream", upstream.name}, {"state", name}}, count);
    };
    state("healthy", upstream.endpoint_counts.healthy);
    state("ejected", upstream.endpoint_counts.ejected);
    state("probing", upstream.endpoint_counts.probing);
    state("ramping", upstream.endpoint_counts.ramping);
  }
}

}  // namespace

void collect_breakers(const Scrape& scrape, Families& out) {
  using Upstream = UpstreamSnapshot;
  collect_states(scrape, out, "fusegate_breaker_state", [](const Upstream& u, std::size_t state) {
    return static_cast<std::size_t>(u.breaker.state) == state ? 1.0 : 0.0;
  });
  collect_states(scrape, out, "fusegate_breaker_state_seconds_total",
                 [](const Upstream& u, std::size_t state) {
                   return static_cast<double>(u.counters.time_in_state[state].count()) / 1e9;
                 });
  collect_transitions(scrape, out);
  collect_each(scrape, out, "fusegate_breaker_failure_ratio",
               [](const Upstream& u) { return u.breaker.failure_ratio(); });
  collect_each(scrape, out, "fusegate_breaker_window_attempts",
               [](const Upstream& u) { return u.breaker.attempts; });
  collect_each(scrape, out, "fusegate_breaker_open_until_timestamp_seconds", [](const Upstream& u) {
    return u.breaker.open_until ? unix_seconds(*u.breaker.open_until) : 0.0;
  });
  collect_probes(scrape, out);
  collect_modes(scrape, out);
  collect_each(scrape, out, "fusegate_breaker_shadow_refusals_total",
               [](const Upstream& u) { return u.would_have_refused; });
  collect_endpoint_states(scrape, out);
  collect_ejections(scrape, out);
  collect_each(scrape, out, "fusegate_retry_budget_available",
               [](const Upstream& u) { return u.budget_available; });
  collect_each(scrape, out, "fusegate_retry_budget_capacity",
               [](const Upstream& u) { return u.budget_capacity; });
  collect_each(scrape, out, "fusegate_concurrency_limit",
               [](const Upstream& u) { return u.concurrency_limit; });
  collect_each(scrape, out, "fusegate_attempts_in_flight",
               [](const Upstream& u) { return u.attempts_in_flight; });
  collect_each(scrape, out, "fusegate_queue_length", [](const Upstream& u) { return u.queued; });
}

}  // namespace fusegate::telemetry
