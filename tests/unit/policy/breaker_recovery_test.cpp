// How an open breaker comes back: probes, the ramp, and results that arrive too late.
#include "unit/policy/breaker_rig.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

Duration open_time(const BreakerRig& rig) { return rig.breaker.open_until() - rig.breaker.since(); }

TEST(Breaker, HalfOpenLetsOneProbeThroughAtATime) {
  BreakerRig rig;
  rig.reach_half_open();
  const Admission probe = rig.admit(true, 400ms);
  ASSERT_TRUE(probe.permit);
  EXPECT_NE(probe.permit->probe, 0U);
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_FALSE(rig.admit().permit) << "a flood must stay outside";
  }
  EXPECT_EQ(rig.breaker.probes_in_flight(), 1U);
  EXPECT_EQ(rig.admit().retry_at, rig.now + 400ms) << "when the lease ends";
  rig.settle(*probe.permit, Verdict::Success);
  EXPECT_EQ(rig.breaker.probes_in_flight(), 0U);
  EXPECT_TRUE(rig.admit(true, 1h).permit);
  EXPECT_EQ(rig.admit().retry_at, rig.now + 1s) << "not an hour";
}

TEST(Breaker, HalfOpenLetsAsManyProbesThroughAsConfigured) {
  auto settings = exact_settings();
  settings.half_open = {.probes = 3, .successes = 4};
  BreakerRig rig(settings);
  rig.reach_half_open();
  std::vector<Permit> permits;
  for (int i = 0; i < 3; ++i) {
    permits.push_back(*rig.admit().permit);
  }
  EXPECT_FALSE(rig.admit().permit);
  rig.settle(permits[1], Verdict::Success);
  EXPECT_TRUE(rig.admit().permit);
  EXPECT_FALSE(rig.admit().permit);
}

TEST(Breaker, ThreeSuccessfulProbesStartTheRamp) {
  BreakerRig rig;
  rig.reach_half_open();
  rig.attempts(2, Verdict::Success);
  EXPECT_EQ(rig.state(), BreakerState::HalfOpen);
  rig.attempt(Verdict::Success);
  EXPECT_EQ(rig.state(), BreakerState::Ramp);
  EXPECT_EQ(rig.breaker.probes().ok, 3U);
}

TEST(Breaker, OneFailedProbeShutsItAgain) {
  BreakerRig rig;
  rig.reach_half_open();
  rig.attempts(2, Verdict::Success);
  rig.attempt(Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Open);
  EXPECT_EQ(rig.transitions().back().reason, TransitionReason::ProbeFailed);
  EXPECT_EQ(rig.breaker.probes().failed, 1U);
  rig.now = rig.breaker.open_until();
  rig.attempts(2, Verdict::Success);
  EXPECT_EQ(rig.state(), BreakerState::HalfOpen) << "the earlier successes are forgotten";
}

TEST(Breaker, AnOverloadedProbeKeepsItShut) {
  BreakerRig rig;
  rig.reach_half_open();
  rig.attempt(Verdict::Overload);
  EXPECT_EQ(rig.state(), BreakerState::Open);
}

TEST(Breaker, ACancelledProbeGivesItsPlaceBackUnjudged) {
  BreakerRig rig;
  rig.reach_half_open();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(rig.attempt(Verdict::Ignored));
  }
  EXPECT_EQ(rig.state(), BreakerState::HalfOpen);
  rig.attempts(3, Verdict::Success);
  EXPECT_EQ(rig.state(), BreakerState::Ramp);
}

TEST(Breaker, ALostProbeCountsAsFailed) {
  BreakerRig rig;
  rig.reach_half_open();
  const Admission probe = rig.admit(true, 700ms);
  rig.pass(699ms);
  EXPECT_EQ(rig.state(), BreakerState::HalfOpen);
  rig.pass(1ms);
  EXPECT_EQ(rig.state(), BreakerState::Open);
  EXPECT_EQ(rig.transitions().back().reason, TransitionReason::ProbeLost);
  EXPECT_EQ(rig.breaker.probes().lost, 1U);
  EXPECT_EQ(open_time(rig), 10s);
  rig.settle(*probe.permit, Verdict::Success);
  EXPECT_EQ(rig.breaker.probes().ok, 0U) << "too late";
}

