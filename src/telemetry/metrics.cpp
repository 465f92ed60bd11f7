#include "telemetry/metrics.hpp"

#include "telemetry/collect.hpp"
#include "telemetry/page_text.hpp"

#include <mutex>
#include <ostream>
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

/// Writes one scrape to `out`, which may be null. The number of its series.
std::size_t write_all(const Scrape& scrape, SeriesLimit& limit, std::ostream* out) {
  Families families(scrape.config.metrics.buckets, out);
  collect_routes(scrape, limit, families);
  collect_attempts(scrape, limit, families);
  collect_connections(scrape, families);
  collect_breakers(scrape, families);
  collect_endpoints(scrape, limit, families);
  collect_process(scrape, families);
  families.start("fusegate_metric_series_folded_total");
  for (const std::string_view metric : unbounded_metrics(scrape.config)) {
    families.value({{"metric", metric}}, static_cast<double>(limit.folded(metric)));
  }
  families.start("fusegate_metric_series");
  families.value({}, static_cast<double>(families.series() + 1));
  families.finish();
  return families.series();
}

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
  std::size_t last_size = 0;
};

Metrics::Metrics(config::ConfigPtr config, std::size_t workers, WallTime loaded_at)
    : config_(std::move(config)), impl_(std::make_unique<Impl>(*config_, loaded_at)) {
  for (std::size_t i = 0; i < workers; ++i) {
    impl_->workers.emplace_back(*config_);
  }
  // With nothing counted yet a scrape has exactly the series that exist in any case.
  const ScrapeInput blank = blank_input(*config_);
  const Scrape scrape{*config_, impl_->workers, blank, loaded_at};
  impl_->limit.set_fixed(write_all(scrape, impl_->limit, nullptr));
}

Metrics::~Metrics() = default;

WorkerMetrics& Metrics::worker(std::size_t index) { return impl_->workers[index]; }

std::string Metrics::scrape(const ScrapeInput& input) {
  const std::lock_guard lock(impl_->scrape_mutex);
  const Scrape scrape{*config_, impl_->workers, input, impl_->loaded_at};
  PageText text(impl_->last_size + impl_->last_size / 8);
  std::ostream out(&text);
  write_all(scrape, impl_->limit, &out);
  std::string page = text.take();
  impl_->last_size = page.size();
  return page;
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
