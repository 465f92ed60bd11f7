// Random lives of a breaker: what must hold at every step, and that a healthy upstream always ends
// in Closed, however the probes were cancelled, lost or late.
#include "property/policy/seeds.hpp"
#include "unit/policy/breaker_rig.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLongestLease = 30s;
constexpr Duration kLongestForced = 60s;

BreakerSettings random_settings(Rng& rng) {
  BreakerSettings settings;
  settings.mode = rng.below(4) == 0 ? BreakerMode::Shadow : BreakerMode::Open;
  settings.consecutive_failures = static_cast<std::uint32_t>(rng.below(8));
  settings.failure_rate.threshold = Ratio::percent(static_cast<double>(rng.below(101)));
  settings.failure_rate.min_requests = static_cast<std::uint32_t>(rng.below(30));
  settings.failure_rate.window = rng.between(100ms, 30s);
  settings.slow_rate.threshold = Ratio::percent(static_cast<double>(rng.below(2) * 60));
  settings.open.initial = rng.between(1ms, 10s);
  settings.open.jitter = static_cast<Jitter>(rng.below(3));
  settings.half_open.probes = static_cast<std::uint32_t>(1 + rng.below(4));
  settings.half_open.successes = static_cast<std::uint32_t>(1 + rng.below(5));
  settings.ramp.from = Ratio::percent(static_cast<double>(rng.below(101)));
  settings.ramp.over = rng.between(0ms, 10s) * static_cast<int>(rng.below(2));
  return settings;
}

/// A permit that is out, or was: the chaos settles some late, twice or never.
struct Out {
  Permit permit;
  Instant expires;
  bool settled = false;
};

bool is_drawn(const Transition& moved) {
  using enum BreakerState;
  if (moved.reason == TransitionReason::Operator) {
    const bool forced = moved.from == ForcedOpen || moved.from == Disabled;
    return moved.to == ForcedOpen || moved.to == Disabled || (forced && moved.to == Closed);
  }
  switch (moved.from) {
    case Closed:
    case Ramp:
      return moved.to == Open || (moved.from == Ramp && moved.to == Closed);
    case Open:
      return moved.to == HalfOpen;
    case HalfOpen:
      return moved.to == Open || moved.to == Ramp || moved.to == Closed;
    case ForcedOpen:
    case Disabled:
      break;
  }
  return false;
}

class Chaos {
 public:
  explicit Chaos(std::uint64_t seed)
      : dice_(seed), settings_(random_settings(dice_)), rig_(settings_, seed + 1) {}

  void step() {
    rig_.pass(dice_.below(50) == 0 ? dice_.between(0ms, 90s) : dice_.between(0ms, 200ms));
    if (dice_.below(250) == 0) {
      force();
    }
    switch (dice_.below(8)) {
      case 0:
      case 1:
      case 2:
      case 3:
        ask();
        break;
      case 4:
      case 5:
      case 6:
        settle_any();
        break;
      default:
        if (!out_.empty()) {
          rig_.breaker.record_failure(any().permit, rig_.rng, rig_.now);
        }
        break;
    }
    check_life();
  }

  BreakerRig& rig() { return rig_; }

 private:
  Out& any() { return out_[dice_.below(out_.size())]; }

  void force() {
    const auto how = static_cast<Forced>(dice_.below(3));
    const Instant until = rig_.now + dice_.between(1s, kLongestForced);
    rig_.breaker.force(how, until, rig_.rng, rig_.now);
    EXPECT_EQ(rig_.breaker.forced(), how);
    if (how != Forced::No) {
      EXPECT_EQ(rig_.breaker.forced_until(), until);
    }
  }

  void ask() {
    const Duration lease = dice_.between(1ms, kLongestLease);
    const Admission admission = rig_.admit(dice_.below(2) == 0, lease);
    if (!admission.permit) {
      EXPECT_GT(admission.retry_at, rig_.now) << "asking at once again would be a busy loop";
      return;
    }
    const bool votes = admission.permit->generation != 0;
    EXPECT_TRUE(votes || settings_.mode == BreakerMode::Shadow);
    EXPECT_TRUE(!votes || admission.permit->generation == rig_.breaker.generation());
    EXPECT_TRUE(!votes || rig_.breaker.state() != BreakerState::Open);
    EXPECT_NE(rig_.breaker.state(), BreakerState::ForcedOpen);
    out_.push_back({*admission.permit, rig_.now + lease});
    check_probes();
  }

  /// Counted from the outside: probes of this generation that are neither settled nor expired.
  void check_probes() {
    const auto flying = std::ranges::count_if(out_, [this](const Out& each) {
      return each.permit.probe != 0 && each.permit.generation == rig_.breaker.generation() &&
             !each.settled && each.expires > rig_.now;
    });
    EXPECT_LE(flying, settings_.half_open.probes);
    EXPECT_EQ(flying, rig_.breaker.probes_in_flight());
  }

  void settle_any() {
    if (out_.empty()) {
      return;
    }
    Out& chosen = any();
    const auto verdict = static_cast<Verdict>(dice_.below(4));
    const auto retry_after =
        dice_.below(4) == 0 ? std::optional{dice_.between(0s, 100s)} : std::nullopt;
    rig_.breaker.tick(rig_.rng, rig_.now);
    const bool stale = chosen.permit.generation != rig_.breaker.generation();
    const std::string before = picture();
    rig_.settle(chosen.permit, verdict, dice_.between(0s, 2s), retry_after);
    if (stale) {
      EXPECT_EQ(picture(), before) << "a result of an older generation moved something";
    }
    chosen.settled = true;
  }

