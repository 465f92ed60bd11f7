#pragma once

#include <fusegate/config/config.hpp>

#include <vector>

namespace fusegate::route {

/// One listener that serves all of these.
inline config::Config with(const std::vector<config::RouteMatch>& matches) {
  config::Config config;
  config.listeners.emplace_back();
  for (const config::RouteMatch& match : matches) {
    config.routes.emplace_back().match = match;
  }
  return config;
}

}  // namespace fusegate::route
