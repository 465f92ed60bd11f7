#include "telemetry/families.hpp"

#include "telemetry/give_way.hpp"
#include "telemetry/metric_list.hpp"

#include <prometheus/text_serializer.h>

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

}  // namespace

void HistogramSum::add(const Histogram& part) {
  counts.resize(part.buckets());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counts[i] += part.count(i);
  }
  sum_ns += part.sum_ns();
}

void Families::start(std::string_view name) {
  finish();
  const MetricInfo* info = find_metric(name);
  assert(info != nullptr);
  open_.push_back({std::string(name), std::string(info->help), type_of(info->type), {}});
}

void Families::finish() {
  if (out_ != nullptr) {
    prometheus::TextSerializer().Serialize(*out_, open_);
  }
  open_.clear();
}

prometheus::ClientMetric& Families::add(Labels labels) {
  give_way();
  prometheus::ClientMetric& metric = open_.back().metric.emplace_back();
  metric.label.reserve(labels.size());
  for (const auto& [name, value] : labels) {
    metric.label.push_back({std::string(name), std::string(value)});
  }
  return metric;
}

void Families::value(Labels labels, double value) {
  prometheus::ClientMetric& metric = add(labels);
  if (open_.back().type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  ++series_;
}

void Families::histogram(Labels labels, const HistogramSum& sum) {
  prometheus::ClientMetric& metric = add(labels);
  metric.histogram.bucket.reserve(sum.counts.size());
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < sum.counts.size(); ++i) {
    cumulative += sum.counts[i];
    const double edge = i < edges_.size() ? seconds(static_cast<std::uint64_t>(edges_[i].count()))
                                          : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({cumulative, edge});
  }
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = seconds(sum.sum_ns);
  series_ += sum.counts.size() + 2;
}

}  // namespace fusegate::telemetry
