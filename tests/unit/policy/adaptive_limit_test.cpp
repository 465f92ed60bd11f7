#include <fusegate/policy/adaptive_limit.hpp>

#include <gtest/gtest.h>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

Instant at(Duration since_start) { return Instant{1000s} + since_start; }

/// `count` answers of the same latency, one a millisecond; returns when the last one came.
Instant answers(AdaptiveLimit& limit, int count, Duration latency, std::uint32_t in_flight,
                Instant from) {
  for (int i = 0; i < count; ++i) {
    from += 1ms;
    limit.on_start(in_flight, from);
    limit.on_answer(latency, from);
  }
  return from;
}

TEST(AdaptiveLimit, StartsRoomyAndDoublesWhenReached) {
  AdaptiveLimit limit(1024, at(0s));
  EXPECT_EQ(limit.limit(), AdaptiveLimit::kCalmLimit);
  limit.on_start(1, at(1ms));
  EXPECT_TRUE(limit.on_full(at(1ms)));
  EXPECT_EQ(limit.limit(), 128U);
  EXPECT_FALSE(limit.on_full(at(2ms))) << "answers need time to come";
  EXPECT_TRUE(limit.on_full(at(11ms)));
  EXPECT_EQ(limit.limit(), 256U);
}

TEST(AdaptiveLimit, NeverGoesOverItsBound) {
  AdaptiveLimit limit(100, at(0s));
  limit.on_start(1, at(1ms));
  EXPECT_TRUE(limit.on_full(at(1ms)));
  EXPECT_EQ(limit.limit(), 100U);
  EXPECT_FALSE(limit.on_full(at(100ms)));
  EXPECT_EQ(AdaptiveLimit(0, at(0s)).limit(), 1U);
}

TEST(AdaptiveLimit, DoesNotGrowWhileNothingIsAnswered) {
  AdaptiveLimit limit(1024, at(0s));
  limit.on_start(1, at(0s));
  limit.on_start(64, at(1s));
  EXPECT_FALSE(limit.on_full(at(1s)));
  limit.on_answer(1s, at(1s));
  EXPECT_TRUE(limit.on_full(at(1s)));
}

TEST(AdaptiveLimit, CutsWhenEvenTheFastAnswersAreLateAndGrowsBack) {
  AdaptiveLimit limit(1024, at(0s));
  Instant now = answers(limit, 2000, 10ms, 20, at(0s));
  EXPECT_FALSE(limit.overloaded());
  now = answers(limit, 200, 300ms, 60, now);
  EXPECT_TRUE(limit.overloaded());
  const std::uint32_t low = limit.limit();
  EXPECT_LE(low, 30U);
  now = answers(limit, 200, 10ms, low, now + 1s);
  EXPECT_GT(limit.limit(), low);
}

TEST(AdaptiveLimit, SeesAQueueWhileItGrows) {
  AdaptiveLimit limit(1024, at(0s));
  const Instant slow_since = answers(limit, 2000, 10ms, 10, at(0s));
  // 200 requests a second, 40 answers: each one 20 ms later than the one before.
  Instant now = slow_since;
  std::uint32_t in_flight = 10;
  while (!limit.overloaded() && now < slow_since + 5s) {
    now += 5ms;
    limit.on_start(++in_flight, now);
    if ((now - slow_since) % 25ms == 0ms) {
      --in_flight;
      limit.on_answer((now - slow_since) * 4 / 5 + 10ms, now);
    }
  }
  EXPECT_LE(now - slow_since, 300ms);
  EXPECT_LE(limit.limit(), 20U);
}

TEST(AdaptiveLimit, ABurstThatIsAnsweredAtItsPaceIsNoQueue) {
  AdaptiveLimit limit(1024, at(0s));
  Instant now = answers(limit, 2000, 10ms, 10, at(0s));
  // Ten times the load, at the same speed.
  for (int i = 0; i < 5000; ++i) {
    now += 100us;
    limit.on_start(100, now);
    limit.on_answer(10ms, now);
  }
  EXPECT_FALSE(limit.overloaded());
}

TEST(AdaptiveLimit, AFewSlowAnswersAmongFastOnesAreNoOverload) {
  AdaptiveLimit limit(1024, at(0s));
  Instant now = answers(limit, 2000, 10ms, 20, at(0s));
  for (int i = 0; i < 500; ++i) {
    now = answers(limit, 1, 10ms, 20, now);
    now = answers(limit, 1, 2s, 20, now);
  }
  EXPECT_FALSE(limit.overloaded());
}

TEST(AdaptiveLimit, OneThatAnswersNothingGetsOneAtATime) {
  AdaptiveLimit limit(1024, at(0s));
  Instant now = answers(limit, 2000, 10ms, 20, at(0s));
  limit.on_start(1, now);
  for (int i = 0; i < 40; ++i) {
    now += 100ms;
    limit.on_drop(1s, now);
  }
  EXPECT_EQ(limit.limit(), 1U);
}

}  // namespace
}  // namespace fusegate::policy
