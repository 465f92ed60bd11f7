// How long a breaker stays open.
#include "unit/policy/breaker_rig.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

Duration open_time(const BreakerRig& rig) { return rig.breaker.open_until() - rig.breaker.since(); }

TEST(Breaker, RefusesWhileOpenAndSaysWhenToAskAgain) {
  BreakerRig rig;
  rig.trip();
  EXPECT_EQ(rig.breaker.open_until(), rig.now + 5s);
  EXPECT_EQ(rig.breaker.admitted_share(rig.now), 0.0);
  const Instant end = rig.now + 5s;
  rig.pass(4'999ms);
  const Admission refused = rig.admit();
  EXPECT_FALSE(refused.permit);
  EXPECT_EQ(refused.retry_at, end);
  rig.pass(1ms);
  EXPECT_TRUE(rig.admit().permit);
  EXPECT_EQ(rig.state(), BreakerState::HalfOpen);
  EXPECT_EQ(rig.breaker.open_until(), Instant{});
}

TEST(Breaker, TheWaitDoublesWithEveryFailedProbeUpToItsCap) {
  BreakerRig rig;
  rig.trip();
  std::vector<Duration> waits;
  for (int i = 0; i < 6; ++i) {
    waits.push_back(open_time(rig));
    rig.now = rig.breaker.open_until();
    ASSERT_TRUE(rig.attempt(Verdict::Failure));
  }
  EXPECT_THAT(waits, ElementsAre(5s, 10s, 20s, 40s, 60s, 60s));
}

TEST(Breaker, EqualJitterKeepsHalfOfTheWait) {
  BreakerSettings settings;
  Duration shortest = 1h;
  Duration longest{};
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    BreakerRig rig(settings, seed);
    rig.trip();
    shortest = std::min(shortest, open_time(rig));
    longest = std::max(longest, open_time(rig));
  }
  EXPECT_GE(shortest, 2'500ms);
  EXPECT_LT(shortest, 2'600ms);
  EXPECT_GT(longest, 4'900ms);
  EXPECT_LE(longest, 5s);
}

TEST(Breaker, OpeningAgainSoonWaitsLonger) {
  BreakerRig rig;
  rig.reach_closed_again();
  rig.pass(59'999ms);
  rig.trip();
  EXPECT_EQ(open_time(rig), 10s);
}

TEST(Breaker, AMinuteOfHealthResetsTheWait) {
  BreakerRig rig;
  rig.reach_closed_again();
  rig.pass(60s);
  rig.trip();
  EXPECT_EQ(open_time(rig), 5s);
}

TEST(Breaker, ARetryAfterOfTheRunProlongsTheWait) {
  BreakerRig rig;
  rig.attempts(3, Verdict::Failure);
  rig.settle(*rig.admit().permit, Verdict::Failure, 0s, 30s);
  rig.pass(2s);
  rig.attempt(Verdict::Failure);
  EXPECT_EQ(open_time(rig), 28s);
  EXPECT_EQ(rig.transitions().front().reason, TransitionReason::RetryAfter);
}

TEST(Breaker, ARetryAfterIsHonouredForAMinuteAtMost) {
  BreakerRig rig;
  rig.attempts(4, Verdict::Failure);
  rig.settle(*rig.admit().permit, Verdict::Failure, 0s, Duration::max());
  EXPECT_EQ(open_time(rig), 60s);
}

TEST(Breaker, AShortOrOutlivedRetryAfterChangesNothing) {
  BreakerRig brief;
  brief.attempts(4, Verdict::Failure);
  brief.settle(*brief.admit().permit, Verdict::Failure, 0s, 1s);
  EXPECT_EQ(open_time(brief), 5s);
  EXPECT_EQ(brief.transitions().front().reason, TransitionReason::ConsecutiveFailures);

  BreakerRig outlived;
  outlived.settle(*outlived.admit().permit, Verdict::Failure, 0s, 30s);
  outlived.attempt(Verdict::Success);
  outlived.trip();
  EXPECT_EQ(open_time(outlived), 5s);
}

TEST(Breaker, ARetryAfterFromTheRampIsForgottenWithIt) {
  auto settings = exact_settings();
  settings.ramp.from = Ratio::percent(100);
  BreakerRig rig(settings);
  rig.reach_ramp();
  rig.pass(9s);
  rig.settle(*rig.admit().permit, Verdict::Failure, 0s, 60s);
  rig.pass(1s);
  ASSERT_EQ(rig.state(), BreakerState::Closed);
  rig.trip();
  EXPECT_EQ(open_time(rig), 10s);
}

TEST(Breaker, AnOverloadsRetryAfterIsNotForTheBreaker) {
  BreakerRig rig;
  rig.attempts(4, Verdict::Failure);
  rig.settle(*rig.admit().permit, Verdict::Overload, 0s, 30s);
  rig.attempt(Verdict::Failure);
  EXPECT_EQ(open_time(rig), 5s);
}

TEST(Breaker, AFailedProbesRetryAfterIsHonoured) {
  BreakerRig rig;
  rig.reach_half_open();
  rig.settle(*rig.admit().permit, Verdict::Failure, 0s, 45s);
  EXPECT_EQ(open_time(rig), 45s);
}

}  // namespace
}  // namespace fusegate::policy
