// The reproducible bugs of other breakers, each played against ours over many orders of events.
#include "property/policy/seeds.hpp"
#include "unit/policy/breaker_rig.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

/// Attempts that were under way when the breaker opened.
std::vector<Permit> pile_up(BreakerRig& rig, int count) {
  std::vector<Permit> permits;
  for (int i = 0; i < count; ++i) {
    permits.push_back(*rig.admit().permit);
  }
  rig.trip();
  return permits;
}

int healthy_calls_refused(BreakerRig& rig, int calls) {
  int refused = 0;
  for (int i = 0; i < calls; ++i) {
    refused += rig.attempt(Verdict::Success) ? 0 : 1;
    rig.pass(1s);
  }
  return refused;
}

// Backon 1: a late success zeroed the counter, so a failed probe was too few to open again, and the
// probe's slot stayed taken: 100 of 100 healthy calls refused for ever.
TEST(BackonsWedge, ALateSuccessDoesNotDisarmTheProbesFailure) {
  for_each_seed(100, [](std::uint64_t seed) {
    BreakerRig rig(BreakerSettings{}, seed);
    Rng dice(seed);
    const auto late = pile_up(rig, 20);
    for (const Permit& permit : late) {
      rig.pass(dice.between(0ms, 500ms));
      rig.settle(permit, Verdict::Success);
    }
    rig.now = std::max(rig.now, rig.breaker.open_until());
    ASSERT_TRUE(rig.attempt(Verdict::Failure));
    EXPECT_EQ(rig.state(), BreakerState::Open) << "one failed probe is enough";
    rig.now = rig.breaker.open_until();
    EXPECT_LE(healthy_calls_refused(rig, 100), 9) << "only the ramp may refuse";
    EXPECT_EQ(rig.state(), BreakerState::Closed);
  });
}

// Backon 2: a success from before the trip closed the half-open breaker.
TEST(BackonsWedge, ASuccessFromBeforeTheTripDoesNotCloseIt) {
  for_each_seed(100, [](std::uint64_t seed) {
    BreakerRig rig(BreakerSettings{}, seed);
    const auto late = pile_up(rig, 20);
    rig.now = rig.breaker.open_until();
    ASSERT_EQ(rig.state(), BreakerState::HalfOpen);
    for (const Permit& permit : late) {
      rig.settle(permit, Verdict::Success);
    }
    EXPECT_EQ(rig.state(), BreakerState::HalfOpen);
    EXPECT_EQ(rig.breaker.probes().ok, 0U);
  });
}

// Backon 3: late failures while open pushed the recovery back.
TEST(BackonsWedge, LateFailuresDoNotPushTheRecoveryBack) {
  for_each_seed(100, [](std::uint64_t seed) {
    BreakerRig rig(BreakerSettings{}, seed);
    Rng dice(seed);
    const auto late = pile_up(rig, 50);
    const Instant until = rig.breaker.open_until();
    for (const Permit& permit : late) {
      rig.pass(dice.between(0ms, 40ms));
      rig.settle(permit, Verdict::Failure, 0s, 60s);
      ASSERT_EQ(rig.breaker.open_until(), until);
    }
    rig.now = until;
    EXPECT_EQ(rig.state(), BreakerState::HalfOpen);
  });
}

// Backon 4: one failure was counted for a whole sequence of retries. Here each attempt has its own
// permit and its own result, so two requests of three attempts are enough.
TEST(BackonsWedge, EveryAttemptOfARetrySequenceCounts) {
  BreakerRig rig;
  int requests = 0;
  while (rig.state() == BreakerState::Closed) {
    ++requests;
    rig.attempts(3, Verdict::Failure);
  }
  EXPECT_EQ(requests, 2);
}

// Backon 5, as far as a breaker goes: when several attempts of one request run at once, the first
// that ends is not the verdict on all; each is judged by itself, and the cancelled ones not at all.
TEST(BackonsWedge, AFailedAttemptBesideASuccessfulOneIsStillCounted) {
  BreakerRig rig;
  const Permit first = *rig.admit().permit;
  const Permit hedge = *rig.admit().permit;
  const Permit cancelled = *rig.admit().permit;
  rig.settle(hedge, Verdict::Failure);
  rig.settle(first, Verdict::Success);
  rig.settle(cancelled, Verdict::Ignored);
  EXPECT_EQ(rig.breaker.window(rig.now).total, 2U);
  EXPECT_EQ(rig.breaker.window(rig.now).failed, 1U);
}

// Polly, safe-client-gateway: all waiting requests were released at once at the end of the wait.
TEST(HalfOpenFlood, AThousandWaitersBecomeOneProbe) {
  for_each_seed(50, [](std::uint64_t seed) {
    BreakerSettings settings;
    settings.half_open.probes = static_cast<std::uint32_t>(1 + seed % 5);
    BreakerRig rig(settings, seed);
    rig.trip();
    rig.now = rig.breaker.open_until();
    std::uint32_t admitted = 0;
    for (int i = 0; i < 1'000; ++i) {
      admitted += rig.admit().permit ? 1 : 0;
    }
    EXPECT_EQ(admitted, settings.half_open.probes);
  });
}

// A fleet whose breakers open at the same moment must not probe at the same moment.
TEST(HalfOpenFlood, AFleetDoesNotProbeInStep) {
  std::vector<Instant> ends;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    BreakerRig rig(BreakerSettings{}, seed);
    rig.trip();
    ends.push_back(rig.breaker.open_until());
  }
  std::ranges::sort(ends);
  EXPECT_GT(ends[90] - ends[10], 1s);
  EXPECT_EQ(std::ranges::adjacent_find(ends), ends.end());
}

// gobreaker: a thousand attempts under way at the trip all fail afterwards.
TEST(PileUp, AThousandFailuresAfterTheTripAreOneOpening) {
  BreakerRig rig;
  const auto late = pile_up(rig, 1'000);
  for (const Permit& permit : late) {
    rig.settle(permit, Verdict::Failure);
  }
  EXPECT_EQ(rig.transitions().size(), 1U);
  EXPECT_EQ(rig.breaker.open_until() - rig.breaker.since(), 5s) << "the wait did not grow";
}

// resilience4j: permits lost when calls were ignored or cancelled; stuck half-open for ever.
TEST(LostPermits, CancelledOrLostProbesNeverUseUpHalfOpen) {
  for_each_seed(100, [](std::uint64_t seed) {
    BreakerRig rig(BreakerSettings{}, seed);
    Rng dice(seed);
    rig.reach_half_open();
    for (int i = 0; i < 100; ++i) {
      const Admission probe = rig.admit(true, 500ms);
      if (probe.permit && dice.below(2) == 0) {
        rig.settle(*probe.permit, Verdict::Ignored);
      }
      rig.pass(dice.between(0ms, 3s));
    }
    rig.pass(61s);
    EXPECT_LE(healthy_calls_refused(rig, 100), 9) << "only the ramp may refuse";
    EXPECT_EQ(rig.state(), BreakerState::Closed);
  });
}

}  // namespace
}  // namespace fusegate::policy
