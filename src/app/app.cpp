#include "app/app.hpp"

#include <fusegate/base/version.hpp>

#include "admin/server.hpp"
#include "app/data_plane.hpp"
#include "app/state_keeping.hpp"
#include "config_file/config_file.hpp"
#include "net/clock.hpp"
#include "telemetry/access_log_writer.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>
#include <optional>
#include <utility>

namespace fusegate::app {
namespace {

/// A step of waiting for signals while something else may become true. Chosen: unnoticeable.
constexpr Duration kStep = std::chrono::milliseconds{10};

/// Everything the process runs, wired together once.
class App {
 public:
  App(config::ConfigPtr config, std::string file)
      : config_(std::move(config)),
        file_(std::move(file)),
        started_(net::wall_now()),
        log_(config_->log),
        access_writer_(),
        // One more than workers: the resolver's threads count there.
        metrics_(config_, config_->runtime.workers + 1, started_),
        plane_(config_, log_, metrics_, access_writer_),
        state_(*config_, plane_, log_) {}

  bool start();
  void serve();

 private:
  admin::Sources sources();
  std::vector<admin::Check> checks() const;
  admin::ServerInfo info() const;
  bool ready() const;
  /// Waits at most `timeout` for a signal that ends the process.
  bool termination_within(Duration timeout);
  void announce();

  config::ConfigPtr config_;
  std::string file_;
  WallTime started_;
  telemetry::Logger log_;
  telemetry::AccessLogWriter access_writer_;
  telemetry::Metrics metrics_;
  DataPlane plane_;
  StateKeeping state_;
  std::unique_ptr<admin::Server> server_;
  std::atomic<bool> bound_{false};
  std::atomic<bool> draining_{false};
  mutable std::atomic<bool> was_ready_{false};
};

bool App::start() {
  if (const auto bound = plane_.bind(); !bound) {
    log_.error("start failed", {{"error", std::string_view{bound.error()}}});
    return false;
  }
  auto server = admin::Server::start(config_->status, config_->admin, sources());
  if (!server) {
    log_.error("start failed", {{"error", std::string_view{server.error()}}});
    return false;
  }
  server_ = std::move(*server);
  announce();
  state_.restore();
  plane_.start();
  state_.start();
  bound_.store(true);
  return true;
}

void App::announce() {
  const std::string status = server_->status_address();
  const std::string admin = server_->admin_address();
  for (const auto& [name, address] : {std::pair{"status", &status}, std::pair{"admin", &admin}}) {
    if (!address->empty()) {
      log_.info("listening", {{"listener", name}, {"address", std::string_view{*address}}});
    }
  }
  log_.info("started", {{"version", version()},
                        {"workers", config_->runtime.workers},
                        {"upstreams", config_->upstreams.size()},
                        {"routes", config_->routes.size()},
                        {"config", std::string_view{config_->hash}.substr(0, 12)}});
}

bool App::termination_within(Duration timeout) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    sigaddset(&signals, number);
  }
  const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
  const timespec limit{seconds.count(), static_cast<long>((timeout - seconds).count())};
  const int got = sigtimedwait(&signals, nullptr, &limit);
  if (got == SIGHUP) {
    log_.warn("reload is not supported yet; the configuration stays as it is");
    return false;
  }
  return got == SIGTERM || got == SIGINT;
}

void App::serve() {
  while (!termination_within(std::chrono::hours{1})) {
  }
  draining_.store(true);
  log_.info("shutting down", {{"connections", plane_.connections()}});
  const Instant accept_until = net::now() + config_->shutdown.delay;
  bool again = false;
  while (!again && net::now() < accept_until) {
    again = termination_within(std::min(kStep, accept_until - net::now()));
  }
  plane_.stop_accepting();
  plane_.drain();
  const Instant deadline = net::now() + config_->shutdown.drain_timeout;
  while (!again && plane_.connections() > 0 && net::now() < deadline) {
    again = termination_within(kStep);
  }
  if (const auto left = plane_.connections(); left > 0) {
    const std::string_view why = again ? "second signal" : "drain_timeout";
    log_.warn("connections were cut", {{"connections", left}, {"why", why}});
  }
  server_->stop();
  plane_.stop();
  state_.stop();
  log_.info("stopped");
}

bool App::ready() const {
  return std::ranges::all_of(checks(), [](const admin::Check& check) { return check.ok; });
}

std::vector<admin::Check> App::checks() const {
  std::vector<admin::Check> all{{"config", true},
                                {"listeners", bound_.load()},
                                {"dns", plane_.resolved()},
                                {"not_draining", !draining_.load()}};
  if (std::ranges::all_of(all, [](const admin::Check& check) { return check.ok; })) {
    was_ready_.store(true);
  }
  return all;
}

admin::ServerInfo App::info() const {
  admin::ServerInfo info;
  info.version = version();
  info.revision = revision();
  info.compiler = compiler();
  info.boost = boost();
  info.state = draining_.load() ? "draining" : bound_.load() ? "serving" : "starting";
  info.config_hash = config_->hash;
  info.config_file = file_;
  info.started = started_;
  info.config_loaded = started_;
  info.workers = config_->runtime.workers;
  info.listeners = plane_.addresses();
  return info;
}

admin::Sources App::sources() {
  admin::Sources all;
  all.ready = [this] { return checks(); };
  all.live = [] { return true; };
  all.started = [this] { return was_ready_.load() || ready(); };
  all.metrics = [this] {
    telemetry::ScrapeInput input;
    input.upstreams = plane_.upstream_snapshots();
    input.ready = ready();
    input.draining = draining_.load();
    input.log = log_.counts();
    input.access_dropped = access_writer_.dropped();
    return metrics_.scrape(input);
  };
  all.upstreams = [this] { return plane_.upstream_snapshots(); };
  all.routes = [this] { return metrics_.routes(); };
  all.transitions = [this] { return plane_.events(); };
  all.config = [this](bool defaults) {
    constexpr auto kJson = config_file::Format::Json;
    return defaults ? config_file::dump_defaults(kJson) : config_file::dump(*config_, kJson);
  };
  all.server_info = [this] { return info(); };
  all.wall_now = [] { return net::wall_now(); };
  all.force_breaker = [this](std::size_t upstream, policy::Forced how,
                             std::optional<Duration> length) {
    plane_.force_breaker(upstream, how, length);
  };
  return all;
}

/// Threads inherit the mask: only the main thread takes signals, by waiting for them.
void block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    sigaddset(&signals, number);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

/// A connection needs up to two descriptors; the soft limit is often 1024 for no good reason.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

/// The page of a large scrape goes back to the system. By itself glibc takes a large block that was
/// given back as a sign to keep the next one of that size.
void give_large_blocks_back() {
#if defined(__GLIBC__)
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

}  // namespace

int run(config::ConfigPtr config, std::string file) {
  block_signals();
  raise_descriptor_limit();
  give_large_blocks_back();
  App app{std::move(config), std::move(file)};
  if (!app.start()) {
    return 1;
  }
  app.serve();
  return 0;
}

}  // namespace fusegate::app
