#include "upstream/health_prober.hpp"

#include "net/clock.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace fusegate::upstream {
namespace {

/// How often is looked for checks that are due. Chosen: well below the shortest interval.
constexpr Duration kSweep = std::chrono::milliseconds{50};

}  // namespace

HealthProber::HealthProber(std::vector<Upstream*> upstreams, telemetry::Logger& log)
    : upstreams_(std::move(upstreams)), log_(log) {
  std::erase_if(upstreams_, [](Upstream* each) { return !each->settings().health_check; });
}

void HealthProber::start() {
  if (upstreams_.empty()) {
    return;
  }
  timers_.set(*this, net::now());
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "fusegate-health");
    loop_.run();
  });
}

void HealthProber::stop() {
  if (!thread_.joinable()) {
    return;
  }
  loop_.post([this] { loop_.stop(); });
  thread_.join();
  running_.clear();
}

void HealthProber::on_timer(Instant now) {
  sweep(now);
  timers_.set(*this, after(now, kSweep));
}

void HealthProber::sweep(Instant now) {
  for (std::size_t i = 0; i < upstreams_.size() && running_.size() < kAtOnce; ++i) {
    const std::size_t index = (first_ + i) % upstreams_.size();
    const std::size_t places = kAtOnce - running_.size();
    const auto due = upstreams_[index]->with(
        [&](exchange::UpstreamState& state) { return state.start_checks(places, now); });
    for (const auto& check : due) {
      launch(index, check);
    }
  }
  first_ = (first_ + 1) % upstreams_.size();
}

void HealthProber::launch(std::size_t upstream, const exchange::UpstreamState::DueCheck& check) {
  Upstream& asked = *upstreams_[upstream];
  const policy::HealthSettings& health = *asked.settings().health_check;
  HealthAttempt::Target target{.check = check,
                               .upstream = upstream,
                               .authority = asked.origin_of(check.endpoint).authority,
                               .path = health.path,
                               .timeout = health.timeout,
                               .tls = {},
                               .server_name = {}};
  if (const net::TlsSource* const tls = asked.tls()) {
    target.tls = tls->context();
    target.server_name = asked.server_name_of(check.endpoint);
  }
  running_.emplace_back(
      loop_, timers_, std::move(target),
      [this](HealthAttempt& attempt, const std::string& problem) { ended(attempt, problem); });
  running_.back().begin();
}

void HealthProber::ended(const HealthAttempt& attempt, const std::string& problem) {
  const auto result =
      upstreams_[attempt.target().upstream]->with([&](exchange::UpstreamState& state) {
        return state.finish_check(attempt.target().check, problem, net::now());
      });
  tell(attempt, problem, result);
  // Later, because the attempt still stands on the stack.
  loop_.post([this, gone = &attempt] {
    running_.remove_if([gone](const HealthAttempt& each) { return &each == gone; });
  });
}

void HealthProber::tell(const HealthAttempt& attempt, const std::string& problem,
                        const exchange::UpstreamState::CheckResult& result) {
  const std::string_view upstream = upstreams_[attempt.target().upstream]->settings().name;
  const std::string_view endpoint = attempt.target().check.endpoint;
  switch (result.change) {
    case policy::Health::Change::None:
      if (!problem.empty()) {
        log_.debug(
            "health check failed",
            {{"upstream", upstream}, {"endpoint", endpoint}, {"error", std::string_view{problem}}});
      }
      break;
    case policy::Health::Change::WentDown:
      log_.warn("endpoint is unhealthy", {{"upstream", upstream},
                                          {"endpoint", endpoint},
                                          {"error", std::string_view{problem}},
                                          {"failed_checks", result.run},
                                          {"in_rotation", result.in_rotation}});
      break;
    case policy::Health::Change::CameUp:
      log_.info("endpoint is healthy again",
                {{"upstream", upstream}, {"endpoint", endpoint}, {"good_checks", result.run}});
      break;
  }
}

}  // namespace fusegate::upstream
