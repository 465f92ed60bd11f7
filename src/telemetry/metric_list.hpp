#pragma once

#include <cstdint>
#include <string_view>

namespace fusegate::telemetry {

enum class MetricType : std::uint8_t { Counter, Gauge, Histogram };

/// What is the same in every scrape. `docs/metrics.md` has the same list for people, and a test
/// holds the two together.
struct MetricInfo {
  std::string_view name;
  MetricType type;
  std::string_view labels;  ///< Separated by commas; empty = none.
  std::string_view help;
};

const MetricInfo* find_metric(std::string_view name);  ///< nullptr = there is none.

}  // namespace fusegate::telemetry
