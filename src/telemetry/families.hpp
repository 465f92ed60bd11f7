#pragma once

#include "telemetry/worker_metrics.hpp"

#include <prometheus/metric_family.h>

#include <deque>
#include <initializer_list>
#include <iosfwd>
#include <string_view>
#include <utility>
#include <vector>

/// Internal to src/telemetry: the only headers that show prometheus-cpp are these, and nothing
/// outside the scrape includes them.
namespace fusegate::telemetry {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// One histogram summed over the workers.
struct HistogramSum {
  std::vector<std::uint64_t> counts;  ///< By bucket, not cumulative.
  std::uint64_t sum_ns = 0;
  void add(const Histogram& part);
};

/// Writes the families of one scrape, one after the other: `start` begins one, `value` and
/// `histogram` fill it, and the next `start` or `finish` writes it, so that only one is in memory.
class Families {
 public:
  /// `out` is null when the series are only counted.
  Families(const std::vector<Duration>& edges, std::ostream* out) : edges_(edges), out_(out) {}

  /// `name` must be one that `find_metric` finds, which gives type and help.
  void start(std::string_view name);
  void value(Labels labels, double value);
  void histogram(Labels labels, const HistogramSum& sum);
  void finish();

  /// Samples so far, as Prometheus will count them.
  std::size_t series() const { return series_; }

 private:
  prometheus::ClientMetric& add(Labels labels);

  const std::vector<Duration>& edges_;
  std::ostream* out_;
  std::vector<prometheus::MetricFamily> open_;  ///< None or one; a list, as the serializer wants.
  std::size_t series_ = 0;
};

/// The counters of all workers, read together.
using Workers = std::deque<WorkerMetrics>;

/// `value(worker)` summed over the workers.
template <class Value>
auto sum_of(const Workers& workers, Value value) {
  decltype(value(workers.front())) total{};
  for (const WorkerMetrics& worker : workers) {
    total += value(worker);
  }
  return total;
}

/// `histogram(worker)` summed over the workers.
template <class Select>
HistogramSum histogram_of(const Workers& workers, Select histogram) {
  HistogramSum total;
  for (const WorkerMetrics& worker : workers) {
    total.add(histogram(worker));
  }
  return total;
}

inline double seconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

}  // namespace fusegate::telemetry
