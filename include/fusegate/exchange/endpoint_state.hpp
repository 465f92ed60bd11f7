#pragma once

#include <fusegate/base/time.hpp>
#include <fusegate/policy/breaker.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace fusegate::exchange {

/// One address of an upstream and what is known about it. Lives at a fixed place until it has been
/// retired (left the name's answer) and nobody pins it any more.
struct EndpointState {
  EndpointState(std::string endpoint_name, std::uint32_t endpoint_slot,
                const policy::BreakerSettings& settings, Instant now)
      : name(std::move(endpoint_name)), slot(endpoint_slot), ejection(settings, now) {}

  std::string name;    ///< "10.0.0.7:8443", "[fd00::7]:80" or "unix:/path"; unique in its upstream.
  std::uint32_t slot;  ///< Small dense number, reused after retirement; indexes the workers' pools.
  std::uint32_t epoch = 0;      ///< Differs for each user of a slot, so that a pool notices reuse.
  std::uint32_t in_flight = 0;  ///< Attempts now at this endpoint.
  std::uint32_t pins = 0;       ///< Exchanges that still refer to it.
  bool retired = false;
  bool ejected = false;  ///< Out of rotation (within the share that may be).
  policy::Breaker ejection;
};

}  // namespace fusegate::exchange
