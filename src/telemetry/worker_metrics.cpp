#include "telemetry/worker_metrics.hpp"

#include <algorithm>

namespace fusegate::telemetry {
namespace {

using exchange::Report;
using exchange::TryReport;

template <class Enum>
std::size_t index(Enum value) {
  return static_cast<std::size_t>(value);
}

constexpr std::array<std::string_view, kConnectResults> kConnectWords{"ok", "connect_failed",
                                                                      "timeout", "tls_failed"};
constexpr std::array<std::string_view, kDnsResults> kDnsWords{"ok", "not_found", "failed",
                                                              "timeout"};

std::uint64_t nanoseconds(Duration time) {
  return static_cast<std::uint64_t>(std::max(time, Duration{}).count());
}

}  // namespace

std::string_view word(ConnectResult result) { return kConnectWords[index(result)]; }
std::string_view word(DnsResult result) { return kDnsWords[index(result)]; }

Histogram::Histogram(const std::vector<Duration>& edges)
    : size_(std::min<std::size_t>(edges.size(), 32)),
      edges_(std::make_unique<std::int64_t[]>(size_)),
      counts_(std::make_unique<Counter[]>(size_ + 1)) {
  for (std::size_t i = 0; i < size_; ++i) {
    edges_[i] = edges[i].count();
  }
}

WorkerMetrics::WorkerMetrics(const config::Config& config)
    : event_loop_lag(config.metrics.buckets), listeners_(config.listeners.size()) {
  const auto& edges = config.metrics.buckets;
  for (std::size_t i = 0; i <= config.routes.size(); ++i) {
    routes_.push_back(std::make_unique<RouteCounters>(edges));
  }
  const std::size_t slots = config.metrics.per_endpoint ? kEndpointSlots : 0;
  for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
    upstreams_.push_back(std::make_unique<UpstreamCounters>(edges, slots));
  }
}

void WorkerMetrics::record(const Report& report) {
  RouteCounters& counters = route(report.route);
  const bool gone = report.result == RequestResult::ClientGone;
  counters.requests.add(gone ? exchange::kClientGoneStatus : report.status, index(report.result));
  counters.duration.observe(report.duration);
  counters.bytes_in.add(report.bytes_in);
  counters.bytes_out.add(report.bytes_out);
  if (report.result == RequestResult::Rejected) {
    counters.rejected[index(report.reason)].add();
  }
  if (report.recovered()) {
    counters.recovered.add();
  }
  if (report.backoff > Duration{}) {
    counters.backoff_ns.add(nanoseconds(report.backoff));
  }
  if (report.denied) {
    counters.denied[index(*report.denied)].add();
  }
  if (report.replay_overflow) {
    counters.replay_overflows.add();
  }
  if (report.upstream < upstreams_.size()) {
    record_tries(report, counters);
  }
}

void WorkerMetrics::record_tries(const Report& report, RouteCounters& route) {
  if (report.queue_wait && report.queue_upstream < upstreams_.size()) {
    upstream(report.queue_upstream).queue_wait.observe(*report.queue_wait);
  }
  const std::size_t count = std::min<std::size_t>(report.try_count, Report::kTriesMax);
  route.attempts.add(count);
  for (std::size_t i = 0; i < count; ++i) {
    const TryReport& attempt = report.tries[i];
    UpstreamCounters& to = upstream(attempt.upstream);
    to.attempts.add(attempt.status, UpstreamCounters::attempt_column(attempt.kind, attempt.result));
    to.attempt_duration.observe(attempt.duration);
    if (attempt.kind == AttemptKind::Hedge) {
      (attempt.result == AttemptResult::Ok ? route.hedges_won : route.hedges_lost).add();
    } else if (attempt.kind == AttemptKind::Retry && i > 0) {
      route.retries[index(report.tries[i - 1].failure)].add();
    }
    if (!to.endpoints.empty()) [[unlikely]] {
      record_endpoint(to, attempt);
    }
  }
}

void WorkerMetrics::record_endpoint(UpstreamCounters& upstream, const TryReport& attempt) {
  if (attempt.endpoint == nullptr || attempt.endpoint->slot >= upstream.endpoints.size()) {
    return;
  }
  EndpointCounters& counters = upstream.endpoints[attempt.endpoint->slot];
  if (counters.epoch.get() != attempt.endpoint->epoch) {
    for (Counter& counter : counters.attempts) {
      counter.set(0);
    }
    counters.epoch.set(attempt.endpoint->epoch);
  }
  counters.attempts[index(attempt.result)].add();
}

}  // namespace fusegate::telemetry
