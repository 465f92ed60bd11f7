#include <fusegate/policy/health.hpp>

#include <algorithm>

namespace fusegate::policy {
namespace {

/// The longest wait for the first check. Chosen: soon, but not all at once after a start.
constexpr Duration kFirstWithin = std::chrono::seconds{1};
/// Part of the interval by which a check comes early or late at most.
constexpr Duration::rep kJitterPart = 10;

}  // namespace

Health::Health(const HealthSettings& settings, Rng& rng, Instant now)
    : settings_(settings),
      started_(now),
      due_(after(now, rng.between(Duration::zero(), std::min(settings.interval, kFirstWithin)))) {}

void Health::start(Instant now) {
  started_ = now;
  // Whoever runs it may lose sight of it; then another one is due.
  due_ = after(after(now, settings_.timeout), settings_.interval);
}

Health::Change Health::finish(bool good, Rng& rng, Instant now) {
  const Duration jitter = settings_.interval / kJitterPart;
  const Duration pause = rng.between(settings_.interval - jitter, settings_.interval + jitter);
  due_ = std::max(after(started_, pause), now);  // A long check delays the next, never doubles it.
  run_ = good != last_good_ ? 1 : run_ + (run_ == UINT32_MAX ? 0 : 1);
  last_good_ = good;
  if (good && state_ != State::Up && run_ >= settings_.healthy) {
    const bool was_down = state_ == State::Down;
    state_ = State::Up;
    return was_down ? Change::CameUp : Change::None;
  }
  if (!good && state_ != State::Down && run_ >= settings_.unhealthy) {
    state_ = State::Down;
    return Change::WentDown;
  }
  return Change::None;
}

}  // namespace fusegate::policy
