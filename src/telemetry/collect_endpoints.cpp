#include "telemetry/collect.hpp"

#include <array>

namespace fusegate::telemetry {
namespace {

constexpr std::array<std::string_view, 4> kStates{"healthy", "ejected", "probing", "ramping"};

using ByResult = std::array<std::uint64_t, kAttemptResults>;

/// What all workers counted for the endpoint that now owns the slot. A worker may move a slot to
/// the next endpoint meanwhile; then its share is left out of this scrape.
ByResult attempts_of(const Scrape& scrape, std::size_t upstream, const EndpointSnapshot& endpoint) {
  ByResult sum{};
  for (const WorkerMetrics& worker : scrape.workers) {
    const auto& slots = worker.upstream(upstream).endpoints;
    if (endpoint.slot >= slots.size()) {
      continue;
    }
    const EndpointCounters& counters = slots[endpoint.slot];
    const bool ours = counters.epoch.get() == endpoint.epoch;
    for (std::size_t i = 0; ours && i < kAttemptResults; ++i) {
      sum[i] += counters.attempts[i].get();
    }
  }
  return sum;
}

void write_attempts(std::string_view upstream, std::string_view endpoint, const ByResult& counts,
                    Families& out) {
  for (std::size_t i = 0; i < kAttemptResults; ++i) {
    out.value({{"upstream", upstream},
               {"endpoint", endpoint},
               {"result", word(static_cast<AttemptResult>(i))}},
              static_cast<double>(counts[i]));
  }
}

void write_counts(const Scrape& scrape, SeriesLimit& limit, Families& out) {
  constexpr std::string_view kName = "fusegate_endpoint_attempts_total";
  out.start(kName);
  const auto count = std::min(scrape.input.upstreams.size(), scrape.config.upstreams.size());
  for (std::size_t i = 0; i < count; ++i) {
    const UpstreamSnapshot& upstream = scrape.input.upstreams[i];
    ByResult other{};
    for (const EndpointSnapshot& endpoint : upstream.endpoints) {
      const ByResult counts = attempts_of(scrape, i, endpoint);
      if (limit.admit(kName, upstream.name + '\n' + endpoint.name, kAttemptResults)) {
        write_attempts(upstream.name, endpoint.name, counts, out);
        continue;
      }
      for (std::size_t j = 0; j < kAttemptResults; ++j) {
        other[j] += counts[j];
      }
    }
    if (other != ByResult{}) {
      write_attempts(upstream.name, SeriesLimit::kOther, other, out);
    }
  }
}

void write_states(const Scrape& scrape, SeriesLimit& limit, Families& out) {
  constexpr std::string_view kName = "fusegate_endpoint_state";
  out.start(kName);
  for (const UpstreamSnapshot& upstream : scrape.input.upstreams) {
    for (const EndpointSnapshot& endpoint : upstream.endpoints) {
      if (!limit.admit(kName, upstream.name + '\n' + endpoint.name, kStates.size())) {
        continue;
      }
      for (const std::string_view state : kStates) {
        out.value({{"upstream", upstream.name}, {"endpoint", endpoint.name}, {"state", state}},
                  endpoint.state() == state ? 1 : 0);
      }
    }
  }
}

}  // namespace

void collect_endpoints(const Scrape& scrape, SeriesLimit& limit, Families& out) {
  if (scrape.config.metrics.per_endpoint) {
    write_counts(scrape, limit, out);
    write_states(scrape, limit, out);
  }
}

}  // namespace fusegate::telemetry
