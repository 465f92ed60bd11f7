#include "telemetry/collect.hpp"
#include "telemetry/status_sum.hpp"

#include <algorithm>

namespace fusegate::telemetry {
namespace {

std::string_view name_of(const Scrape& scrape, std::size_t index) {
  return scrape.config.upstreams[index].name;
}

template <class Select>
double total(const Scrape& scrape, std::size_t upstream, Select counter) {
  return static_cast<double>(sum_of(scrape.workers, [&](const WorkerMetrics& worker) {
    return counter(worker.upstream(upstream)).get();
  }));
}

template <class Select>
void collect_histogram(const Scrape& scrape, Families& out, std::string_view name,
                       Select histogram) {
  out.start(name);
  for (std::size_t i = 0; i < scrape.config.upstreams.size(); ++i) {
    out.histogram({{"upstream", name_of(scrape, i)}},
                  histogram_of(scrape.workers, [&](const WorkerMetrics& w) -> const Histogram& {
                    return histogram(w.upstream(i));
                  }));
  }
}

/// A counter by upstream and the words of an enumeration.
template <class Enum, class Select>
void collect_by(const Scrape& scrape, Families& out, std::string_view name, std::size_t count,
                Select array) {
  out.start(name);
  for (std::size_t i = 0; i < scrape.config.upstreams.size(); ++i) {
    for (std::size_t j = 0; j < count; ++j) {
      const double value = total(
          scrape, i, [&](const UpstreamCounters& u) -> const Counter& { return array(u)[j]; });
      out.value({{"upstream", name_of(scrape, i)}, {"result", word(static_cast<Enum>(j))}}, value);
    }
  }
}

/// The series that exist at load: a good answer, and every failure without a status.
bool is_fixed(unsigned status, std::size_t column) {
  const auto result = static_cast<AttemptResult>(column % kAttemptResults);
  switch (result) {
    case AttemptResult::Ok:
      return status == 200;
    case AttemptResult::Status:
      return status == 503;
    case AttemptResult::ConnectFailed:
    case AttemptResult::TlsFailed:
    case AttemptResult::StaleReuse:
    case AttemptResult::Reset:
    case AttemptResult::Timeout:
    case AttemptResult::BadResponse:
    case AttemptResult::Cancelled:
      return status == 0;
  }
  return false;
}

void collect_attempt_counts(const Scrape& scrape, SeriesLimit& limit, Families& out) {
  constexpr std::string_view kName = "fusegate_attempts_total";
  out.start(kName);
  for (std::size_t i = 0; i < scrape.config.upstreams.size(); ++i) {
    StatusSum sum(kAttemptKinds * kAttemptResults);
    for (const unsigned status : {0u, 200u, 503u}) {
      sum.touch(status);
    }
    for (const WorkerMetrics& worker : scrape.workers) {
      sum.add(worker.upstream(i).attempts);
    }
    sum.emit(kName, name_of(scrape, i), limit, is_fixed,
             [&](std::string_view code, std::size_t column, double value) {
               out.value({{"upstream", name_of(scrape, i)},
                          {"kind", word(static_cast<AttemptKind>(column / kAttemptResults))},
                          {"result", word(static_cast<AttemptResult>(column % kAttemptResults))},
                          {"code", code}},
                         value);
             });
  }
}

void collect_open_connections(const Scrape& scrape, Families& out) {
  out.start("fusegate_upstream_connections");
  for (std::size_t i = 0; i < scrape.config.upstreams.size(); ++i) {
    const double idle = total(
        scrape, i, [](const UpstreamCounters& u) -> const Gauge& { return u.connections_idle; });
    const double active = total(
        scrape, i, [](const UpstreamCounters& u) -> const Gauge& { return u.connections_active; });
    out.value({{"upstream", name_of(scrape, i)}, {"state", "idle"}}, idle);
    out.value({{"upstream", name_of(scrape, i)}, {"state", "active"}}, active);
  }
}

void collect_last_lookup(const Scrape& scrape, Families& out) {
  out.start("fusegate_dns_last_success_timestamp_seconds");
  for (std::size_t i = 0; i < scrape.config.upstreams.size(); ++i) {
    std::uint64_t last = 0;
    for (const WorkerMetrics& worker : scrape.workers) {
      last = std::max(last, worker.upstream(i).last_lookup_ms.get());
    }
    out.value({{"upstream", name_of(scrape, i)}}, static_cast<double>(last) / 1e3);
  }
}

void collect_listeners(const Scrape& scrape, Families& out) {
  const auto each = [&](std::string_view name, auto counter) {
    out.start(name);
    for (std::size_t i = 0; i < scrape.config.listeners.size(); ++i) {
      const auto sum = sum_of(scrape.workers,
                              [&](const WorkerMetrics& w) { return counter(w.listener(i)).get(); });
      out.value({{"listener", scrape.config.listeners[i].name}}, static_cast<double>(sum));
    }
  };
  each("fusegate_downstream_connections",
       [](const ListenerCounters& l) -> const Gauge& { return l.open; });
  each("fusegate_downstream_connections_total",
       [](const ListenerCounters& l) -> const Counter& { return l.accepted; });
  each("fusegate_accept_pauses_total",
       [](const ListenerCounters& l) -> const Counter& { return l.exhausted; });
}

}  // namespace

void collect_attempts(const Scrape& scrape, SeriesLimit& limit, Families& out) {
  collect_attempt_counts(scrape, limit, out);
  collect_histogram(
      scrape, out, "fusegate_attempt_duration_seconds",
      [](const UpstreamCounters& u) -> const Histogram& { return u.attempt_duration; });
  collect_histogram(scrape, out, "fusegate_queue_wait_seconds",
                    [](const UpstreamCounters& u) -> const Histogram& { return u.queue_wait; });
}

void collect_connections(const Scrape& scrape, Families& out) {
  collect_open_connections(scrape, out);
  collect_by<ConnectResult>(scrape, out, "fusegate_upstream_connects_total", kConnectResults,
                            [](const UpstreamCounters& u) -> const auto& { return u.connects; });
  collect_histogram(
      scrape, out, "fusegate_upstream_connect_duration_seconds",
      [](const UpstreamCounters& u) -> const Histogram& { return u.connect_duration; });
  collect_by<DnsResult>(scrape, out, "fusegate_dns_lookups_total", kDnsResults,
                        [](const UpstreamCounters& u) -> const auto& { return u.lookups; });
  collect_last_lookup(scrape, out);
  collect_listeners(scrape, out);
}

}  // namespace fusegate::telemetry
