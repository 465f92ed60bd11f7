#pragma once

#include <fusegate/base/vocabulary.hpp>
#include <fusegate/config/config.hpp>
#include <fusegate/exchange/report.hpp>

#include "telemetry/counters.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace fusegate::telemetry {

/// Label `result` of `fusegate_upstream_connects_total`.
enum class ConnectResult : std::uint8_t { Ok, Failed, Timeout, TlsFailed };
inline constexpr std::size_t kConnectResults = 4;
std::string_view word(ConnectResult);

/// Label `result` of `fusegate_dns_lookups_total`.
enum class DnsResult : std::uint8_t { Ok, NotFound, Failed, Timeout };
inline constexpr std::size_t kDnsResults = 4;
std::string_view word(DnsResult);

/// What one worker counted for one route; the last one is for requests that matched no route.
struct RouteCounters {
  explicit RouteCounters(const std::vector<Duration>& edges) : duration(edges) {}

  ByStatus<kRequestResults> requests;
  Histogram duration;
  Gauge in_flight;
  std::array<Counter, kRejectReasons> rejected;
  Counter recovered;
  Counter hedges_won;   ///< The hedge's response went to the client.
  Counter hedges_lost;  ///< Another attempt's did, or none.
  Counter bytes_in;
  Counter bytes_out;
  Counter attempts;  ///< For `/routes`: requests against attempts.
  std::array<Counter, kFailureClasses> retries;
  std::array<Counter, kDenyReasons> denied;
  Counter backoff_ns;
  Counter replay_overflows;
};

/// Attempts of one endpoint, only with `metrics.per_endpoint`. A slot is reused when its endpoint
/// has left the name's answer; the epoch tells whose numbers these are.
struct EndpointCounters {
  Counter epoch;
  std::array<Counter, kAttemptResults> attempts;
};

/// What one worker counted for one upstream.
struct UpstreamCounters {
  UpstreamCounters(const std::vector<Duration>& edges, std::size_t endpoint_slots)
      : attempt_duration(edges),
        queue_wait(edges),
        connect_duration(edges),
        endpoints(endpoint_slots) {}

  static constexpr std::size_t attempt_column(AttemptKind kind, AttemptResult result) {
    return static_cast<std::size_t>(kind) * kAttemptResults + static_cast<std::size_t>(result);
  }
  void connect_ended(ConnectResult result, Duration took) {
    connects[static_cast<std::size_t>(result)].add();
    connect_duration.observe(took);
  }
  /// `wall_now` is remembered when the look-up gave addresses.
  void lookup_ended(DnsResult result, WallTime wall_now) {
    lookups[static_cast<std::size_t>(result)].add();
    if (result == DnsResult::Ok) {
      last_lookup_ms.set(static_cast<std::uint64_t>(wall_now.time_since_epoch().count()));
    }
  }

  ByStatus<kAttemptKinds * kAttemptResults> attempts;  ///< Column: attempt_column().
  Histogram attempt_duration;
  Histogram queue_wait;
  Histogram connect_duration;
  std::array<Counter, kConnectResults> connects;
  Gauge connections_active;  ///< Established connections that serve an attempt.
  Gauge connections_idle;    ///< Established connections that wait for one.
  std::array<Counter, kDnsResults> lookups;
  Counter last_lookup_ms;  ///< Wall time of the last successful look-up; 0 = none yet.
  std::vector<EndpointCounters> endpoints;  ///< By slot; empty unless asked for.
};

struct ListenerCounters {
  void opened() {
    open.add(1);
    accepted.add();
  }
  void closed() { open.add(-1); }

  Gauge open;
  Counter accepted;
  Counter exhausted;  ///< Pauses of accepting.
};

/// Everything one worker counts. The worker writes, the admin thread reads; nothing is shared with
/// other workers and nothing is allocated after the constructor.
class WorkerMetrics {
 public:
  /// Endpoints beyond this many slots are not counted one by one.
  static constexpr std::size_t kEndpointSlots = 256;

  explicit WorkerMetrics(const config::Config& config);
  WorkerMetrics(const WorkerMetrics&) = delete;
  WorkerMetrics& operator=(const WorkerMetrics&) = delete;

  /// Counts a request that has ended, with its attempts, retries and waits. Call once a request,
  /// while the report's pins hold. `in_flight` is separate: see RouteCounters.
  void record(const exchange::Report& report);

  /// `index` as in the configuration; exchange::Report::kNone = matched no route.
  RouteCounters& route(std::size_t index) {
    return *routes_[index < routes_.size() ? index : routes_.size() - 1];
  }
  const RouteCounters& route(std::size_t index) const {
    return *routes_[index < routes_.size() ? index : routes_.size() - 1];
  }
  UpstreamCounters& upstream(std::size_t index) { return *upstreams_[index]; }
  const UpstreamCounters& upstream(std::size_t index) const { return *upstreams_[index]; }
  ListenerCounters& listener(std::size_t index) { return listeners_[index]; }
  const ListenerCounters& listener(std::size_t index) const { return listeners_[index]; }

  Gauge replay_bytes;        ///< Held for replaying bodies.
  Histogram event_loop_lag;  ///< Between when a timer was due and when it ran.

 private:
  void record_tries(const exchange::Report& report, RouteCounters& route);
  static void record_endpoint(UpstreamCounters& upstream, const exchange::TryReport& attempt);

  // Counters cannot be moved. A deque would compute each address anew, 30 instructions a look.
  std::vector<std::unique_ptr<RouteCounters>> routes_;  ///< One more than the configuration has.
  std::vector<std::unique_ptr<UpstreamCounters>> upstreams_;
  std::vector<ListenerCounters> listeners_;
};

}  // namespace fusegate::telemetry
