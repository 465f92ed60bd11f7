#pragma once

#include <fusegate/base/time.hpp>
#include <fusegate/policy/adaptive_limit.hpp>
#include <fusegate/policy/breaker.hpp>
#include <fusegate/policy/health.hpp>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace fusegate::exchange {

/// One address of an upstream and what is known about it. Lives at a fixed place until it has been
/// retired (left the name's answer) and nobody pins it any more.
struct EndpointState {
  EndpointState(std::string endpoint_name, std::uint32_t endpoint_slot,
                const policy::BreakerSettings& settings, std::uint32_t max_in_flight, Instant now)
      : name(std::move(endpoint_name)),
        slot(endpoint_slot),
        ejection(settings, now),
        limit(max_in_flight, now) {}

  std::string name;    ///< "10.0.0.7:8443", "[fd00::7]:80" or "unix:/path"; unique in its upstream.
  std::uint32_t slot;  ///< Small dense number, reused after retirement; indexes the workers' pools.
  std::uint32_t epoch = 0;      ///< Differs for each user of a slot, so that a pool notices reuse.
  std::uint32_t in_flight = 0;  ///< Attempts now at this endpoint.
  std::uint32_t pins = 0;       ///< Exchanges that still refer to it.
  /// Changed under the upstream's lock; the workers' pools look at it without.
  std::atomic<bool> retired{false};
  bool ejected = false;    ///< Out of rotation but for probes (within the share that may be).
  bool returning = false;  ///< Was ejected and its ramp limits it still.
  /// Was out of rotation when the process before this one ended, and its machine has not moved
  /// since: it goes out again as soon as enough others are known.
  bool was_out = false;
  /// Attempts in a row that failed or were told to slow down, and the time of the last one. They
  /// count as load for a while: an endpoint that fails fast has little in flight and would
  /// otherwise attract traffic. Kept apart from `ejection`, which may be off.
  std::uint32_t failure_run = 0;
  Instant last_failure{};
  /// Before this time no kept connection is used: one has just turned out to be dead, and the free
  /// reconnect must not double the load of a server that breaks every kept connection.
  std::atomic<Instant> reuse_from{Instant{}};
  std::uint32_t passed_over = 0;  ///< Number of the choice in which its machine said no.
  policy::Breaker ejection;
  policy::AdaptiveLimit limit;           ///< In force with `concurrency.adaptive`.
  std::optional<policy::Health> health;  ///< Where active checks are asked for.
  std::string health_detail;             ///< What the last bad check found; empty after a good one.

  /// Active checks say that it must not be used.
  bool is_down() const { return health && health->state() == policy::Health::State::Down; }
};

}  // namespace fusegate::exchange
