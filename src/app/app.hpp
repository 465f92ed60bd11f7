#pragma once

#include <fusegate/config/config.hpp>

#include <string>

namespace fusegate::app {

/// Serves `config` until SIGTERM or SIGINT; `file` is where it came from, for the admin listener
/// (empty = none). Returns the exit status: 0 after a clean stop, 1 when the start failed, with the
/// reason on standard error.
int run(config::ConfigPtr config, std::string file = "");

}  // namespace fusegate::app
