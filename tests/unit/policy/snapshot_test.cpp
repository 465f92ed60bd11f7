// What breakers, windows and budgets keep over a restart.
#include <fusegate/policy/budget.hpp>

#include "unit/policy/breaker_rig.hpp"

#include <gtest/gtest.h>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

TEST(WindowSnapshot, KeepsEachCountForAsLongAsItWouldHaveStayed) {
  RollingWindow window{10s};
  window.add({.total = 5, .failed = 2, .slow = 1}, Instant{100s});
  window.add({.total = 7, .failed = 0, .slow = 0}, Instant{104500ms});
  RollingWindow copy{10s};
  ASSERT_TRUE(copy.restore(window.snapshot(Instant{105s}), Instant{106s}));
  for (const Duration t : {Duration{106s}, Duration{109s}, Duration{110s}, Duration{113s},
                           Duration{114s}, Duration{115s}, Duration{200s}}) {
    EXPECT_EQ(copy.sum(Instant{t}), window.sum(Instant{t})) << t.count();
  }
}

TEST(WindowSnapshot, WhatHasLeftTheWindowMeanwhileIsGone) {
  RollingWindow window{10s};
  window.add({.total = 5, .failed = 2, .slow = 1}, Instant{100s});
  RollingWindow copy{10s};
  ASSERT_TRUE(copy.restore(window.snapshot(Instant{101s}), Instant{120s}));
  EXPECT_EQ(copy.sum(Instant{120s}), RollingWindow::Counts{});
}

TEST(WindowSnapshot, RefusesAnotherLengthTheFutureAndAbsurdCounts) {
  RollingWindow window{10s};
  window.add({.total = 5, .failed = 2, .slow = 1}, Instant{100s});
  const auto good = window.snapshot(Instant{100s});
  RollingWindow other{20s};
  EXPECT_FALSE(other.restore(good, Instant{100s}));
  RollingWindow copy{10s};
  copy.add({.total = 1, .failed = 1, .slow = 0}, Instant{100s});
  EXPECT_FALSE(copy.restore(good, Instant{98s})) << "it ends in the future";
  auto absurd = good;
  absurd.slots[3].total = UINT64_MAX;
  EXPECT_FALSE(copy.restore(absurd, Instant{100s}));
  EXPECT_EQ(copy.sum(Instant{100s}).total, 1U) << "nothing changed";
}

TEST(BudgetSnapshot, IsNotRefilledByARestart) {
  Budget budget{{.percent = Ratio::percent(20), .window = 10s, .min_retries = 10}};
  for (int i = 0; i < 100; ++i) {
    budget.on_request(Instant{100s});
  }
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(budget.try_charge(Instant{101s}));
  }
  Budget copy{{.percent = Ratio::percent(20), .window = 10s, .min_retries = 10}};
  ASSERT_TRUE(copy.restore(budget.snapshot(Instant{101s}), Instant{104s}));
  EXPECT_EQ(copy.capacity(Instant{104s}), 30U);
  EXPECT_EQ(copy.available(Instant{104s}), 0U);
  EXPECT_FALSE(copy.try_charge(Instant{104s}));
  EXPECT_EQ(copy.available(Instant{112s}), 10U) << "its window goes on";
}

TEST(BreakerSnapshot, OpenStaysOpenForTheTimeThatIsLeftAndRemembersHowOften) {
  BreakerRig rig;
  rig.trip();
  rig.now = rig.breaker.open_until();
  rig.attempt(Verdict::Failure);  // The probe fails: the second open time, 10 s.
  ASSERT_EQ(rig.breaker.open_until() - rig.now, 10s);
  const auto snapshot = rig.breaker.snapshot(rig.now + 1s);

  BreakerRig next;
  next.now = rig.now + 4s;
  ASSERT_TRUE(next.breaker.restore(snapshot, next.now));
  EXPECT_EQ(next.breaker.state(), BreakerState::Open);
  EXPECT_EQ(next.breaker.open_until() - next.now, 6s);
  EXPECT_FALSE(next.admit().permit);
  EXPECT_TRUE(next.transitions().empty()) << "restoring is no move";
  next.pass(6s);
  next.attempt(Verdict::Failure);
  EXPECT_EQ(next.breaker.open_until() - next.now, 20s) << "the third open time";
}

TEST(BreakerSnapshot, OpenTimeThatEndedMeanwhileMeansProbing) {
  BreakerRig rig;
  rig.trip();
  BreakerRig next;
  next.now = rig.now + 30s;
  ASSERT_TRUE(next.breaker.restore(rig.breaker.snapshot(rig.now), next.now));
  EXPECT_EQ(next.state(), BreakerState::HalfOpen);
}

TEST(BreakerSnapshot, HalfOpenKeepsItsSuccessesAndFreesTheProbesOfTheDead) {
  BreakerRig rig;
  rig.reach_half_open();
  rig.attempt(Verdict::Success);
  rig.attempt(Verdict::Success);
  ASSERT_TRUE(rig.admit().permit);
  BreakerRig next;
  next.now = rig.now;
  ASSERT_TRUE(next.breaker.restore(rig.breaker.snapshot(rig.now), next.now));
  EXPECT_EQ(next.breaker.probes_in_flight(), 0U);
  EXPECT_TRUE(next.attempt(Verdict::Success));
  EXPECT_EQ(next.state(), BreakerState::Ramp) << "the third success";
}

