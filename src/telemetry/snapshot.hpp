#pragma once

#include <fusegate/exchange/upstream_state.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fusegate::telemetry {

/// One breaker or ejection machine, as a value that may leave the upstream's lock.
struct BreakerSnapshot {
  BreakerState state{};
  std::optional<TransitionReason> reason;  ///< Of the last transition; empty = never moved.
  WallTime since{};                        ///< When it entered the state.
  std::optional<WallTime> open_until;      ///< Only when open.
  policy::Forced forced = policy::Forced::No;
  std::optional<WallTime> forced_until;  ///< When the operator's word ends, if it does by itself.
  std::uint64_t attempts = 0;            ///< In the window.
  std::uint64_t failures = 0;
  std::uint64_t slow = 0;
  std::uint32_t consecutive_failures = 0;
  std::uint32_t probes_in_flight = 0;
  double admitted_share = 1;  ///< Of the calls, 0 to 1.
  double failure_ratio() const {
    return attempts == 0 ? 0.0 : static_cast<double>(failures) / static_cast<double>(attempts);
  }
};

struct EndpointSnapshot {
  std::string name;
  std::uint32_t slot = 0;
  std::uint32_t epoch = 0;
  std::uint32_t in_flight = 0;
  bool ejected = false;
  BreakerSnapshot machine;
  struct Health {
    policy::Health::State state{};
    std::uint32_t run = 0;  ///< Equal results in a row.
    std::string problem;    ///< Of the last check; empty after a good one.
  };
  std::optional<Health> health;  ///< Where active checks are asked for.
  /// "healthy", "ejected", "probing" or "ramping".
  std::string_view state() const;
};

/// A breaker or ejection event with the time people read.
struct EventSnapshot {
  std::string upstream;
  std::string endpoint;  ///< Empty = the upstream's breaker.
  BreakerState from{};
  BreakerState to{};
  TransitionReason reason{};
  WallTime at{};
};

/// Everything scrapes and the admin pages tell about an upstream.
struct UpstreamSnapshot {
  std::string name;
  BreakerSnapshot breaker;
  policy::Breaker::ProbeCounts probes;
  policy::BreakerMode mode{};
  std::uint64_t would_have_refused = 0;  ///< In shadow mode.
  std::uint64_t budget_available = 0;
  std::uint64_t budget_capacity = 0;
  std::uint32_t concurrency_limit = 0;
  std::uint32_t attempts_in_flight = 0;
  std::uint32_t queued = 0;
  std::uint32_t queue_limit = 0;
  exchange::UpstreamState::EndpointCounts endpoint_counts;
  exchange::UpstreamState::Counters counters;
  std::vector<EndpointSnapshot> endpoints;
};

/// Moves what only time moves and copies the facts. The caller holds the upstream's lock. `now` and
/// `wall_now` are the same moment; other instants are told as wall time by their distance to it.
UpstreamSnapshot snapshot(exchange::UpstreamState& state, Instant now, WallTime wall_now);

/// The last events of an upstream, oldest first; the same rules.
std::vector<EventSnapshot> events(const exchange::UpstreamState& state, Instant now,
                                  WallTime wall_now);

}  // namespace fusegate::telemetry
