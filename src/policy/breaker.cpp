#include <fusegate/policy/breaker.hpp>

#include <algorithm>

namespace fusegate::policy {
namespace {

using std::chrono::seconds;

/// How long a breaker must have been closed for the next opening to start at `open.initial` again.
constexpr Duration kHealthyAfter = seconds{60};
/// For so long after the wait, only repeatable requests are risked as probes.
constexpr Duration kRepeatableOnly = seconds{1};
/// When a refused caller should ask again if no better time is known.
constexpr Duration kAskAgain = seconds{1};
/// In shadow mode, of attempts that would not have been made: no generation is ever theirs, so
/// their results move nothing, and the machine lives the very life it would have in force.
constexpr Permit kNoVote{.generation = 0, .probe = 0};

}  // namespace

Breaker::Breaker(const BreakerSettings& settings, Instant now)
    : settings_(settings), window_(settings.failure_rate.window), state_(home()), since_(now) {
  // A machine that takes no probe, or needs no success, would have no way out of half-open.
  settings_.half_open.probes = std::clamp<std::uint32_t>(settings_.half_open.probes, 1, kLeasesMax);
  settings_.half_open.successes = std::max<std::uint32_t>(settings_.half_open.successes, 1);
  if (settings.mode == BreakerMode::Shed) {
    throttle_.emplace(settings.failure_rate.window, settings.failure_rate.min_requests);
  }
}

/// Where it begins, and where a ramp ends.
BreakerState Breaker::home() const {
  switch (settings_.mode) {
    case BreakerMode::Off:
      return BreakerState::Disabled;
    case BreakerMode::Open:
    case BreakerMode::Shed:
    case BreakerMode::Shadow:
      break;
  }
  return BreakerState::Closed;
}

// The life of a breaker. This is the only place where the state changes.
//
//                  improbable run of failures, failure rate, slow rate
//    +----------+ ----------------------------------------------------> +----------+
//    |  Closed  |                                                       |   Open   | <----+
//    +----------+ <---------------------+                               +----------+      |
//         ^                             | probes ok,                         |            |
//         | ramp done                   | no ramp                wait elapsed|            |
//         |                             |                                    v            |
//    +----------+                       +------------------------------ +----------+      |
//    |   Ramp   | <---------------------------------------------------- | HalfOpen | -----+
//    +----------+                    probes ok                          +----------+      |
//         |                                            a probe failed or its lease ran out|
//         +-------------------------------------------------------------------------------+
//                                    too many failures again
//
// Every arrow begins a new generation, so results of attempts admitted before it are not heard any
// more. An operator's word leads from everywhere to ForcedOpen or Disabled, and its end from there
// to Closed (with mode: off to Disabled, where such a breaker lives). A health check's word leads
// to ForcedOpen and back through Ramp; of a breaker that is off, that ramp ends in Disabled and
// judges nothing. In shed mode there are two more arrows, Closed <-> Ramp, which only tell that
// some are refused: no new generation.
void Breaker::move(BreakerState to, TransitionReason reason, Instant at) {
  if (pending_count_ == kPendingMax) {
    pending_head_ = (pending_head_ + 1) % kPendingMax;
    --pending_count_;
  }
  pending_[(pending_head_ + pending_count_) % kPendingMax] = {state_, to, reason, at};
  ++pending_count_;
  state_ = to;
  since_ = at;
}

void Breaker::enter(BreakerState to, TransitionReason reason, Instant at) {
  move(to, reason, at);
  ++generation_;
  switch (to) {
    case BreakerState::HalfOpen:
      leases_.fill(Lease{});
      successes_ = 0;
      [[fallthrough]];
    case BreakerState::Closed:
    case BreakerState::Ramp:
      // What was seen before must not count again: the thresholds are exact after every entry.
      window_.clear();
      run_ = 0;
      ended_run_ = 0;
      hold_until_ = Instant{};
      break;
    case BreakerState::Open:
    case BreakerState::ForcedOpen:
    case BreakerState::Disabled:
      break;
  }
}

void Breaker::open(TransitionReason reason, Rng& rng, Instant at) {
  if (state_ == BreakerState::Closed && at - since_ >= kHealthyAfter) {
    opened_ = 0;
  }
  const BackoffSettings wait{.kind = BackoffKind::Exponential,
                             .initial = settings_.open.initial,
                             .max = settings_.open.max,
                             .factor = settings_.open.factor,
                             .jitter = settings_.open.jitter};
  ++opened_;
  open_until_ = after(at, backoff_delay(wait, opened_, Duration::zero(), rng));
  if (hold_until_ > open_until_) {
    open_until_ = hold_until_;
    reason = TransitionReason::RetryAfter;
  }
  enter(BreakerState::Open, reason, at);
}

void Breaker::hasten(Instant now) {
  if (state_ == BreakerState::Open && now < open_until_ && hold_until_ <= now) {
    open_until_ = now;
    opened_ -= opened_ > 0 ? 1 : 0;
  }
}

void Breaker::tick(Rng& rng, Instant now) {
  // One long-overdue call may have several arrows to follow: probe lost, then wait elapsed.
  while (step(rng, now)) {
  }
}

bool Breaker::step(Rng& rng, Instant now) {
  switch (state_) {
    case BreakerState::Open:
      if (now < open_until_) {
        return false;
      }
      enter(BreakerState::HalfOpen, TransitionReason::WaitElapsed, open_until_);
      return true;
    case BreakerState::HalfOpen:
      return lose_probe(rng, now);
    case BreakerState::Ramp:
      if (throttle_) {
        return calm_down(now);
      }
      if (now < after(since_, settings_.ramp.over)) {
        return false;
      }
      enter(home(), TransitionReason::RampDone, after(since_, settings_.ramp.over));
      return true;
    case BreakerState::ForcedOpen:
    case BreakerState::Disabled:
      if (forced_ == Forced::No || now < forced_until_) {
        return false;
      }
      release(forced_until_);
      return true;
    case BreakerState::Closed:
      break;
  }
  return false;
}

bool Breaker::lose_probe(Rng& rng, Instant now) {
  Instant lost_at = kNever;
  for (const Lease& lease : leases_) {
    if (lease.number != 0 && lease.expires <= now) {
      lost_at = std::min(lost_at, lease.expires);
    }
  }
  if (lost_at == kNever) {
    return false;
  }
  ++probe_counts_.lost;
  open(TransitionReason::ProbeLost, rng, lost_at);
  return true;
}

Admission Breaker::admit(bool repeatable, Duration lease, Rng& rng, Instant now) {
  tick(rng, now);
  const Admission answer = judge(repeatable, lease, rng, now);
  if (answer.permit || settings_.mode != BreakerMode::Shadow || forced_ == Forced::Open) {
    return answer;
  }
  ++would_have_refused_;
  return {kNoVote, {}};
}

Admission Breaker::judge(bool repeatable, Duration lease, Rng& rng, Instant now) {
  switch (state_) {
    case BreakerState::Closed:
      if (throttle_) {
        return admit_share(rng, now);
      }
      break;
    case BreakerState::Disabled:
      break;
    case BreakerState::Ramp:
      if (throttle_) {
        return admit_share(rng, now);
      }
      if (rng.uniform() < admitted_share(now)) {
        break;
      }
      return {std::nullopt, std::min(after(since_, settings_.ramp.over), after(now, kAskAgain))};
    case BreakerState::HalfOpen:
      return admit_probe(repeatable, lease, now);
    case BreakerState::Open:
    case BreakerState::ForcedOpen:
      return {std::nullopt, refuses_until(now).value_or(open_until_)};
  }
  return {Permit{.generation = generation_, .probe = 0}, {}};
}

Admission Breaker::admit_probe(bool repeatable, Duration lease, Instant now) {
  const Instant anyone_from = after(since_, kRepeatableOnly);
  if (!repeatable && now < anyone_from) {
    return {std::nullopt, anyone_from};
  }
  if (probes_in_flight() < settings_.half_open.probes) {
    Lease& free = *find_lease(0);
    free.number = next_lease_;
    free.expires = after(now, std::max(lease, Duration{1}));
    next_lease_ = next_lease_ == UINT32_MAX ? 1 : next_lease_ + 1;
    return {Permit{.generation = generation_, .probe = free.number}, {}};
  }
  Instant ask_at = after(now, kAskAgain);
  for (const Lease& held : leases_) {
    ask_at = held.number != 0 ? std::min(ask_at, held.expires) : ask_at;
  }
  return {std::nullopt, ask_at};
}

Breaker::Lease* Breaker::find_lease(std::uint32_t number) {
  const auto found = std::ranges::find(leases_, number, &Lease::number);
  return found == leases_.end() ? nullptr : &*found;
}

std::uint32_t Breaker::probes_in_flight() const {
  if (state_ != BreakerState::HalfOpen) {
    return 0;
  }
  return static_cast<std::uint32_t>(
      std::ranges::count_if(leases_, [](const Lease& lease) { return lease.number != 0; }));
}

double Breaker::admitted_share(Instant now) const {
  switch (state_) {
    case BreakerState::Closed:
    case BreakerState::Disabled:
      return 1.0;
    case BreakerState::Ramp: {
      if (throttle_) {
        return 1.0 - throttle_->refused_share(now);
      }
      const double from = std::min(settings_.ramp.from.value(), 1.0);
      const auto elapsed = static_cast<double>(std::max(now - since_, Duration::zero()).count());
      const double done = elapsed / static_cast<double>(settings_.ramp.over.count());
      return std::min(from + (1.0 - from) * done, 1.0);
    }
    case BreakerState::Open:
    case BreakerState::HalfOpen:
    case BreakerState::ForcedOpen:
      break;
  }
  return 0.0;
}

std::optional<Transition> Breaker::take_transition() {
  if (pending_count_ == 0) {
    return std::nullopt;
  }
  const Transition oldest = pending_[pending_head_];
  pending_head_ = (pending_head_ + 1) % kPendingMax;
  --pending_count_;
  return oldest;
}

}  // namespace fusegate::policy
