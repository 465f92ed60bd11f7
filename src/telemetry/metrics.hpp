#pragma once

#include <fusegate/config/config.hpp>

#include "telemetry/log.hpp"
#include "telemetry/snapshot.hpp"
#include "telemetry/worker_metrics.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fusegate::telemetry {

/// What a scrape needs beside the counters of the workers.
struct ScrapeInput {
  std::vector<UpstreamSnapshot> upstreams;  ///< In the order of the configuration.
  bool ready = false;
  bool draining = false;
  Logger::Counts log;
  std::uint64_t access_dropped = 0;  ///< AccessLogWriter::dropped().
};

/// Sums over all workers for one route, for `/routes`.
struct RouteSnapshot {
  config::RouteConfig settings;
  std::string upstream;
  std::uint64_t requests = 0;
  std::array<std::uint64_t, kRequestResults> results{};
  std::uint64_t attempts = 0;
  std::uint64_t retries = 0;
  std::uint64_t denied = 0;
  std::uint64_t rejected = 0;
  std::uint64_t recovered = 0;
  std::int64_t in_flight = 0;
};

/// The metrics of the process: owns the counters of the workers and renders them, with snapshots of
/// the policies, as Prometheus text. `scrape` and `routes` may be called from any thread, one call
/// at a time; both read while the workers go on writing.
class Metrics {
 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  /// `workers` is the number of event loops, `loaded_at` when the configuration became active.
  Metrics(config::ConfigPtr config, std::size_t workers, WallTime loaded_at);
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics();

  /// For one worker's thread; valid as long as this object. `index` < workers.
  WorkerMetrics& worker(std::size_t index);

  /// All metrics in the text format 0.0.4.
  std::string scrape(const ScrapeInput& input);
  std::vector<RouteSnapshot> routes() const;

  const config::Config& config() const { return *config_; }

 private:
  config::ConfigPtr config_;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusegate::telemetry