TEST(Breaker, WhatTimeMovedIsDatedToWhenItWasDue) {
  BreakerRig rig;
  rig.reach_half_open();
  const Instant half_open = rig.now;
  static_cast<void>(rig.admit(true, 2s));
  static_cast<void>(rig.transitions());
  rig.pass(1h);
  EXPECT_TRUE(rig.admit(false).permit) << "an hour is more than lease, wait and first second";
  EXPECT_THAT(rig.transitions(),
              ElementsAre(Transition{BreakerState::HalfOpen, BreakerState::Open,
                                     TransitionReason::ProbeLost, half_open + 2s},
                          Transition{BreakerState::Open, BreakerState::HalfOpen,
                                     TransitionReason::WaitElapsed, half_open + 12s}));
}

TEST(Breaker, ForASecondOnlyRepeatableRequestsAreProbes) {
  BreakerRig rig;
  rig.reach_half_open();
  rig.pass(999ms);
  const Admission post = rig.admit(false);
  EXPECT_FALSE(post.permit);
  EXPECT_EQ(post.retry_at, rig.now + 1ms);
  EXPECT_TRUE(rig.attempt(Verdict::Success));
  rig.pass(1ms);
  EXPECT_TRUE(rig.admit(false).permit) << "a service of POSTs alone must recover as well";
}

