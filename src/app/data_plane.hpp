#pragma once

#include <fusegate/config/config.hpp>

#include "app/certificates.hpp"
#include "net/listener.hpp"
#include "proxy/worker.hpp"
#include "telemetry/metrics.hpp"
#include "upstream/health_prober.hpp"
#include "upstream/resolver.hpp"

#include <atomic>
#include <deque>
#include <expected>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace fusegate::app {

/// The workers, their listeners and the resolver: everything requests pass through. Every worker
/// listens, and the one that accepts a connection gives it to the worker with the fewest.
class DataPlane {
 public:
  DataPlane(const config::ConfigPtr& config, telemetry::Logger& log, telemetry::Metrics& metrics,
            telemetry::AccessLogWriter& access_writer);
  ~DataPlane();

  /// Reads the certificates and binds every listener, or says what failed and why; nothing is
  /// accepted before `start`.
  std::expected<void, std::string> bind();
  void start();

  /// Every name has been looked up once, with whatever result.
  bool resolved() const { return unresolved_.load(std::memory_order_relaxed) == 0; }
  std::vector<std::string> addresses() const { return addresses_; }

  void stop_accepting();
  /// Announces the end to clients; running requests go on.
  void drain();
  std::uint32_t connections() const { return shared_.connections.load(std::memory_order_relaxed); }
  /// Cuts what is left and ends the workers.
  void stop();

  const std::vector<std::unique_ptr<upstream::Upstream>>& upstreams() const {
    return shared_.upstreams;
  }
  std::vector<telemetry::UpstreamSnapshot> upstream_snapshots();
  std::vector<telemetry::EventSnapshot> events();
  /// An operator's word about a breaker, for so long or until the next; logged.
  void force_breaker(std::size_t upstream, policy::Forced how, std::optional<Duration> length);

 private:
  void add_certificates();
  void add_listener(proxy::Worker& worker, net::Listener::Bound bound, std::uint16_t index);
  void on_accept(proxy::Worker& here, int fd, const net::SocketAddress& peer,
                 std::uint16_t listener);
  void refuse_over_limit(proxy::Worker& here, int fd, std::uint16_t listener);
  void on_exhausted(proxy::Worker& here, int error, std::uint16_t listener);
  void on_resolved(std::size_t name, const upstream::Resolved& result);
  void resolve_fixed();
  void start_checks();
  /// Runs `task` on a worker's thread and waits for it.
  void on_worker(proxy::Worker& worker, const std::function<void()>& task);

  telemetry::Logger& log_;
  telemetry::Metrics& metrics_;
  Certificates certificates_;
  proxy::Shared shared_;
  std::vector<std::unique_ptr<proxy::Worker>> workers_;
  /// On whose loop it listens.
  struct PlacedListener {
    proxy::Worker& worker;
    std::unique_ptr<net::Listener> listener;
  };
  std::vector<PlacedListener> listeners_;
  std::vector<std::string> addresses_;
  std::mutex exhausted_mutex_;
  Instant exhausted_warned_{};  ///< Not again before this.
  /// A name that is resolved, by its place in the configuration.
  struct NamePlace {
    std::size_t upstream;
    std::size_t endpoint;
  };
  std::vector<NamePlace> names_;
  std::deque<std::atomic<bool>> name_failed_;  ///< By name, at its last look-up.
  std::deque<std::atomic<bool>> first_done_;   ///< By name.
  std::atomic<std::size_t> unresolved_{0};
  std::promise<void> first_answers_;  ///< Kept when every name has been looked up once.
  std::unique_ptr<upstream::Resolver> resolver_;
  std::unique_ptr<upstream::HealthProber> prober_;
  bool stopped_ = false;
};

}  // namespace fusegate::app
