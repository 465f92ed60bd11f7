#pragma once

#include <fusegate/base/time.hpp>

#include <chrono>

/// The only place that reads clocks. Everything else gets `now` as an argument.
namespace fusegate::net {

inline Instant now() { return Instant{std::chrono::steady_clock::now().time_since_epoch()}; }

inline WallTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace fusegate::net
