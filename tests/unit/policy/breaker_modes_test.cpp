// Modes shed and shadow, and what an operator's word does in every mode.
#include "unit/policy/breaker_rig.hpp"

#include <gtest/gtest.h>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

BreakerSettings in_mode(BreakerMode mode) {
  auto settings = exact_settings();
  settings.mode = mode;
  return settings;
}

constexpr BreakerMode kAll[] = {BreakerMode::Open, BreakerMode::Shed, BreakerMode::Shadow,
                                BreakerMode::Off};

void force(BreakerRig& rig, Forced how, Instant until = kNever) {
  rig.breaker.force(how, until, rig.rng, rig.now);
}

TEST(Shadow, LivesTheLifeOfABreakerInForceAndRefusesNothing) {
  BreakerRig real(exact_settings());
  BreakerRig shadow(in_mode(BreakerMode::Shadow));
  Rng dice(7);
  std::uint64_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    // Thirty bad seconds in each two minutes.
    const bool bad = (i / 20) % 120 < 30 && dice.below(10) < 9;
    const Verdict verdict = bad ? Verdict::Failure : Verdict::Success;
    refused += real.attempt(verdict) ? 0 : 1;
    ASSERT_TRUE(shadow.attempt(verdict)) << i;
    ASSERT_EQ(shadow.breaker.state(), real.breaker.state()) << i;
    ASSERT_EQ(shadow.breaker.refuses_until(shadow.now), std::nullopt);
    real.pass(50ms);
    shadow.pass(50ms);
  }
  EXPECT_GT(refused, 1'000U);
  EXPECT_EQ(shadow.breaker.would_have_refused(), refused);
  EXPECT_EQ(shadow.transitions(), real.transitions());
  EXPECT_EQ(real.breaker.would_have_refused(), 0U);
}

TEST(Shadow, AttemptsThatWouldNotHaveBeenMadeHaveNoVote) {
  BreakerRig rig(in_mode(BreakerMode::Shadow));
  rig.reach_half_open();
  const Admission probe = rig.admit();
  const Admission beside = rig.admit();
  ASSERT_TRUE(beside.permit);
  rig.settle(*beside.permit, Verdict::Failure);
  rig.breaker.record_failure(*beside.permit, rig.rng, rig.now);
  EXPECT_EQ(rig.state(), BreakerState::HalfOpen);
  EXPECT_EQ(rig.breaker.probes_in_flight(), 1U);
  rig.settle(*probe.permit, Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Open);
}

TEST(Shed, RefusesAShareAndTellsItAsARamp) {
  BreakerRig rig(in_mode(BreakerMode::Shed));
  int passed = 0;
  for (int i = 0; i < 1'000; ++i, rig.pass(10ms)) {
    const Admission answer = rig.admit();
    passed += answer.permit ? 1 : 0;
    EXPECT_NE(answer.permit.has_value(), answer.shed);
    if (answer.permit) {
      rig.settle(*answer.permit, Verdict::Failure);
    } else {
      EXPECT_EQ(answer.retry_at, rig.now + 1s);
    }
    EXPECT_EQ(rig.breaker.refuses_until(rig.now), std::nullopt) << "never everybody";
  }
  EXPECT_LT(passed, 60);
  EXPECT_EQ(rig.state(), BreakerState::Ramp);
  EXPECT_LT(rig.breaker.admitted_share(rig.now), 0.05);
  EXPECT_GT(rig.breaker.admitted_share(rig.now), 0.0);
  auto moves = rig.transitions();
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(moves[0].reason, TransitionReason::FailureRate);
  rig.pass(20s);
  EXPECT_EQ(rig.state(), BreakerState::Closed) << "nobody is refused any more";
  moves = rig.transitions();
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(moves[0].reason, TransitionReason::RampDone);
  EXPECT_EQ(rig.breaker.admitted_share(rig.now), 1.0);
}

TEST(Shed, ResultsOnTheirWayWhenItBeginsStillCount) {
  BreakerRig rig(in_mode(BreakerMode::Shed));
  std::vector<Permit> out;
  for (int i = 0; i < 40; ++i) {
    out.push_back(*rig.admit().permit);
  }
  rig.attempts(300, Verdict::Failure);
  ASSERT_EQ(rig.state(), BreakerState::Ramp);
  const double before = rig.breaker.admitted_share(rig.now);
  for (const Permit permit : out) {
    rig.settle(permit, Verdict::Success);
  }
  EXPECT_GT(rig.breaker.admitted_share(rig.now), before);
}

TEST(Shed, IsNotMovedByARunOfFailuresAtLowVolume) {
  BreakerRig rig(in_mode(BreakerMode::Shed));
  for (int i = 0; i < 100; ++i, rig.pass(1s)) {
    ASSERT_TRUE(rig.attempt(Verdict::Failure)) << "one a second is below min_requests in a window";
  }
  EXPECT_EQ(rig.state(), BreakerState::Closed);
}

TEST(Forced, OpenRefusesEverythingInEveryMode) {
  for (const BreakerMode mode : kAll) {
    SCOPED_TRACE(word(mode));
    BreakerRig rig(in_mode(mode));
    force(rig, Forced::Open, rig.now + 60s);
    EXPECT_EQ(rig.state(), BreakerState::ForcedOpen);
    for (int i = 0; i < 59; ++i, rig.pass(1s)) {
      const Admission answer = rig.admit();
      ASSERT_FALSE(answer.permit);
      EXPECT_FALSE(answer.shed);
      EXPECT_EQ(rig.breaker.refuses_until(rig.now), answer.retry_at);
      EXPECT_EQ(answer.retry_at, std::min(rig.now + 5s, Instant{} + 60s));
    }
    rig.pass(1s);
    EXPECT_EQ(rig.breaker.refuses_until(rig.now), std::nullopt);
    EXPECT_TRUE(rig.admit().permit);
    EXPECT_EQ(rig.breaker.forced(), Forced::No);
    const auto home = mode == BreakerMode::Off ? BreakerState::Disabled : BreakerState::Closed;
    EXPECT_EQ(rig.breaker.state(), home);
    const auto moves = rig.transitions();
    ASSERT_EQ(moves.size(), 2U);
    EXPECT_EQ(moves[0].reason, TransitionReason::Operator);
    EXPECT_EQ(moves[1].reason, TransitionReason::Operator);
    EXPECT_EQ(moves[1].at, Instant{} + 60s) << "dated when it was due";
  }
}

