// What opens a closed breaker, and what does not.
#include "unit/policy/breaker_rig.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

/// Ten rounds of ten attempts, `failures` of each round failed, never two in a row.
void background(BreakerRig& rig, int failures) {
  for (int i = 0; i < 100; ++i) {
    const int position = i % 10;
    const bool failed = position % 2 == 0 && position / 2 < failures;
    rig.attempt(failed ? Verdict::Failure : Verdict::Success);
  }
}

int failures_until_open(BreakerRig& rig) {
  int failures = 0;
  while (failures < 1'000 && rig.state() == BreakerState::Closed) {
    rig.attempt(Verdict::Failure);
    ++failures;
  }
  return failures;
}

TEST(Breaker, OpensAfterExactlyFiveFailuresInARow) {
  BreakerRig rig;
  rig.attempts(4, Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Closed);
  rig.attempt(Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Open);
  EXPECT_EQ(rig.transitions(),
            (std::vector<Transition>{{BreakerState::Closed, BreakerState::Open,
                                      TransitionReason::ConsecutiveFailures, rig.now}}));
}

TEST(Breaker, ASuccessEndsTheRun) {
  BreakerRig rig;
  rig.attempts(4, Verdict::Failure);
  rig.attempt(Verdict::Success);
  rig.attempts(4, Verdict::Failure);
  EXPECT_EQ(rig.breaker.consecutive_failures(), 4U);
  EXPECT_EQ(rig.state(), BreakerState::Closed);
}

TEST(Breaker, AHealthyUpstreamThatDiesOpensItAfterFive) {
  BreakerRig rig;
  background(rig, 0);
  EXPECT_EQ(failures_until_open(rig), 5);
}

TEST(Breaker, ARunMustBeImprobableAtTheRateBeforeIt) {
  constexpr int kNeeded[] = {5, 6, 9, 12};  // The least k of five or more with rate^k <= 1e-6.
  for (int tenths = 0; tenths < 4; ++tenths) {
    BreakerRig rig;
    background(rig, tenths);
    EXPECT_EQ(failures_until_open(rig), kNeeded[tenths]) << tenths << " of ten failed before";
  }
}

TEST(Breaker, WithFewOtherAttemptsTheRunAloneDecides) {
  BreakerRig few;
  few.attempts(4, Verdict::Failure);
  few.attempts(15, Verdict::Success);
  EXPECT_EQ(failures_until_open(few), 5) << "19 others";

  BreakerRig enough;
  enough.attempts(4, Verdict::Failure);
  enough.attempts(16, Verdict::Success);
  EXPECT_EQ(failures_until_open(enough), 9) << "20 others: 0.2^8 > 1e-6 >= 0.2^9";
}

TEST(Breaker, TheRunOutlivesTheWindow) {
  BreakerRig rig;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(rig.state(), BreakerState::Closed);
    rig.attempt(Verdict::Failure);
    rig.pass(1h);
  }
  EXPECT_EQ(rig.transitions().front().reason, TransitionReason::ConsecutiveFailures);
}

TEST(Breaker, ARunPartlyOutOfTheWindowIsNotTakenOffTwice) {
  auto settings = exact_settings();
  settings.consecutive_failures = 30;
  settings.failure_rate.threshold = Ratio{};
  BreakerRig rig(settings);
  for (int i = 1; i < 30; ++i) {
    rig.attempt(Verdict::Failure);
    ASSERT_EQ(rig.state(), BreakerState::Closed) << i;
    rig.pass(1s);
  }
  rig.attempt(Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Open);
}

TEST(Breaker, OpensAtExactlyTheFailureRate) {
  auto settings = exact_settings();
  settings.consecutive_failures = 0;
  BreakerRig below(settings);
  below.attempts(11, Verdict::Success);
  below.attempts(9, Verdict::Failure);
  EXPECT_EQ(below.state(), BreakerState::Closed) << "45 % of 20";
  below.attempt(Verdict::Failure);
  EXPECT_EQ(below.state(), BreakerState::Closed) << "10 of 21";
  below.attempt(Verdict::Failure);
  EXPECT_EQ(below.state(), BreakerState::Open) << "11 of 22";

  BreakerRig exact(settings);
  exact.attempts(10, Verdict::Success);
  exact.attempts(10, Verdict::Failure);
  EXPECT_EQ(exact.state(), BreakerState::Open);
  EXPECT_EQ(exact.transitions().front().reason, TransitionReason::FailureRate);
}

TEST(Breaker, TheFailureRateNeedsItsVolume) {
  auto settings = exact_settings();
  settings.consecutive_failures = 0;
  BreakerRig rig(settings);
  rig.attempts(19, Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Closed);
  rig.attempt(Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Open);
}

TEST(Breaker, OldFailuresDoNotCountInTheRate) {
  auto settings = exact_settings();
  settings.consecutive_failures = 0;
  BreakerRig rig(settings);
  rig.attempts(19, Verdict::Failure);
  rig.pass(10s);
  rig.attempts(19, Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Closed);
}

TEST(Breaker, OnlyAFailureOpensIt) {
  auto settings = exact_settings();
  settings.consecutive_failures = 0;
  BreakerRig rig(settings);
  rig.attempts(19, Verdict::Failure);
  rig.attempt(Verdict::Success);
  EXPECT_EQ(rig.state(), BreakerState::Closed) << "19 of 20, but the news is good";
  rig.attempt(Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Open);
}

