// What the mode and an operator's word change in the life of a breaker.
#include <fusegate/policy/breaker.hpp>

#include <algorithm>

namespace fusegate::policy {
namespace {

/// How long nothing must have been refused before a breaker that sheds says that it is over. Chosen
/// so that a share around zero does not fill the log.
constexpr Duration kCalm = std::chrono::seconds{5};
/// What a refused caller is told while the throttle refuses a share: others get through, so the
/// answer to the next call is open.
constexpr Duration kShedRetry = std::chrono::seconds{1};

}  // namespace

std::string_view word(BreakerMode mode) {
  switch (mode) {
    case BreakerMode::Open:
      return "open";
    case BreakerMode::Shed:
      return "shed";
    case BreakerMode::Shadow:
      return "shadow";
    case BreakerMode::Off:
      return "off";
  }
  return "";
}

std::string_view word(Forced forced) {
  switch (forced) {
    case Forced::No:
      return "auto";
    case Forced::Open:
      return "open";
    case Forced::Closed:
      return "close";
  }
  return "";
}

void Breaker::force(Forced how, Instant until, Rng& rng, Instant now) {
  tick(rng, now);
  if (how == Forced::No) {
    release(now);
    return;
  }
  forced_ = how;
  forced_until_ = until;
  const auto to = how == Forced::Open ? BreakerState::ForcedOpen : BreakerState::Disabled;
  if (state_ != to) {
    enter(to, TransitionReason::Operator, now);
  }
}

void Breaker::release(Instant at) {
  if (forced_ == Forced::No) {
    return;
  }
  forced_ = Forced::No;
  const bool off = settings_.mode == BreakerMode::Off;
  const auto to = off ? BreakerState::Disabled : BreakerState::Closed;
  if (state_ != to) {
    enter(to, TransitionReason::Operator, at);
  }
  opened_ = 0;
  if (throttle_) {
    throttle_->clear();
  }
}

std::optional<Instant> Breaker::refuses_until(Instant now) const {
  switch (state_) {
    case BreakerState::Open:
      if (now < open_until_ && settings_.mode != BreakerMode::Shadow) {
        return open_until_;
      }
      break;
    case BreakerState::ForcedOpen:
      // An operator may end it any time before it is due: clients come back as early as they
      // would to a breaker that has just opened.
      if (forced_ == Forced::No || now < forced_until_) {
        const Instant ends = forced_ == Forced::No ? kNever : forced_until_;
        return std::min(ends, after(now, settings_.open.initial));
      }
      break;
    case BreakerState::Closed:
    case BreakerState::HalfOpen:
    case BreakerState::Ramp:
    case BreakerState::Disabled:
      break;
  }
  return std::nullopt;
}

Admission Breaker::admit_share(Rng& rng, Instant now) {
  if (throttle_->admit(rng, now)) {
    return {Permit{.generation = generation_, .probe = 0}, {}};
  }
  last_shed_ = now;
  if (state_ == BreakerState::Closed) {
    move(BreakerState::Ramp, TransitionReason::FailureRate, now);
  }
  return {std::nullopt, after(now, kShedRetry), true};
}

/// Shedding ends when nothing has been refused for a while and nothing would be.
bool Breaker::calm_down(Instant now) {
  if (now - last_shed_ < kCalm || throttle_->refused_share(now) > 0) {
    return false;
  }
  move(BreakerState::Closed, TransitionReason::RampDone, now);
  return true;
}

void Breaker::tell_throttle(Verdict verdict, Duration latency, Instant now) {
  switch (verdict) {
    case Verdict::Success:
      throttle_->accepted(latency, now);
      break;
    case Verdict::Failure:
    case Verdict::Overload:
      throttle_->failed(latency, now);
      break;
    case Verdict::Ignored:
      throttle_->cancelled(latency, now);
      break;
  }
}

}  // namespace fusegate::policy