TEST(Forced, CloseRefusesNothingInEveryMode) {
  for (const BreakerMode mode : kAll) {
    SCOPED_TRACE(word(mode));
    BreakerRig rig(in_mode(mode));
    rig.attempts(500, Verdict::Failure);
    force(rig, Forced::Closed);
    EXPECT_EQ(rig.state(), BreakerState::Disabled);
    for (int i = 0; i < 1'000; ++i, rig.pass(1s)) {
      ASSERT_TRUE(rig.attempt(Verdict::Failure));
    }
    EXPECT_EQ(rig.state(), BreakerState::Disabled) << "without an end it has none";
  }
}

TEST(Forced, JudgingBeginsFromAnEmptyWindowAndTheFirstOpenTime) {
  BreakerRig rig;
  for (int i = 0; i < 4; ++i) {
    rig.reach_half_open();  // Opens, each time for longer.
  }
  force(rig, Forced::Closed);
  rig.attempts(100, Verdict::Failure);
  force(rig, Forced::No);
  EXPECT_EQ(rig.state(), BreakerState::Closed);
  EXPECT_EQ(rig.breaker.window(rig.now).total, 0U);
  EXPECT_EQ(rig.breaker.consecutive_failures(), 0U);
  rig.attempts(4, Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Closed);
  rig.attempts(1, Verdict::Failure);
  EXPECT_EQ(rig.state(), BreakerState::Open);
  EXPECT_EQ(rig.breaker.open_until(), rig.now + 5s);
}

TEST(Forced, AThrottleBeginsAnewToo) {
  BreakerRig rig(in_mode(BreakerMode::Shed));
  rig.attempts(500, Verdict::Failure);
  ASSERT_LT(rig.breaker.admitted_share(rig.now), 0.1);
  force(rig, Forced::Closed, rig.now + 1s);
  rig.attempts(500, Verdict::Failure);
  rig.pass(1s);
  EXPECT_EQ(rig.state(), BreakerState::Closed);
  EXPECT_EQ(rig.breaker.admitted_share(rig.now), 1.0);
}

TEST(Forced, LateResultsDoNotMoveIt) {
  for (const Forced how : {Forced::Open, Forced::Closed}) {
    BreakerRig rig;
    std::vector<Permit> out;
    for (int i = 0; i < 100; ++i) {
      out.push_back(*rig.admit().permit);
    }
    force(rig, how);
    const auto generation = rig.breaker.generation();
    for (std::size_t i = 0; i < 50; ++i) {
      rig.settle(out[i], Verdict::Failure, 0s, 30s);
    }
    EXPECT_EQ(rig.breaker.generation(), generation);
    force(rig, Forced::No);
    for (std::size_t i = 50; i < 100; ++i) {
      rig.settle(out[i], Verdict::Failure);
      rig.breaker.record_failure(out[i], rig.rng, rig.now);
    }
    EXPECT_EQ(rig.state(), BreakerState::Closed);
    EXPECT_EQ(rig.breaker.window(rig.now).total, 0U);
  }
}

TEST(Forced, TheLastWordHolds) {
  BreakerRig rig;
  force(rig, Forced::Open, rig.now + 10s);
  force(rig, Forced::Open, rig.now + 20s);
  EXPECT_EQ(rig.transitions().size(), 1U) << "the same state is no move";
  rig.pass(15s);
  EXPECT_EQ(rig.state(), BreakerState::ForcedOpen);
  force(rig, Forced::Closed, rig.now + 10s);
  EXPECT_EQ(rig.state(), BreakerState::Disabled);
  rig.pass(9s);
  force(rig, Forced::Closed);
  rig.pass(1h);
  EXPECT_EQ(rig.state(), BreakerState::Disabled);
  EXPECT_EQ(rig.breaker.forced_until(), kNever);
  force(rig, Forced::No);
  EXPECT_EQ(rig.state(), BreakerState::Closed);
  force(rig, Forced::No);
  EXPECT_EQ(rig.transitions().size(), 2U) << "released twice is released once";
}

TEST(Forced, IsKeptOverARestart) {
  for (const Forced how : {Forced::Open, Forced::Closed}) {
    BreakerRig before;
    force(before, how, before.now + 60s);
    const auto kept = before.breaker.snapshot(before.now);
    BreakerRig next;
    ASSERT_TRUE(next.breaker.restore(kept, next.now));
    EXPECT_EQ(next.state(), before.state());
    EXPECT_EQ(next.breaker.forced(), how);
    next.pass(60s);
    EXPECT_EQ(next.state(), BreakerState::Closed);
  }
}

TEST(Forced, AnImpossibleMemoryIsRefused) {
  BreakerRig rig;
  auto kept = rig.breaker.snapshot(rig.now);
  kept.forced = Forced::Closed;
  EXPECT_FALSE(rig.breaker.restore(kept, rig.now)) << "closed is not the state of one forced";
  kept.state = BreakerState::Disabled;
  EXPECT_TRUE(rig.breaker.restore(kept, rig.now));
}

}  // namespace
}  // namespace fusegate::policy
