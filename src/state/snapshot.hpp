#pragma once

#include <fusegate/base/time.hpp>
#include <fusegate/exchange/upstream_memory.hpp>

#include <string>
#include <vector>

namespace fusegate::state {

/// What is remembered about one upstream, and of which settings it is true.
struct Section {
  std::string upstream;
  std::string settings;  ///< Hash of the settings it ran with.
  exchange::UpstreamMemory memory;
};

/// The state of a process at one moment, known on both time lines.
struct Snapshot {
  Instant taken{};
  WallTime written{};
  std::vector<Section> sections;
};

/// An older snapshot says nothing about upstreams any more. Chosen: the longest time a breaker
/// stays open by default; a restart takes seconds.
inline constexpr Duration kAgeMax = std::chrono::seconds{60};

}  // namespace fusegate::state
