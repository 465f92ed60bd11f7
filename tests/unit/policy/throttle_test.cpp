#include <fusegate/policy/throttle.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

/// The formula with the book's multiplier of two.
double formula(double requests, double accepts) {
  return (requests - 2 * accepts) / (requests + 1);
}

struct ThrottleRig {
  explicit ThrottleRig(Duration window = 10s, std::uint32_t min_requests = 20)
      : throttle(window, min_requests) {}

  void accept(int count, Duration latency = 1ms) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(throttle.admit(rng, now));
      throttle.accepted(latency, now + latency);
    }
  }
  /// Failed calls, whether the throttle would have let them through or not.
  void fail(int count) {
    for (int i = 0; i < count; ++i) {
      throttle.failed(0s, now);
    }
  }
  double share() const { return throttle.refused_share(now); }

  Throttle throttle;
  Rng rng{1};
  Instant now = Instant{} + 100s;
};

TEST(Throttle, RefusesTheShareOfTheFormula) {
  struct Case {
    int accepts, failures;
  };
  for (const Case each : {Case{0, 20}, {5, 15}, {9, 11}, {10, 10}, {11, 9}, {20, 0}, {13, 27}}) {
    ThrottleRig rig;
    rig.accept(each.accepts);
    rig.fail(each.failures);
    const double wanted = formula(each.accepts + each.failures, each.accepts);
    EXPECT_DOUBLE_EQ(rig.share(), std::max(0.0, wanted)) << each.accepts << " accepted";
  }
}

TEST(Throttle, HalfFailuresAreStillLetThroughWhole) {
  ThrottleRig rig;
  rig.accept(25);
  rig.fail(25);
  EXPECT_EQ(rig.share(), 0.0);
  rig.fail(1);
  EXPECT_GT(rig.share(), 0.0);
}

TEST(Throttle, SaysNothingBelowTheMinimumVolume) {
  ThrottleRig rig;
  rig.fail(19);
  EXPECT_EQ(rig.share(), 0.0);
  rig.fail(1);
  EXPECT_DOUBLE_EQ(rig.share(), formula(20, 0));
}

TEST(Throttle, RefusalsCountAsRequests) {
  ThrottleRig rig;
  rig.accept(5);
  rig.fail(15);
  const double before = rig.share();
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    refused += rig.throttle.admit(rig.rng, rig.now) ? 0 : 1;
  }
  ASSERT_GT(refused, 0);
  EXPECT_GT(rig.share(), before);
  EXPECT_LT(rig.share(), 1.0);
}

TEST(Throttle, TheWindowIsAsShortAsEnoughRequestsAllow) {
  ThrottleRig rig;
  rig.accept(500);
  rig.now += 2s;
  rig.fail(49);
  EXPECT_EQ(rig.share(), 0.0) << "49 are not enough to forget 500";
  rig.fail(1);
  EXPECT_DOUBLE_EQ(rig.share(), formula(50, 0)) << "the newest slot holds enough by itself";
}

TEST(Throttle, WhatHasLeftTheWindowDoesNotCount) {
  ThrottleRig rig;
  rig.fail(40);
  ASSERT_GT(rig.share(), 0.9);
  rig.now += 9s;
  EXPECT_GT(rig.share(), 0.9);
  rig.now += 1s;
  EXPECT_EQ(rig.share(), 0.0);
  rig.fail(20);
  EXPECT_DOUBLE_EQ(rig.share(), formula(20, 0));
  rig.now += 24h;
  EXPECT_EQ(rig.share(), 0.0);
}

TEST(Throttle, OneCallASecondPassesHoweverTheDiceFall) {
  ThrottleRig rig{10s, 20};
  rig.fail(1'000);
  std::vector<Duration> passed;
  for (int i = 0; i < 500; ++i, rig.now += 10ms) {
    if (rig.throttle.admit(rig.rng, rig.now)) {
      passed.push_back(rig.now.time_since_epoch());
      rig.throttle.failed(0s, rig.now);
    }
  }
  EXPECT_GE(passed.size(), 5U);
  EXPECT_LE(passed.size(), 15U) << "and few others: 1 of 50 at the fewest requests it judges by";
  for (std::size_t i = 1; i < passed.size(); ++i) {
    EXPECT_LE(passed[i] - passed[i - 1], 1'010ms);
  }
}

TEST(Throttle, ACrowdThatStartsAtOnceIsNoOutage) {
  ThrottleRig rig;
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(rig.throttle.admit(rig.rng, rig.now)) << i;
  }
  rig.now += 5s;
  EXPECT_EQ(rig.share(), 0.0) << "how long answers take is not known yet";
}

TEST(Throttle, CallsOutLongerThanTheSlowestAcceptedCount) {
  ThrottleRig rig;
  rig.accept(30, 500ms);
  rig.now += 1s;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(rig.throttle.admit(rig.rng, rig.now));
  }
  rig.now += 400ms;
  EXPECT_EQ(rig.share(), 0.0) << "no longer than others took";
  rig.now += 1'200ms;
  EXPECT_DOUBLE_EQ(rig.share(), formula(100, 0)) << "overdue, and enough by themselves";
  for (int i = 0; i < 100; ++i) {
    rig.throttle.accepted(1'600ms, rig.now);
  }
  EXPECT_EQ(rig.share(), 0.0) << "they came after all";
}

TEST(Throttle, ACallGivenUpCountsOnlyWhenItWasOverdue) {
  ThrottleRig rig;
  rig.accept(1, 500ms);
  rig.now += 1s;
  const auto give_up_all = [&](Duration latency) {
    for (int i = 0; i < 40; ++i) {
      ASSERT_TRUE(rig.throttle.admit(rig.rng, rig.now - latency));
    }
    for (int i = 0; i < 40; ++i) {
      rig.throttle.cancelled(latency, rig.now);
    }
  };
  give_up_all(400ms);
  EXPECT_EQ(rig.share(), 0.0);
  give_up_all(600ms);
  EXPECT_DOUBLE_EQ(rig.share(), formula(41, 1));
}

TEST(Throttle, AnAcceptedCallCanBeTakenBack) {
  ThrottleRig rig;
  rig.accept(20);
  rig.now += 3s;
  for (int i = 0; i < 15; ++i) {
    rig.throttle.take_back(rig.now);
  }
  EXPECT_DOUBLE_EQ(rig.share(), formula(20, 5));
  for (int i = 0; i < 10; ++i) {
    rig.throttle.take_back(rig.now);
  }
  EXPECT_DOUBLE_EQ(rig.share(), formula(20, 0)) << "not below none";
}

TEST(Throttle, ClearedItKnowsNothing) {
  ThrottleRig rig;
  rig.accept(1, 1ms);
  rig.fail(100);
  rig.throttle.clear();
  EXPECT_EQ(rig.share(), 0.0);
}

TEST(Throttle, EarlierTimesAreHarmless) {
  ThrottleRig rig;
  rig.fail(30);
  rig.now -= 50s;
  EXPECT_GE(rig.share(), 0.0);
  rig.throttle.failed(200s, rig.now);
  rig.throttle.accepted(200s, rig.now);
  static_cast<void>(rig.throttle.admit(rig.rng, rig.now));
  rig.now += 50s;
  EXPECT_DOUBLE_EQ(rig.share(), formula(32, 1));
}

}  // namespace
}  // namespace fusegate::policy
