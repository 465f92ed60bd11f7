// What the results of attempts do to a breaker: counting, and the rules that open it.
#include <fusegate/policy/breaker.hpp>

#include <algorithm>
#include <cmath>

namespace fusegate::policy {
namespace {

/// A run of failures less likely than this at the rate before it is an outage, not bad luck. At
/// most one false opening in a million attempts. The excess lets a rate of exactly 0.1 reach it
/// with six, which binary fractions would miss by the last bit.
constexpr double kImprobable = 1e-6 * (1.0 + 1e-12);
/// The ramp must be able to end before it has let enough traffic through for `min_requests`.
constexpr std::uint32_t kRampMinAttempts = 5;

/// Has `count` of `total` reached `threshold`? Exact: "50 % of 20" is reached by 10, not by 9.
bool reached(std::uint64_t count, std::uint64_t total, std::uint32_t min_total, Ratio threshold) {
  return threshold.millionths > 0 && total > 0 && total >= min_total &&
         count * 1'000'000 >= total * threshold.millionths;
}

}  // namespace

void Breaker::settle(Permit permit, Verdict verdict, Duration latency,
                     std::optional<Duration> retry_after, Rng& rng, Instant now) {
  tick(rng, now);
  if (permit.generation != generation_) {
    return;
  }
  const bool slow =
      settings_.slow_rate.threshold.millionths > 0 && latency > settings_.slow_rate.slower_than;
  if (verdict == Verdict::Failure) {
    hold(retry_after, now);
  }
  switch (state_) {
    case BreakerState::Closed:
    case BreakerState::Ramp:
    case BreakerState::Disabled:
      if (throttle_) {
        tell_throttle(verdict, latency, now);
      }
      settle_attempt(verdict, slow, rng, now);
      break;
    case BreakerState::HalfOpen:
      settle_probe(permit.probe, verdict, rng, now);
      break;
    case BreakerState::Open:
    case BreakerState::ForcedOpen:
      break;  // They give out no permits, so none of their generation can come back.
  }
}

void Breaker::settle_attempt(Verdict verdict, bool slow, Rng& rng, Instant now) {
  bool failed = true;
  switch (verdict) {
    case Verdict::Ignored:
      return;
    case Verdict::Success:
      failed = false;
      ended_run_ = run_;
      run_ = 0;
      hold_until_ = Instant{};
      break;
    case Verdict::Failure:
      ++run_;
      break;
    case Verdict::Overload:
      break;
  }
  window_.add({.total = 1, .failed = failed ? 1U : 0U, .slow = slow ? 1U : 0U}, now);
  if (failed || slow) {
    open_if_tripped(rng, now);
  }
}

void Breaker::settle_probe(std::uint32_t probe, Verdict verdict, Rng& rng, Instant now) {
  Lease* const lease = probe != 0 ? find_lease(probe) : nullptr;
  if (lease == nullptr) {
    return;  // Settled before.
  }
  *lease = Lease{};
  switch (verdict) {
    case Verdict::Ignored:
      break;
    case Verdict::Failure:
    case Verdict::Overload:
      ++probe_counts_.failed;
      open(TransitionReason::ProbeFailed, rng, now);
      break;
    case Verdict::Success:
      ++probe_counts_.ok;
      ++successes_;
      if (successes_ >= settings_.half_open.successes) {
        const bool ramps = settings_.ramp.over > Duration::zero();
        enter(ramps ? BreakerState::Ramp : BreakerState::Closed, TransitionReason::ProbesOk, now);
      }
      break;
  }
}

void Breaker::record_failure(Permit permit, Rng& rng, Instant now) {
  tick(rng, now);
  if (permit.generation != generation_) {
    return;
  }
  switch (state_) {
    case BreakerState::Closed:
    case BreakerState::Ramp:
    case BreakerState::Disabled:
      run_ = (run_ == 0 ? ended_run_ : run_) + 1;
      ended_run_ = 0;
      window_.add({.total = 0, .failed = 1, .slow = 0}, now);
      if (throttle_) {
        throttle_->take_back(now);
      }
      open_if_tripped(rng, now);
      break;
    case BreakerState::HalfOpen:
      ++probe_counts_.failed;
      open(TransitionReason::ProbeFailed, rng, now);
      break;
    case BreakerState::Open:
    case BreakerState::ForcedOpen:
      break;
  }
}

void Breaker::hold(std::optional<Duration> retry_after, Instant now) {
  if (retry_after) {
    hold_until_ = std::max(hold_until_, after(now, std::min(*retry_after, kBreakerHoldMax)));
  }
}

RollingWindow::Counts Breaker::window(Instant now) {
  RollingWindow::Counts seen = window_.sum(now);
  // A late fault has no attempt of its own; the one it belongs to may have left the window first.
  seen.total = std::max(seen.total, seen.failed);
  return seen;
}

void Breaker::open_if_tripped(Rng& rng, Instant now) {
  if (state_ == BreakerState::Disabled || home() == BreakerState::Disabled || throttle_) {
    return;
  }
  const auto reason = trip_reason(now);
  if (reason) {
    open(state_ == BreakerState::Ramp ? TransitionReason::RampFailed : *reason, rng, now);
  }
}

std::optional<TransitionReason> Breaker::trip_reason(Instant now) {
  const RollingWindow::Counts seen = window(now);
  const std::uint32_t min_total =
      state_ == BreakerState::Ramp ? kRampMinAttempts : settings_.failure_rate.min_requests;
  if (run_is_improbable(seen)) {
    return TransitionReason::ConsecutiveFailures;
  }
  if (reached(seen.failed, seen.total, min_total, settings_.failure_rate.threshold)) {
    return TransitionReason::FailureRate;
  }
  if (reached(seen.slow, seen.total, min_total, settings_.slow_rate.threshold)) {
    return TransitionReason::SlowRate;
  }
  return std::nullopt;
}

bool Breaker::run_is_improbable(const RollingWindow::Counts& seen) const {
  if (settings_.consecutive_failures == 0 || run_ < settings_.consecutive_failures) {
    return false;
  }
  // The oldest failures of a long run may have left the window; then those left are all of the run.
  const std::uint64_t of_run = std::min<std::uint64_t>(run_, seen.failed);
  const std::uint64_t others = seen.total - of_run;
  if (others == 0 || others < settings_.failure_rate.min_requests) {
    return true;
  }
  const double rate = static_cast<double>(seen.failed - of_run) / static_cast<double>(others);
  return std::pow(rate, run_) <= kImprobable;
}

}  // namespace fusegate::policy
