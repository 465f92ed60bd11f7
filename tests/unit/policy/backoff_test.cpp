#include <fusegate/policy/backoff.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

BackoffSettings plain(BackoffKind kind) {
  return {.kind = kind, .initial = 25ms, .max = 250ms, .factor = 2.0, .jitter = Jitter::None};
}

std::vector<Duration> waits(const BackoffSettings& settings, unsigned count) {
  Rng rng(1);
  std::vector<Duration> all;
  for (unsigned retry = 1; retry <= count; ++retry) {
    all.push_back(backoff_delay(settings, retry, 0ns, rng));
  }
  return all;
}

TEST(Backoff, ExponentialGrowsByItsFactorUpToTheCap) {
  EXPECT_THAT(waits(plain(BackoffKind::Exponential), 6),
              ElementsAre(25ms, 50ms, 100ms, 200ms, 250ms, 250ms));
}

TEST(Backoff, ConstantStays) {
  EXPECT_THAT(waits(plain(BackoffKind::Constant), 3), ElementsAre(25ms, 25ms, 25ms));
}

TEST(Backoff, LinearGrowsByTheFirstWait) {
  auto settings = plain(BackoffKind::Linear);
  settings.max = 90ms;
  EXPECT_THAT(waits(settings, 5), ElementsAre(25ms, 50ms, 75ms, 90ms, 90ms));
}

TEST(Backoff, FibonacciFollowsItsSequence) {
  EXPECT_THAT(waits(plain(BackoffKind::Fibonacci), 7),
              ElementsAre(25ms, 25ms, 50ms, 75ms, 125ms, 200ms, 250ms));
}

TEST(Backoff, DecorrelatedStaysBetweenTheFirstWaitAndThreeTimesThePrevious) {
  const auto settings = plain(BackoffKind::Decorrelated);
  Rng rng(3);
  Duration longest{};
  for (int i = 0; i < 1'000; ++i) {
    const Duration first = backoff_delay(settings, 1, 0ns, rng);
    EXPECT_GE(first, 25ms);
    EXPECT_LE(first, 75ms);
    const Duration second = backoff_delay(settings, 2, 60ms, rng);
    EXPECT_GE(second, 25ms);
    EXPECT_LE(second, 180ms);
    longest = std::max(longest, second);
    EXPECT_LE(backoff_delay(settings, 3, 200ms, rng), 250ms);
  }
  EXPECT_GT(longest, 170ms);
}

TEST(Backoff, FullJitterSpreadsFromNothingToTheWait) {
  auto settings = plain(BackoffKind::Exponential);
  settings.jitter = Jitter::Full;
  Rng rng(4);
  Duration sum{};
  Duration lowest = 1h;
  for (int i = 0; i < 10'000; ++i) {
    const Duration wait = backoff_delay(settings, 3, 0ns, rng);
    ASSERT_GE(wait, 0ns);
    ASSERT_LE(wait, 100ms);
    sum += wait;
    lowest = std::min(lowest, wait);
  }
  EXPECT_LT(lowest, 1ms);
  EXPECT_NEAR(static_cast<double>((sum / 10'000).count()), 50e6, 2e6);
}

TEST(Backoff, EqualJitterKeepsHalf) {
  Rng rng(5);
  Duration lowest = 1h;
  for (int i = 0; i < 10'000; ++i) {
    const Duration wait = with_jitter(Jitter::Equal, 100ms, rng);
    ASSERT_GE(wait, 50ms);
    ASSERT_LE(wait, 100ms);
    lowest = std::min(lowest, wait);
  }
  EXPECT_LT(lowest, 51ms);
}

TEST(Backoff, NoNumberOfRetriesOverflows) {
  Rng rng(6);
  for (const auto kind : {BackoffKind::Exponential, BackoffKind::Linear, BackoffKind::Fibonacci}) {
    auto settings = plain(kind);
    settings.max = 24h;
    for (const unsigned retry : {1'000U, 1U << 31, UINT32_MAX}) {
      EXPECT_EQ(backoff_delay(settings, retry, 0ns, rng),
                kind == BackoffKind::Linear && retry == 1'000U ? 25s : 24h);
    }
  }
  auto settings = plain(BackoffKind::Decorrelated);
  settings.max = Duration::max();
  EXPECT_GE(backoff_delay(settings, 9, Duration::max(), rng), 25ms);
}

TEST(Backoff, AFirstWaitAboveTheCapIsCapped) {
  for (const auto kind : {BackoffKind::Exponential, BackoffKind::Constant, BackoffKind::Linear,
                          BackoffKind::Fibonacci, BackoffKind::Decorrelated}) {
    auto settings = plain(kind);
    settings.initial = 1s;
    EXPECT_THAT(waits(settings, 2), ElementsAre(250ms, 250ms));
  }
}

TEST(Backoff, AFirstWaitOfNothingStaysNothing) {
  auto settings = plain(BackoffKind::Exponential);
  settings.initial = 0ms;
  EXPECT_THAT(waits(settings, 2), ElementsAre(0ms, 0ms));
  Rng rng(7);
  EXPECT_EQ(backoff_delay(settings, UINT32_MAX, 0ns, rng), 0ms);
}

TEST(Backoff, RetryZeroCountsAsTheFirst) {
  Rng rng(8);
  EXPECT_EQ(backoff_delay(plain(BackoffKind::Exponential), 0, 0ns, rng), 25ms);
}

}  // namespace
}  // namespace fusegate::policy
