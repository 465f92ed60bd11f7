#pragma once

#include <fusegate/config/config.hpp>

#include "app/data_plane.hpp"
#include "state/keeper.hpp"
#include "telemetry/log.hpp"

#include <memory>
#include <string>
#include <vector>

namespace fusegate::app {

/// Carries what the upstreams know over a restart, where `state_file` asks for it.
class StateKeeping {
 public:
  StateKeeping(const config::Config& config, DataPlane& plane, telemetry::Logger& log);

  /// Before the first request: takes over what the process before left, as far as it is usable.
  /// Says in the log what was taken and what was not, and why; never fails.
  void restore();
  void start();
  /// Writes the last state; when nothing can change it any more.
  void stop();

 private:
  state::Snapshot snapshot();
  void restore_section(state::Section section, Instant expires, Instant now);

  std::string path_;
  std::vector<std::string> hashes_;  ///< Of the settings, by upstream.
  DataPlane& plane_;
  telemetry::Logger& log_;
  std::unique_ptr<state::Keeper> keeper_;
};

}  // namespace fusegate::app
