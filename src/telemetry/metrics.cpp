#include "telemetry/metrics.hpp"

#include "telemetry/collect.hpp"

#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include <mutex>
#include <sstream>
#include <utility>

namespace fusegate::telemetry {
namespace {

/// Metrics with a label whose values come from the network.
std::vector<std::string_view> unbounded_metrics(const config::Config& config) {
  std::vector<std::string_view> names{"fusegate_requests_total", "fusegate_attempts_total"};
  if (config.metrics.per_endpoint) {
    names.insert(names.end(), {"fusegate_endpoint_attempts_total", "fusegate_endpoint_state"});
  }
  return names;
}

/// One scrape, in the shape prometheus-cpp collects from.
class Collection final : public prometheus::Collectable {
 public:
  Collection(const Scrape& scrape, SeriesLimit& limit) : scrape_(scrape), limit_(limit) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    Families out(scrape_.config.metrics.buckets);
    collect_routes(scrape_, limit_, out);
    collect_attempts(scrape_, limit_, out);
    collect_connections(scrape_, out);
    collect_breakers(scrape_, out);
    collect_endpoints(scrape_, limit_, out);
    collect_process(scrape_, out);
    out.start("fusegate_metric_series_folded_total");
    for (const std::string_view metric : unbounded_metrics(scrape_.config)) {
      out.value({{"metric", metric}}, static_cast<double>(limit_.folded(metric)));
    }
    out.start("fusegate_metric_series");
    out.value({}, static_cast<double>(out.series() + 1));
    series_ = out.series();
    return out.take();
  }

  std::size_t series() const { return series_; }

 private:
  const Scrape& scrape_;
  SeriesLimit& limit_;
  mutable std::size_t series_ = 0;
};

/// What the upstreams look like before anything is known about them.
ScrapeInput blank_input(const config::Config& config) {
  ScrapeInput input;
  for (const config::UpstreamConfig& upstream : config.upstreams) {
    input.upstreams.emplace_back().name = upstream.name;
  }
  return input;
}

void add_worker(const RouteCounters& counters, RouteSnapshot& route) {
  for (std::size_t i = 0; i < kRequestResults; ++i) {
    const std::uint64_t count = counters.requests.total(i);
    route.results[i] += count;
    route.requests += count;
  }
  for (const Counter& reason : counters.retries) {
    route.retries += reason.get();
  }
  for (const Counter& reason : counters.denied) {
    route.denied += reason.get();
  }
  for (const Counter& reason : counters.rejected) {
    route.rejected += reason.get();
  }
  route.attempts += counters.attempts.get();
  route.recovered += counters.recovered.get();
  route.in_flight += counters.in_flight.get();
}

}  // namespace

struct Metrics::Impl {
  Impl(const config::Config& config, WallTime loaded)
      : limit(config.metrics.max_series), loaded_at(loaded) {}

  Workers workers;
  SeriesLimit limit;
  WallTime loaded_at;
  std::mutex scrape_mutex;
};

Metrics::Metrics(config::ConfigPtr config, std::size_t workers, WallTime loaded_at)
    : config_(std::move(config)), impl_(std::make_unique<Impl>(*config_, loaded_at)) {
  for (std::size_t i = 0; i < workers; ++i) {
    impl_->workers.emplace_back(*config_);
  }
  // With nothing counted yet a scrape has exactly the series that exist in any case.
  const ScrapeInput blank = blank_input(*config_);
  const Scrape scrape{*config_, impl_->workers, blank, loaded_at};
  const Collection collection(scrape, impl_->limit);
  collection.Collect();
  impl_->limit.set_fixed(collection.series());
}

Metrics::~Metrics() = default;

WorkerMetrics& Metrics::worker(std::size_t index) { return impl_->workers[index]; }

std::string Metrics::scrape(const ScrapeInput& input) {
  const std::lock_guard lock(impl_->scrape_mutex);
  const Scrape scrape{*config_, impl_->workers, input, impl_->loaded_at};
  const Collection collection(scrape, impl_->limit);
  return prometheus::TextSerializer().Serialize(collection.Collect());
}

std::vector<RouteSnapshot> Metrics::routes() const {
  std::vector<RouteSnapshot> routes;
  for (std::size_t i = 0; i < config_->routes.size(); ++i) {
    RouteSnapshot& route = routes.emplace_back();
    route.settings = config_->routes[i];
    route.upstream = config_->upstreams[route.settings.upstream].name;
    for (const WorkerMetrics& worker : impl_->workers) {
      add_worker(worker.route(i), route);
    }
  }
  return routes;
}

}  // namespace fusegate::telemetry