  std::string picture() {
    Breaker& b = rig_.breaker;
    const auto seen = b.window(rig_.now);
    std::string text{word(b.state())};
    for (const std::int64_t value :
         {b.since().time_since_epoch().count(), b.open_until().time_since_epoch().count(),
          static_cast<Duration::rep>(seen.total), static_cast<Duration::rep>(seen.failed),
          static_cast<Duration::rep>(seen.slow),
          static_cast<Duration::rep>(b.consecutive_failures()),
          static_cast<Duration::rep>(b.probes_in_flight()),
          static_cast<Duration::rep>(b.generation()),
          static_cast<Duration::rep>(b.probes().ok + b.probes().failed + b.probes().lost)}) {
      text += ' ' + std::to_string(value);
    }
    return text;
  }

  void check_life() {
    const std::uint32_t moved = rig_.breaker.generation() - generation_;
    const auto transitions = rig_.transitions();
    EXPECT_EQ(transitions.size(), moved) << "every move, and nothing else, begins a generation";
    EXPECT_LE(moved, 6U) << "an operator's word and a call, three each";
    for (const Transition& each : transitions) {
      EXPECT_EQ(each.from, state_);
      EXPECT_TRUE(is_drawn(each)) << word(each.from) << " -> " << word(each.to);
      EXPECT_GE(each.at, since_);
      EXPECT_LE(each.at, rig_.now);
      state_ = each.to;
      since_ = each.at;
    }
    EXPECT_EQ(rig_.breaker.state(), state_);
    EXPECT_EQ(rig_.breaker.since(), since_);
    generation_ = rig_.breaker.generation();
    const auto seen = rig_.breaker.window(rig_.now);
    EXPECT_LE(seen.failed, seen.total);
    EXPECT_LE(rig_.breaker.open_until() - rig_.now, 60s);
    const double share = rig_.breaker.admitted_share(rig_.now);
    EXPECT_TRUE(share >= 0.0 && share <= 1.0) << share;
  }

  Rng dice_;
  BreakerSettings settings_;
  BreakerRig rig_;
  std::vector<Out> out_;
  std::uint32_t generation_ = 1;
  BreakerState state_ = BreakerState::Closed;
  Instant since_{};
};

/// Ten requests a second, all of which would succeed; some are cancelled by their clients.
Duration time_to_close(BreakerRig& rig, bool repeatable, std::uint64_t cancelled_percent,
                       Rng& dice) {
  const Instant start = rig.now;
  while (rig.state() != BreakerState::Closed && rig.now - start < 1h) {
    const Admission admission = rig.admit(repeatable, kLongestLease);
    rig.pass(100ms);
    if (admission.permit) {
      const bool cancelled = dice.below(100) < cancelled_percent;
      rig.settle(*admission.permit, cancelled ? Verdict::Ignored : Verdict::Success);
    }
  }
  return rig.now - start;
}

// The worst way: a lost lease runs out, the longest wait, probes with cancellations, the ramp; or
// the longest forced state, after which it is closed.
constexpr Duration kBoundedTime = kLongestLease + 60s + 15s + 10s;
static_assert(kLongestForced < kBoundedTime);

TEST(BreakerChaos, EveryStepKeepsTheRulesAndEveryStateHeals) {
  std::size_t began_in[kBreakerStates] = {};
  for_each_seed(400, [&](std::uint64_t seed) {
    Chaos chaos(seed);
    Rng dice(seed * 31);
    const std::uint64_t steps = 20 + dice.below(400);
    for (std::uint64_t i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      chaos.step();
    }
    ++began_in[static_cast<std::size_t>(chaos.rig().state())];
    const bool repeatable = dice.below(2) == 0;
    EXPECT_LE(time_to_close(chaos.rig(), repeatable, dice.below(40), dice), kBoundedTime);
  });
  for (std::size_t state = 0; state < kBreakerStates; ++state) {
    EXPECT_GT(began_in[state], 0U) << "no life ended in " << word(static_cast<BreakerState>(state));
  }
}

TEST(BreakerChaos, NeitherRepeatedCallsNorEarlierTimesDoHarm) {
  for_each_seed(100, [](std::uint64_t seed) {
    Rng dice(seed);
    BreakerRig rig(random_settings(dice), seed);
    for (int i = 0; i < 200; ++i) {
      rig.now = Instant{} + dice.between(0s, 300s);
      rig.attempt(static_cast<Verdict>(dice.below(4)));
    }
    rig.now = Instant{} + 300s;
    EXPECT_LE(time_to_close(rig, true, 0, dice), kBoundedTime);
  });
}

/// Half-open with the given number of probes lost after it; a healthy upstream from then on.
TEST(BreakerChaos, LosingProbeAfterProbeDelaysButNeverWedges) {
  for_each_seed(50, [](std::uint64_t seed) {
    BreakerRig rig(BreakerSettings{}, seed);
    Rng dice(seed);
    rig.reach_half_open();
    for (std::uint64_t lost = 0; lost < 1 + seed % 20; ++lost) {
      static_cast<void>(rig.admit(true, kLongestLease));
      rig.pass(kLongestLease + 60s);
      rig.breaker.tick(rig.rng, rig.now);
      ASSERT_EQ(rig.breaker.probes().lost, lost + 1);
    }
    EXPECT_LE(time_to_close(rig, false, 30, dice), kBoundedTime);
  });
}

}  // namespace
}  // namespace fusegate::policy
