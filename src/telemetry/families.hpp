#pragma once

#include "telemetry/worker_metrics.hpp"

#include <prometheus/metric_family.h>

#include <deque>
#include <initializer_list>
#include <string>
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

/// Collects the families of one scrape. `start` opens one, the other calls fill it.
class Families {
 public:
  explicit Families(const std::vector<Duration>& edges) : edges_(edges) {}

  /// `name` must be one that `find_metric` finds, which gives type and help.
  void start(std::string_view name);
  void value(Labels labels, double value);
  void histogram(Labels labels, const HistogramSum& sum);

  /// Samples so far, as Prometheus will count them.
  std::size_t series() const { return series_; }
  std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

 private:
  const std::vector<Duration>& edges_;
  std::vector<prometheus::MetricFamily> families_;
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