TEST(Breaker, ZeroTurnsARuleOff) {
  auto settings = exact_settings();
  settings.consecutive_failures = 0;
  settings.failure_rate.threshold = Ratio{};
  BreakerRig rig(settings);
  rig.attempts(10'000, Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Closed);
}

TEST(Breaker, SlowAttemptsOpenItOnlyWhenAsked) {
  auto settings = exact_settings();
  BreakerRig unasked(settings);
  settings.slow_rate = {.threshold = Ratio::percent(80), .slower_than = 1s};
  BreakerRig asked(settings);
  for (int i = 0; i < 100; ++i) {
    unasked.settle(*unasked.admit().permit, Verdict::Success, 30s);
  }
  EXPECT_EQ(unasked.state(), BreakerState::Closed);
  for (int i = 0; i < 20; ++i) {
    asked.settle(*asked.admit().permit, Verdict::Success, i < 5 ? 1s : 1'001ms);
  }
  ASSERT_EQ(asked.state(), BreakerState::Closed) << "15 of 20; 1 s is not slower than 1 s";
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(asked.state(), BreakerState::Closed);
    asked.settle(*asked.admit().permit, Verdict::Success, 1'001ms);
  }
  EXPECT_EQ(asked.state(), BreakerState::Open) << "20 of 25";
  EXPECT_EQ(asked.transitions().front().reason, TransitionReason::SlowRate);
}

TEST(Breaker, SwitchedOffItAdmitsEverythingForever) {
  auto settings = exact_settings();
  settings.mode = BreakerMode::Off;
  BreakerRig rig(settings);
  EXPECT_EQ(rig.state(), BreakerState::Disabled);
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(rig.attempt(Verdict::Failure));
  }
  EXPECT_EQ(rig.state(), BreakerState::Disabled);
  EXPECT_EQ(rig.breaker.admitted_share(rig.now), 1.0);
  EXPECT_EQ(rig.breaker.window(rig.now).failed, 1'000U);
  EXPECT_TRUE(rig.transitions().empty());
}

TEST(Breaker, OverloadCountsInTheRateButNotInTheRun) {
  BreakerRig run;
  run.attempts(19, Verdict::Overload);
  EXPECT_EQ(run.state(), BreakerState::Closed);
  EXPECT_EQ(run.breaker.consecutive_failures(), 0U);
  run.attempt(Verdict::Overload);
  EXPECT_EQ(run.state(), BreakerState::Open);
  EXPECT_EQ(run.transitions().front().reason, TransitionReason::FailureRate);
}

TEST(Breaker, OverloadDoesNotEndTheRun) {
  BreakerRig rig;
  rig.attempts(4, Verdict::Failure);
  rig.attempt(Verdict::Overload);
  EXPECT_EQ(rig.state(), BreakerState::Closed);
  rig.attempt(Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Open);
}

TEST(Breaker, IgnoredResultsSayNothing) {
  BreakerRig rig;
  rig.attempts(4, Verdict::Failure);
  rig.attempts(1'000, Verdict::Ignored);
  EXPECT_EQ(rig.breaker.window(rig.now).total, 4U);
  EXPECT_EQ(rig.breaker.consecutive_failures(), 4U);
  EXPECT_EQ(rig.state(), BreakerState::Closed);
}

TEST(Breaker, ABodyThatBreaksOffTakesThePlaceOfItsSuccess) {
  BreakerRig rig;
  for (int i = 1; i <= 5; ++i) {
    ASSERT_EQ(rig.state(), BreakerState::Closed);
    const Permit permit = *rig.admit().permit;
    rig.settle(permit, Verdict::Success);
    rig.breaker.record_failure(permit, rig.rng, rig.now);
    EXPECT_EQ(rig.breaker.window(rig.now).total, static_cast<std::uint64_t>(i));
    EXPECT_EQ(rig.breaker.window(rig.now).failed, static_cast<std::uint64_t>(i));
  }
  EXPECT_EQ(rig.state(), BreakerState::Open);
}

TEST(Breaker, ALateFaultWithoutItsAttemptStillCountsOnce) {
  BreakerRig rig;
  const Permit permit = *rig.admit().permit;
  rig.settle(permit, Verdict::Success);
  rig.pass(1h);
  rig.breaker.record_failure(permit, rig.rng, rig.now);
  EXPECT_EQ(rig.breaker.window(rig.now).total, 1U);
  EXPECT_EQ(rig.breaker.window(rig.now).failed, 1U);
}

// Window shorter than the timeout: failures are counted when they are known, not when they began.
TEST(Breaker, TimeoutsLongerThanTheWindowAreSeen) {
  auto settings = exact_settings();
  settings.failure_rate.window = 1s;
  BreakerRig rig(settings);
  for (int i = 0; i < 5; ++i) {
    const Permit permit = *rig.admit().permit;
    rig.pass(5s);
    rig.settle(permit, Verdict::Failure, 5s);
  }
  EXPECT_EQ(rig.state(), BreakerState::Open);
}

}  // namespace
}  // namespace fusegate::policy
