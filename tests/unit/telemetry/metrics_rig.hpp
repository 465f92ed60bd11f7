#pragma once

#include "telemetry/metrics.hpp"
#include "unit/telemetry/telemetry_rig.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fusegate::telemetry {

inline ScrapeInput input_for(const config::Config& config) {
  ScrapeInput input;
  for (const auto& upstream : config.upstreams) {
    UpstreamSnapshot& snapshot = input.upstreams.emplace_back();
    snapshot.name = upstream.name;
    snapshot.endpoints = {{.name = "10.1.2.3:8443", .slot = 0, .epoch = 1}};
  }
  return input;
}

/// Two workers' metrics and one scrape of them.
class MetricsTest : public testing::Test {
 protected:
  std::string scrape() {
    if (!metrics_) {
      metrics_ = std::make_unique<Metrics>(config_, 2, test::kEvening);
    }
    return metrics_->scrape(input_);
  }
  WorkerMetrics& worker(std::size_t index) {
    if (!metrics_) {
      metrics_ = std::make_unique<Metrics>(config_, 2, test::kEvening);
    }
    return metrics_->worker(index);
  }

  std::shared_ptr<config::Config> config_ = test::two_routes();
  ScrapeInput input_ = input_for(*config_);
  std::unique_ptr<Metrics> metrics_;
  test::Example example_;
};

inline std::vector<std::string> split(const std::string& text, std::string_view separator) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  for (std::size_t to; (to = text.find(separator, from)) != std::string::npos;
       from = to + separator.size()) {
    parts.push_back(text.substr(from, to - from));
  }
  parts.push_back(text.substr(from));
  return parts;
}

/// A scrape with the labels of each sample in the order of their names, `le` last.
inline std::string sorted(const std::string& text) {
  std::string all;
  for (const std::string& line : split(text, "\n")) {
    const std::size_t open = line.find('{');
    const std::size_t close = line.rfind('}');
    if (line.starts_with('#') || open == std::string::npos) {
      all += line + '\n';
      continue;
    }
    auto labels = split(line.substr(open + 1, close - open - 2), "\",");
    std::ranges::sort(labels, {}, [](const std::string& label) {
      return std::pair(label.starts_with("le="), label);
    });
    all += line.substr(0, open + 1);
    for (const std::string& label : labels) {
      all += label + (label == labels.back() ? "\"" : "\",");
    }
    all += line.substr(close) + '\n';
  }
  return all;
}

inline std::size_t samples_in(const std::string& text) {
  const auto lines = split(text, "\n");
  return static_cast<std::size_t>(std::ranges::count_if(
      lines, [](const std::string& line) { return !line.empty() && line[0] != '#'; }));
}

}  // namespace fusegate::telemetry
