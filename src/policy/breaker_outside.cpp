// A breaker moved from outside: taken out and let back, kept over a restart.
#include <fusegate/policy/breaker.hpp>

#include <algorithm>

namespace fusegate::policy {
namespace {

/// Far above any run of failures and any number of openings that a process lives to see.
constexpr std::uint32_t kTallyMax = 1'000'000'000;

}  // namespace

void Breaker::take_out(TransitionReason reason, Instant now) {
  if (state_ != BreakerState::ForcedOpen) {
    enter(BreakerState::ForcedOpen, reason, now);
  }
}

void Breaker::let_back(TransitionReason reason, Instant now) {
  if (state_ == BreakerState::ForcedOpen) {
    enter(settings_.ramp.over > Duration::zero() ? BreakerState::Ramp : home(), reason, now);
  }
}

Breaker::Snapshot Breaker::snapshot(Instant now) {
  const bool waits = state_ == BreakerState::Open;
  const bool held = hold_until_ > now;
  return {.state = state_,
          .since = since_,
          .open_until = waits ? open_until_ : Instant{},
          .hold_until = held ? hold_until_ : Instant{},
          .run = run_,
          .ended_run = ended_run_,
          .opened = opened_,
          .successes = successes_,
          .forced = forced_,
          .forced_until = forced_ == Forced::No ? Instant{} : forced_until_,
          .last_shed = last_shed_,
          .window = window_.snapshot(now),
          .throttle = throttle_ ? std::optional{throttle_->snapshot(now)} : std::nullopt};
}

bool Breaker::is_possible(const Snapshot& snapshot, Instant now) const {
  const std::uint32_t count = std::max({snapshot.run, snapshot.ended_run, snapshot.opened});
  if (snapshot.since > now || count > kTallyMax || snapshot.last_shed > now ||
      snapshot.hold_until > after(now, kBreakerHoldMax) ||
      snapshot.throttle.has_value() != throttle_.has_value()) {
    return false;
  }
  if (snapshot.forced != Forced::No) {
    const bool open = snapshot.forced == Forced::Open;
    return snapshot.state == (open ? BreakerState::ForcedOpen : BreakerState::Disabled);
  }
  const bool judges = home() == BreakerState::Closed;
  switch (snapshot.state) {
    case BreakerState::Closed:
      return judges;
    case BreakerState::Open:
      return judges && snapshot.open_until >= snapshot.since &&
             snapshot.open_until - snapshot.since <= std::max(settings_.open.max, kBreakerHoldMax);
    case BreakerState::HalfOpen:
      return judges && snapshot.successes < settings_.half_open.successes;
    case BreakerState::Ramp:
      return throttle_ || settings_.ramp.over > Duration::zero();
    case BreakerState::ForcedOpen:
      return true;
    case BreakerState::Disabled:
      return !judges;
  }
  return false;
}

bool Breaker::restore(const Snapshot& snapshot, Instant now) {
  std::optional<Throttle> throttle = throttle_;
  if (!is_possible(snapshot, now) || (throttle && !throttle->restore(*snapshot.throttle, now)) ||
      !window_.restore(snapshot.window, now)) {
    return false;
  }
  throttle_ = throttle;
  last_shed_ = snapshot.last_shed;
  state_ = snapshot.state;
  since_ = snapshot.since;
  open_until_ = snapshot.open_until;
  hold_until_ = snapshot.hold_until;
  run_ = snapshot.run;
  ended_run_ = snapshot.ended_run;
  opened_ = snapshot.opened;
  successes_ = snapshot.successes;
  forced_ = snapshot.forced;
  forced_until_ = snapshot.forced_until;
  leases_.fill(Lease{});
  return true;
}

}  // namespace fusegate::policy
