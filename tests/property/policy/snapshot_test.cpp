// A breaker and a budget that were exported and restored live on exactly as the originals do, but
// for the probes in flight, whose holders are gone.
#include <fusegate/policy/budget.hpp>

#include "property/policy/seeds.hpp"
#include "unit/policy/breaker_rig.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

BreakerSettings random_settings(Rng& rng) {
  BreakerSettings settings;
  constexpr BreakerMode kModes[]{BreakerMode::Open, BreakerMode::Open, BreakerMode::Shed,
                                 BreakerMode::Shadow, BreakerMode::Off};
  settings.mode = kModes[rng.below(std::size(kModes))];
  settings.consecutive_failures = static_cast<std::uint32_t>(rng.below(8));
  settings.failure_rate.threshold = Ratio::percent(static_cast<double>(rng.below(101)));
  settings.failure_rate.min_requests = static_cast<std::uint32_t>(rng.below(30));
  settings.failure_rate.window = rng.between(100ms, 30s);
  settings.slow_rate.threshold = Ratio::percent(static_cast<double>(rng.below(2) * 60));
  settings.open.initial = rng.between(1ms, 10s);
  settings.open.jitter = static_cast<Jitter>(rng.below(3));
  settings.half_open.probes = static_cast<std::uint32_t>(1 + rng.below(4));
  settings.half_open.successes = static_cast<std::uint32_t>(1 + rng.below(5));
  settings.ramp.over = rng.between(0ms, 10s) * static_cast<int>(rng.below(2));
  return settings;
}

/// One event drawn from `dice`; every permit is settled within it, so that no lease is out.
void live(BreakerRig& rig, Rng& dice) {
  rig.pass(dice.below(30) == 0 ? dice.between(0ms, 60s) : dice.between(0ms, 300ms));
  const bool repeatable = dice.below(2) == 0;
  const auto verdict = static_cast<Verdict>(dice.below(4));
  // A throttle dates a call back by its latency; here each call takes no time.
  const bool sheds = rig.breaker.snapshot(rig.now).throttle.has_value();
  const Duration latency = dice.between(0s, 2s) * (sheds ? 0 : 1);
  const auto retry_after =
      dice.below(4) == 0 ? std::optional{dice.between(0s, 100s)} : std::nullopt;
  const bool cut = dice.below(10) == 0;
  const Admission admission = rig.admit(repeatable, 1s);
  if (admission.permit) {
    rig.settle(*admission.permit, verdict, latency, retry_after);
    if (cut) {
      rig.breaker.record_failure(*admission.permit, rig.rng, rig.now);
    }
  }
}

TEST(BreakerSnapshotProperty, RestoredBreakerBehavesTheSameFromThenOn) {
  for_each_seed(300, [](std::uint64_t seed) {
    Rng setup{seed};
    const BreakerSettings settings = random_settings(setup);
    BreakerRig rig{settings, seed};
    rig.now = Instant{1000s};
    rig.breaker = Breaker{settings, rig.now};
    Rng dice{seed + 1};
    for (std::uint64_t steps = setup.below(300); steps > 0; --steps) {
      live(rig, dice);
    }
    BreakerRig copy{settings, seed};
    copy.now = rig.now;
    copy.breaker = Breaker{settings, rig.now};
    ASSERT_TRUE(copy.breaker.restore(rig.breaker.snapshot(rig.now), rig.now));
    copy.rng = rig.rng;
    rig.transitions();
    Rng same_dice = dice;
    for (int i = 0; i < 300; ++i) {
      live(rig, dice);
      live(copy, same_dice);
      ASSERT_EQ(copy.breaker.state(), rig.breaker.state());
      ASSERT_EQ(copy.breaker.since(), rig.breaker.since());
      ASSERT_EQ(copy.breaker.open_until(), rig.breaker.open_until());
      ASSERT_EQ(copy.breaker.window(copy.now), rig.breaker.window(rig.now));
      ASSERT_EQ(copy.breaker.consecutive_failures(), rig.breaker.consecutive_failures());
      ASSERT_EQ(copy.breaker.admitted_share(copy.now), rig.breaker.admitted_share(rig.now));
      ASSERT_EQ(copy.breaker.snapshot(copy.now), rig.breaker.snapshot(rig.now));
      ASSERT_EQ(copy.transitions(), rig.transitions());
    }
  });
}

/// The same on another time line: only distances matter.
TEST(BreakerSnapshotProperty, TimeLineOfTheNextProcessMayBeAnother) {
  for_each_seed(100, [](std::uint64_t seed) {
    Rng setup{seed};
    BreakerSettings settings = random_settings(setup);
    if (settings.mode == BreakerMode::Shed) {
      settings.mode = BreakerMode::Open;  // The slots of a throttle shift with the time line.
    }
    BreakerRig rig{settings, seed};
    rig.now = Instant{2000h};  // No process lives before the epoch, which stands for "none".
    rig.breaker = Breaker{settings, rig.now};
    Rng dice{seed + 1};
    for (std::uint64_t steps = setup.below(300); steps > 0; --steps) {
      live(rig, dice);
    }
    auto moved = rig.breaker.snapshot(rig.now);
    const Duration shift = setup.between(-1000h, 1000h);
    moved.since += shift;
    moved.window.newest_end += shift;
    moved.open_until += moved.open_until == Instant{} ? 0ns : shift;
    moved.hold_until += moved.hold_until == Instant{} ? 0ns : shift;
    BreakerRig copy{settings, seed};
    copy.now = rig.now + shift;
    ASSERT_TRUE(copy.breaker.restore(moved, copy.now));
    copy.rng = rig.rng;
    Rng same_dice = dice;
    for (int i = 0; i < 200; ++i) {
      live(rig, dice);
      live(copy, same_dice);
      ASSERT_EQ(copy.breaker.state(), rig.breaker.state());
      ASSERT_EQ(copy.breaker.since(), rig.breaker.since() + shift);
      ASSERT_EQ(copy.breaker.window(copy.now), rig.breaker.window(rig.now));
    }
  });
}

TEST(BudgetSnapshotProperty, RestoredBudgetAllowsTheSameFromThenOn) {
  for_each_seed(200, [](std::uint64_t seed) {
    Rng dice{seed};
    const BudgetSettings settings{.percent = Ratio::percent(static_cast<double>(dice.below(101))),
                                  .window = dice.between(100ms, 30s),
                                  .min_retries = static_cast<std::uint32_t>(dice.below(20))};
    Budget original{settings};
    Instant now{1000s};
    const auto live = [&](Budget& budget, Rng& rolls, Instant at) {
      switch (rolls.below(4)) {
        case 0:
          return budget.try_charge(at);
        case 1:
          budget.refund(at);
          return true;
        default:
          budget.on_request(at);
          return true;
      }
    };
    for (std::uint64_t steps = dice.below(200); steps > 0; --steps) {
      now += dice.between(0ms, 500ms);
      live(original, dice, now);
    }
    Budget copy{settings};
    ASSERT_TRUE(copy.restore(original.snapshot(now), now));
    for (int i = 0; i < 200; ++i) {
      now += dice.between(0ms, 500ms);
      Rng same = dice;
      ASSERT_EQ(live(copy, same, now), live(original, dice, now));
      ASSERT_EQ(copy.available(now), original.available(now));
      ASSERT_EQ(copy.capacity(now), original.capacity(now));
    }
  });
}

}  // namespace
}  // namespace fusegate::policy