TEST(Breaker, TheRampGrowsLinearly) {
  BreakerRig rig;
  rig.reach_ramp();
  EXPECT_DOUBLE_EQ(rig.breaker.admitted_share(rig.now), 0.1);
  EXPECT_DOUBLE_EQ(rig.breaker.admitted_share(rig.now + 5s), 0.55);
  EXPECT_DOUBLE_EQ(rig.breaker.admitted_share(rig.now + 10s), 1.0);
  for (const double expected : {0.1, 0.55, 0.91}) {
    const Instant start = rig.breaker.since();
    rig.now = start + Duration{static_cast<Duration::rep>((expected - 0.1) / 0.9 * 10e9)};
    int admitted = 0;
    for (int i = 0; i < 10'000; ++i) {
      admitted += rig.admit().permit ? 1 : 0;
    }
    EXPECT_NEAR(admitted / 10'000.0, expected, 0.02);
  }
}

TEST(Breaker, TheRampEndsInClosed) {
  BreakerRig rig;
  rig.reach_ramp();
  rig.pass(9'999ms);
  EXPECT_EQ(rig.state(), BreakerState::Ramp);
  rig.pass(1ms);
  EXPECT_EQ(rig.state(), BreakerState::Closed);
  EXPECT_EQ(rig.transitions().back().reason, TransitionReason::RampDone);
}

TEST(Breaker, FailuresInTheRampShutItWithALongerWait) {
  auto settings = exact_settings();
  settings.ramp.from = Ratio::percent(100);
  BreakerRig rig(settings);
  rig.reach_ramp();
  rig.attempts(2, Verdict::Success);
  rig.attempts(2, Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Ramp) << "four attempts are too few";
  rig.attempt(Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Open);
  EXPECT_EQ(rig.transitions().back().reason, TransitionReason::RampFailed);
  EXPECT_EQ(open_time(rig), 10s);
}

TEST(Breaker, AnUpstreamThatDiesLateInTheRampShutsItWithinAHandful) {
  auto settings = exact_settings();
  settings.ramp.from = Ratio::percent(100);
  BreakerRig rig(settings);
  rig.reach_ramp();
  rig.attempts(1'000, Verdict::Success);
  rig.attempts(5, Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Open);
  EXPECT_EQ(rig.transitions().back().reason, TransitionReason::RampFailed);
}

TEST(Breaker, WithoutARampItClosesAtOnce) {
  auto settings = exact_settings();
  settings.ramp.over = 0s;
  BreakerRig rig(settings);
  rig.reach_ramp();
  EXPECT_EQ(rig.state(), BreakerState::Closed);
  EXPECT_EQ(rig.transitions().back().reason, TransitionReason::ProbesOk);
}

// Envoy's counter kept old failures, so a host that came back was judged by other thresholds.
TEST(Breaker, TheThresholdsAreExactAgainAfterRecovery) {
  BreakerRig rig;
  rig.attempts(15, Verdict::Overload);
  rig.reach_closed_again();
  EXPECT_EQ(rig.breaker.window(rig.now).total, 0U);
  rig.attempts(4, Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Closed);
  rig.attempt(Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Open);
}

TEST(Breaker, ResultsFromBeforeTheTripAreNotHeard) {
  BreakerRig rig;
  const Permit early = *rig.admit().permit;
  rig.trip();
  const Instant until = rig.breaker.open_until();
  rig.settle(early, Verdict::Failure, 0s, 60s);
  EXPECT_EQ(rig.breaker.open_until(), until) << "late failures must not push recovery back";
  rig.settle(early, Verdict::Success);
  EXPECT_EQ(rig.state(), BreakerState::Open);
  rig.now = until;
  EXPECT_EQ(rig.state(), BreakerState::HalfOpen);
  for (int i = 0; i < 10; ++i) {
    rig.settle(early, Verdict::Success);
  }
  EXPECT_EQ(rig.state(), BreakerState::HalfOpen) << "late successes must not close it";
  rig.settle(early, Verdict::Failure);
  rig.breaker.record_failure(early, rig.rng, rig.now);
  EXPECT_EQ(rig.state(), BreakerState::HalfOpen) << "late failures must not shut it";
}

TEST(Breaker, AProbeIsSettledOnce) {
  BreakerRig rig;
  rig.reach_half_open();
  const Permit probe = *rig.admit().permit;
  for (int i = 0; i < 10; ++i) {
    rig.settle(probe, Verdict::Success);
  }
  EXPECT_EQ(rig.state(), BreakerState::HalfOpen);
  EXPECT_EQ(rig.breaker.probes().ok, 1U);
}

TEST(Breaker, AProbeWhoseBodyBreaksOffHasFailed) {
  BreakerRig rig;
  rig.reach_half_open();
  const Permit probe = *rig.admit().permit;
  rig.settle(probe, Verdict::Success);
  rig.breaker.record_failure(probe, rig.rng, rig.now);
  EXPECT_EQ(rig.state(), BreakerState::Open);
  EXPECT_EQ(rig.transitions().back().reason, TransitionReason::ProbeFailed);
}

TEST(Breaker, EveryTransitionBeginsAGeneration) {
  BreakerRig rig;
  std::uint32_t last = rig.breaker.generation();
  rig.trip();
  EXPECT_EQ(rig.breaker.generation(), ++last);
  rig.now = rig.breaker.open_until();
  rig.attempts(3, Verdict::Success);
  last += 2;
  EXPECT_EQ(rig.breaker.generation(), last);
  rig.pass(10s);
  EXPECT_EQ(rig.state(), BreakerState::Closed);
  EXPECT_EQ(rig.breaker.generation(), ++last);
}

TEST(Breaker, UntakenTransitionsKeepTheNewest) {
  BreakerRig rig;
  rig.trip();
  for (int i = 0; i < 10; ++i) {
    rig.now = rig.breaker.open_until();
    rig.attempt(Verdict::Failure);
  }
  const auto kept = rig.transitions();
  ASSERT_EQ(kept.size(), 8U);
  EXPECT_EQ(kept.back().at, rig.now);
  for (std::size_t i = 1; i < kept.size(); ++i) {
    EXPECT_EQ(kept[i].from, kept[i - 1].to);
  }
}

}  // namespace
}  // namespace fusegate::policy
