#pragma once

#include <fusegate/policy/breaker.hpp>
#include <fusegate/policy/rolling_window.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fusegate::exchange {

/// What should outlive the process about one endpoint. Endpoints about which nothing is remembered
/// are as good as new.
struct EndpointMemory {
  std::string name;
  bool ejected = false;
  bool returning = false;
  bool down = false;  ///< By active checks.
  policy::Breaker::Snapshot machine;
  std::optional<policy::Transition> last;  ///< Its last move, for people to read.
  bool operator==(const EndpointMemory&) const = default;
};

/// The same about an upstream. Times are on the time line of whoever holds the value.
struct UpstreamMemory {
  policy::Breaker::Snapshot breaker;
  policy::RollingWindow::Snapshot budget;
  std::optional<policy::Transition> last;
  std::vector<EndpointMemory> endpoints;
  bool operator==(const UpstreamMemory&) const = default;
};

}  // namespace fusegate::exchange