TEST(BreakerSnapshot, RampGoesOnWhereItWas) {
  BreakerRig rig;
  rig.reach_ramp();
  rig.pass(5s);
  BreakerRig next;
  next.now = rig.now;
  ASSERT_TRUE(next.breaker.restore(rig.breaker.snapshot(rig.now), next.now));
  EXPECT_DOUBLE_EQ(next.breaker.admitted_share(next.now), 0.55);
  next.pass(5s);
  EXPECT_EQ(next.state(), BreakerState::Closed);
}

TEST(BreakerSnapshot, RunOfFailuresGoesOn) {
  BreakerRig rig;
  rig.attempts(4, Verdict::Failure);
  BreakerRig next;
  ASSERT_TRUE(next.breaker.restore(rig.breaker.snapshot(rig.now), next.now));
  EXPECT_TRUE(next.attempt(Verdict::Failure));
  EXPECT_EQ(next.state(), BreakerState::Open);
}

TEST(BreakerSnapshot, TakenOutStaysOut) {
  BreakerRig rig;
  rig.breaker.take_out(TransitionReason::HealthCheck, rig.now);
  BreakerRig next;
  next.pass(1h);
  ASSERT_TRUE(next.breaker.restore(rig.breaker.snapshot(rig.now), next.now));
  EXPECT_EQ(next.state(), BreakerState::ForcedOpen);
  next.breaker.let_back(TransitionReason::HealthCheck, next.now);
  EXPECT_EQ(next.state(), BreakerState::Ramp);
}

TEST(BreakerSnapshot, SheddingGoesOnWhereItWas) {
  BreakerSettings settings = exact_settings();
  settings.mode = BreakerMode::Shed;
  BreakerRig rig{settings};
  rig.pass(1000s);
  for (int i = 0; i < 200; ++i) {
    rig.attempt(i % 4 == 0 ? Verdict::Success : Verdict::Failure);
    rig.pass(5ms);
  }
  ASSERT_EQ(rig.breaker.state(), BreakerState::Ramp);
  const double share = rig.breaker.admitted_share(rig.now);
  ASSERT_LT(share, 0.8);
  const auto snapshot = rig.breaker.snapshot(rig.now);
  BreakerRig next{settings};
  next.now = rig.now + 1s;
  ASSERT_TRUE(next.breaker.restore(snapshot, next.now));
  EXPECT_EQ(next.breaker.state(), BreakerState::Ramp);
  EXPECT_DOUBLE_EQ(next.breaker.admitted_share(next.now), share);
  next.pass(30s);
  EXPECT_EQ(next.state(), BreakerState::Closed) << "its window is over";

  // On a time line whose slots begin elsewhere.
  auto moved = snapshot;
  const Duration shift = 333ms;
  moved.since += shift;
  moved.last_shed += shift;
  moved.window.newest_end += shift;
  moved.throttle->window.newest_end += shift;
  moved.throttle->last_admitted += shift;
  BreakerRig other{settings};
  other.now = rig.now + shift;
  ASSERT_TRUE(other.breaker.restore(moved, other.now));
  EXPECT_NEAR(other.breaker.admitted_share(other.now), share, 0.05);

  BreakerRig plain;
  plain.now = rig.now;
  EXPECT_FALSE(plain.breaker.restore(snapshot, plain.now)) << "of another mode";
  auto absurd = snapshot;
  absurd.throttle->window.slots[0].failed = absurd.throttle->window.slots[0].total + 1;
  EXPECT_FALSE(next.breaker.restore(absurd, next.now));
}

TEST(BreakerSnapshot, RefusesWhatNoSuchBreakerCanBeIn) {
  BreakerRig rig;
  rig.pass(100s);
  const auto good = rig.breaker.snapshot(rig.now);
  const auto refused = [&](auto change) {
    Breaker::Snapshot bad = good;
    change(bad);
    BreakerRig next;
    next.now = rig.now;
    EXPECT_FALSE(next.breaker.restore(bad, next.now));
    EXPECT_EQ(next.breaker.snapshot(next.now).run, 0U);
    EXPECT_EQ(next.breaker.state(), BreakerState::Closed);
  };
  using Snapshot = Breaker::Snapshot;
  refused([](Snapshot& s) { s.state = BreakerState::Disabled; });
  refused([&](Snapshot& s) { s.since = rig.now + 1ns; });
  refused([](Snapshot& s) { s.run = UINT32_MAX; });
  refused([](Snapshot& s) { s.opened = UINT32_MAX; });
  refused([&](Snapshot& s) { s.hold_until = rig.now + 61s; });
  refused([&](Snapshot& s) {
    s.state = BreakerState::Open;
    s.since = rig.now - 1s;
    s.open_until = s.since + 61s;
  });
  refused([&](Snapshot& s) {
    s.state = BreakerState::Open;
    s.since = rig.now - 1s;
    s.open_until = s.since - 1s;
  });
  refused([](Snapshot& s) {
    s.state = BreakerState::HalfOpen;
    s.successes = 3;
  });
  refused([](Snapshot& s) { s.window.slots[0].failed = UINT64_MAX; });

  BreakerSettings off;
  off.mode = BreakerMode::Off;
  Breaker disabled{off, rig.now};
  EXPECT_FALSE(disabled.restore(good, rig.now)) << "closed, but the mode is off";
}

}  // namespace
}  // namespace fusegate::policy
