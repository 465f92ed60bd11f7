#include "telemetry/families.hpp"

#include "telemetry/metric_list.hpp"

#include <cassert>
#include <limits>

namespace fusegate::telemetry {
namespace {

prometheus::MetricType type_of(MetricType type) {
  switch (type) {
    case MetricType::Counter:
      return prometheus::MetricType::Counter;
    case MetricType::Gauge:
      return prometheus::MetricType::Gauge;
    case MetricType::Histogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

prometheus::ClientMetric labelled(Labels labels) {
  prometheus::ClientMetric metric;
  metric.label.reserve(labels.size());
  for (const auto& [name, value] : labels) {
    metric.label.push_back({std::string(name), std::string(value)});
  }
  return metric;
}

}  // namespace

void HistogramSum::add(const Histogram& part) {
  counts.resize(part.buckets());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counts[i] += part.count(i);
  }
  sum_ns += part.sum_ns();
}

void Families::start(std::string_view name) {
  const MetricInfo* info = find_metric(name);
  assert(info != nullptr);
  families_.push_back({std::string(name), std::string(info->help), type_of(info->type), {}});
}

void Families::value(Labels labels, double value) {
  prometheus::MetricFamily& family = families_.back();
  prometheus::ClientMetric metric = labelled(labels);
  if (family.type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  family.metric.push_back(std::move(metric));
  ++series_;
}

void Families::histogram(Labels labels, const HistogramSum& sum) {
  prometheus::ClientMetric metric = labelled(labels);
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < sum.counts.size(); ++i) {
    cumulative += sum.counts[i];
    const double edge = i < edges_.size() ? seconds(static_cast<std::uint64_t>(edges_[i].count()))
                                          : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({cumulative, edge});
  }
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = seconds(sum.sum_ns);
  families_.back().metric.push_back(std::move(metric));
  series_ += sum.counts.size() + 2;
}

}  // namespace fusegate::telemetry
