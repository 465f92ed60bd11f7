#pragma once

#include <fusegate/advice/advice.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

/// A configuration without a file: for tests of the arithmetic.
namespace fusegate::advice {

using namespace std::chrono_literals;

/// One upstream and one route to it, at the defaults.
struct Rig {
  config::Config config;
  Assumptions given;

  Rig() {
    config.listeners.emplace_back();
    add_upstream("orders");
    add_route("/");
  }

  config::UpstreamConfig& add_upstream(const std::string& name) {
    auto& added = config.upstreams.emplace_back();
    added.name = name;
    added.endpoints = {{name + ".example", 8080, "", name + ".example"}};
    return added;
  }
  config::RouteConfig& add_route(const std::string& prefix) {
    auto& added = config.routes.emplace_back();
    added.name = prefix;
    added.match.path = prefix;
    return added;
  }
  /// Lists so many addresses instead of a name.
  void list(std::size_t endpoints) {
    upstream().by_url = false;
    upstream().endpoints.clear();
    for (std::size_t i = 0; i < endpoints; ++i) {
      const auto host = "10.0.0." + std::to_string(i + 1);
      upstream().endpoints.push_back({host, 8080, "", host});
    }
  }

  void secure() { upstream().endpoints.front().https = true; }
  config::UpstreamConfig& upstream() { return config.upstreams[0]; }
  config::RouteConfig& route() { return config.routes[0]; }
  config::RequestPolicy& policy() { return config.routes[0].policy; }
  policy::RetrySettings& retry() { return policy().retry; }
  policy::BreakerSettings& breaker() { return upstream().breaker; }

  std::vector<Finding> found(Code code) const {
    std::vector<Finding> result;
    for (const Finding& finding : advise(config, given)) {
      if (finding.code == code) {
        result.push_back(finding);
      }
    }
    return result;
  }
  bool warns(Code code) const { return !found(code).empty(); }
};

/// The figure called `name`; a failed test when there is none.
inline double number(const Finding& finding, std::string_view name) {
  const auto found = std::ranges::find(finding.numbers, name, &Number::name);
  EXPECT_NE(found, finding.numbers.end()) << name;
  return found == finding.numbers.end() ? -1 : found->value;
}

}  // namespace fusegate::advice
