#pragma once

#include "telemetry/metrics.hpp"
#include "telemetry/snapshot.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fusegate::admin {

/// One condition of readiness.
struct Check {
  std::string name;  ///< E.g. "listeners", "dns:orders", "draining".
  bool ok = false;
};

/// For `/server_info` and the head of `/config`.
struct ServerInfo {
  std::string version;
  std::string revision;
  std::string compiler;
  std::string boost;
  std::string state;        ///< "starting", "serving" or "draining".
  std::string config_hash;  ///< Hex.
  std::string config_file;  ///< As given; empty = none.
  WallTime started{};
  WallTime config_loaded{};
  std::uint32_t workers = 0;
  std::vector<std::string> listeners;  ///< Bound addresses.
};

/// Where the answers come from. All functions are called on the server's thread, must be set, must
/// not throw, and should take no longer than a scrape may.
struct Sources {
  std::function<std::vector<Check>()> ready;  ///< Ready = every check is ok.
  std::function<bool()> live;
  std::function<bool()> started;         ///< `/startupz`: has been ready once.
  std::function<std::string()> metrics;  ///< Prometheus text.
  std::function<std::vector<telemetry::UpstreamSnapshot>()> upstreams;
  std::function<std::vector<telemetry::RouteSnapshot>()> routes;
  std::function<std::vector<telemetry::EventSnapshot>()> transitions;  ///< Oldest first.
  std::function<std::string(bool defaults)> config;                    ///< JSON, redacted.
  std::function<ServerInfo()> server_info;
  std::function<WallTime()> wall_now;
  /// Forces or releases the breaker of the upstream with this index in `upstreams`; without a
  /// `length` until the next word.
  std::function<void(std::size_t upstream, policy::Forced how, std::optional<Duration> length)>
      force_breaker;
};

}  // namespace fusegate::admin
