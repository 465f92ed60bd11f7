#pragma once

#include "net/clock.hpp"
#include "net/event_loop.hpp"
#include "net/timer_queue.hpp"
#include "telemetry/log.hpp"
#include "upstream/health_attempt.hpp"
#include "upstream/upstream.hpp"

#include <cstddef>
#include <list>
#include <memory>
#include <thread>
#include <vector>

namespace fusegate::upstream {

/// Makes the active checks of all upstreams that ask for them: one for the whole process, with an
/// event loop on a thread of its own, so that requests never wait for a check and several workers
/// do not check several times. Which endpoint is due, and what a result means, is decided by the
/// upstream's state; endpoints that come and go with their name are therefore nothing it must know.
class HealthProber final : private net::Timer {
 public:
  /// Checks at once, over all upstreams. More endpoints are checked one after the other; with
  /// time-outs of a second and an interval of five, 320 that hang are still checked on time.
  static constexpr std::size_t kAtOnce = 64;

  /// `upstreams` outlive it; those without `health_check` are passed over.
  HealthProber(std::vector<Upstream*> upstreams, telemetry::Logger& log);
  HealthProber(const HealthProber&) = delete;
  HealthProber& operator=(const HealthProber&) = delete;
  ~HealthProber() override { stop(); }

  /// Does nothing when no upstream is checked.
  void start();
  /// Drops the checks under way; they count as nothing. May be called twice.
  void stop();

 private:
  void on_timer(Instant now) override;
  void sweep(Instant now);
  void launch(std::size_t upstream, const exchange::UpstreamState::DueCheck& check);
  void ended(const HealthAttempt& attempt, const std::string& problem);
  void tell(const HealthAttempt& attempt, const std::string& problem,
            const exchange::UpstreamState::CheckResult& result);

  std::vector<Upstream*> upstreams_;
  telemetry::Logger& log_;
  net::TimerQueue timers_{nullptr, nullptr};
  net::EventLoop loop_{timers_, net::now()};
  std::list<HealthAttempt> running_;
  std::size_t first_ =
      0;  ///< The upstream that is asked first; it moves on, so that all get turns.
  std::thread thread_;
};

}  // namespace fusegate::upstream
