#include "app/data_plane.hpp"

#include "net/clock.hpp"
#include "proxy/session.hpp"
#include "telemetry/give_way.hpp"

#include <algorithm>
#include <future>
#include <random>

namespace fusegate::app {
namespace {

/// How long the first look-ups may hold up accepting. Chosen: a resolver that works is much faster.
constexpr Duration kFirstLookUps = std::chrono::seconds{1};

}  // namespace

DataPlane::DataPlane(const config::ConfigPtr& config, telemetry::Logger& log,
                     telemetry::Metrics& metrics, telemetry::AccessLogWriter& access_writer)
    : log_(log),
      metrics_(metrics),
      certificates_(log),
      shared_{config, route::RouteTable{config}, {}, {}, log} {
  std::random_device entropy;
  const Instant now = net::now();
  for (const auto& settings : config->upstreams) {
    const std::uint64_t seed = (std::uint64_t{entropy()} << 32) | entropy();
    shared_.upstreams.push_back(std::make_unique<upstream::Upstream>(settings, seed, now));
  }
  for (const auto& listener : config->listeners) {
    shared_.listener_tls.push_back(
        listener.uses_tls() ? std::make_unique<net::TlsSource>(listener.tls) : nullptr);
  }
  add_certificates();
  for (std::size_t index = 0; index < config->runtime.workers; ++index) {
    workers_.push_back(
        std::make_unique<proxy::Worker>(shared_, metrics.worker(index), access_writer, index, now));
  }
}

DataPlane::~DataPlane() { stop(); }

void DataPlane::add_certificates() {
  for (std::size_t at = 0; at < shared_.listener_tls.size(); ++at) {
    if (const auto& tls = shared_.listener_tls[at]) {
      certificates_.add("listener", shared_.config->listeners[at].name, *tls);
    }
  }
  for (const auto& upstream : shared_.upstreams) {
    if (net::TlsSource* const tls = upstream->tls()) {
      certificates_.add("upstream", upstream->settings().name, *tls);
    }
  }
}

void DataPlane::start() {
  certificates_.start();
  resolve_fixed();
  for (auto& worker : workers_) {
    worker->start();
  }
  resolver_->start();
  if (!resolved()) {
    // Clients wait in the backlog meanwhile: better than a refusal in the first milliseconds.
    first_answers_.get_future().wait_for(kFirstLookUps);
  }
  start_checks();
  for (auto& [worker, listener] : listeners_) {
    worker.loop.post([&listener] { listener->start(); });
  }
}

/// Lists of addresses need no resolver; all names go to it.
void DataPlane::resolve_fixed() {
  std::vector<upstream::Resolver::Name> names;
  const Instant now = net::now();
  for (std::size_t id = 0; id < shared_.upstreams.size(); ++id) {
    const auto& settings = shared_.config->upstreams[id];
    upstream::Upstream::Addresses fixed;
    for (std::size_t at = 0; at < settings.endpoints.size(); ++at) {
      const config::Endpoint& endpoint = settings.endpoints[at];
      const std::string host =
          endpoint.host.find(':') != std::string::npos ? "[" + endpoint.host + "]" : endpoint.host;
      const std::string text = endpoint.path.empty() ? host + ":" + std::to_string(endpoint.port)
                                                     : "unix:" + endpoint.path;
      if (endpoint.host != "localhost" && net::parse_address(text)) {
        fixed[at] = {text};
      } else {
        names.push_back({endpoint, settings.dns});
        names_.push_back({id, at});
      }
    }
    if (!fixed.empty()) {
      shared_.upstreams[id]->add_fixed(std::move(fixed), now);
    }
  }
  unresolved_ = names.size();
  name_failed_.resize(names.size());
  first_done_.resize(names.size());
  resolver_ = std::make_unique<upstream::Resolver>(
      std::move(names),
      [this](std::size_t name, const upstream::Resolved& result) { on_resolved(name, result); });
}

void DataPlane::start_checks() {
  std::vector<upstream::Upstream*> all;
  for (const auto& upstream : shared_.upstreams) {
    all.push_back(upstream.get());
  }
  prober_ = std::make_unique<upstream::HealthProber>(std::move(all), log_);
  prober_->start();
}

void DataPlane::on_resolved(std::size_t name, const upstream::Resolved& result) {
  const auto [id, endpoint] = names_[name];
  upstream::Upstream& upstream = *shared_.upstreams[id];
  auto& counters = metrics_.worker(workers_.size()).upstream(id);
  const Instant now = net::now();
  const bool found = result && !result->empty();
  counters.lookup_ended(found ? telemetry::DnsResult::Ok : telemetry::DnsResult::NotFound,
                        net::wall_now());
  if (found) {
    upstream.set_resolved(endpoint, *result, now, &proxy::Session::grant_slot);
  } else if (!shared_.config->upstreams[id].dns.keep_last_good) {
    upstream.set_resolved(endpoint, {}, now, &proxy::Session::grant_slot);
  }
  const bool failed = !found;
  if (failed != name_failed_[name].load(std::memory_order_relaxed)) {
    name_failed_[name].store(failed, std::memory_order_relaxed);
    const std::string_view text = upstream.settings().name;
    if (failed) {
      log_.warn("name of the upstream does not resolve",
                {{"upstream", text},
                 {"error", std::string_view{result ? "no address" : result.error()}}});
    } else {
      log_.info("name of the upstream resolves again", {{"upstream", text}});
    }
  }
  if (!first_done_[name].exchange(true, std::memory_order_relaxed)) {
    if (unresolved_.fetch_sub(1, std::memory_order_relaxed) == 1) {
      first_answers_.set_value();
    }
  }
}

void DataPlane::on_worker(proxy::Worker& worker, const std::function<void()>& task) {
  std::promise<void> done;
  worker.loop.post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

void DataPlane::stop_accepting() {
  for (auto& [worker, listener] : listeners_) {
    on_worker(worker, [&listener] { listener->close(); });
  }
}

void DataPlane::drain() {
  shared_.draining.store(true, std::memory_order_relaxed);
  if (prober_) {
    prober_->stop();
  }
  for (auto& worker : workers_) {
    on_worker(*worker, [&worker] { worker->drain(); });
  }
}

void DataPlane::stop() {
  if (stopped_) {
    return;
  }
  stopped_ = true;
  certificates_.stop();
  if (resolver_) {
    resolver_->stop();
  }
  if (prober_) {
    prober_->stop();
  }
  for (auto& worker : workers_) {
    worker->stop();
  }
  for (auto& worker : workers_) {
    worker->join();
  }
  listeners_.clear();
}

std::vector<telemetry::UpstreamSnapshot> DataPlane::upstream_snapshots() {
  std::vector<telemetry::UpstreamSnapshot> all;
  const WallTime wall_now = net::wall_now();
  for (auto& upstream : shared_.upstreams) {
    all.push_back(upstream->with([&](exchange::UpstreamState& state) {
      return telemetry::snapshot(state, net::now(), wall_now);
    }));
    telemetry::give_way();
  }
  return all;
}

std::vector<telemetry::EventSnapshot> DataPlane::events() {
  std::vector<telemetry::EventSnapshot> all;
  const WallTime wall_now = net::wall_now();
  for (auto& upstream : shared_.upstreams) {
    const auto some = upstream->with([&](exchange::UpstreamState& state) {
      return telemetry::events(state, net::now(), wall_now);
    });
    all.insert(all.end(), some.begin(), some.end());
  }
  std::ranges::stable_sort(all, {}, &telemetry::EventSnapshot::at);
  constexpr std::size_t kShown = 200;
  if (all.size() > kShown) {
    all.erase(all.begin(), all.end() - kShown);
  }
  return all;
}

void DataPlane::force_breaker(std::size_t upstream, policy::Forced how,
                              std::optional<Duration> length) {
  const Instant now = net::now();
  shared_.upstreams[upstream]->with([&](exchange::UpstreamState& state) {
    state.force_breaker(how, length ? after(now, *length) : kNever, now);
  });
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(length.value_or(Duration::zero()));
  log_.warn("breaker told by an operator",
            {{"upstream", std::string_view{shared_.config->upstreams[upstream].name}},
             {"word", word(how)},
             {"for_seconds", seconds.count()}});
  workers_.front()->log_events(*shared_.upstreams[upstream]);
}

}  // namespace fusegate::app
