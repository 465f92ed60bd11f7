#include <fusegate/base/rng.hpp>
#include <fusegate/policy/hedge.hpp>
#include <fusegate/policy/latency_quantile.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

constexpr Instant at(Duration since_start) { return Instant{} + 1000s + since_start; }

TEST(LatencyQuantile, IsUnknownAtFirst) {
  LatencyQuantile p95{95};
  EXPECT_EQ(p95.value(at(0s)), std::nullopt);
  for (std::uint32_t i = 1; i < LatencyQuantile::kMinSamples; ++i) {
    p95.add(10ms, at(0s));
  }
  EXPECT_EQ(p95.value(at(1s)), std::nullopt);
  p95.add(10ms, at(1s));
  EXPECT_NE(p95.value(at(2s)), std::nullopt);
}

TEST(LatencyQuantile, IsNeverTooShortAndAtMostAQuarterTooLong) {
  for (const std::uint32_t percent : {1U, 50U, 90U, 95U, 99U}) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      Rng rng{seed};
      LatencyQuantile quantile{percent};
      std::vector<Duration> seen;
      const Duration scale = rng.between(50us, 20s);
      for (int i = 0; i < 500; ++i) {
        seen.push_back(rng.between(20us, scale) / static_cast<Duration::rep>(1 + rng.below(20)) +
                       20us);
        quantile.add(seen.back(), at(1s));
      }
      std::ranges::sort(seen);
      const Duration exact = seen[(seen.size() * percent + 99) / 100 - 1];
      const auto told = quantile.value(at(2s));
      ASSERT_TRUE(told) << "seed " << seed;
      EXPECT_GE(*told, exact) << "seed " << seed;
      EXPECT_LE(told->count(), exact.count() * 1.26) << "seed " << seed;
    }
  }
}

TEST(LatencyQuantile, ForgetsWhatWas) {
  LatencyQuantile p50{50};
  for (int i = 0; i < 100; ++i) {
    p50.add(1s, at(0s));
  }
  EXPECT_GE(*p50.value(at(1s)), 1s);
  for (int i = 0; i < 300; ++i) {
    p50.add(1ms, at(i * 100ms));
  }
  EXPECT_LE(*p50.value(at(30s)), 2ms);
  EXPECT_EQ(p50.value(at(60s)), std::nullopt) << "a minute of silence";
}

TEST(LatencyQuantile, ExtremesFindTheirPlace) {
  LatencyQuantile p99{99};
  for (int i = 0; i < 60; ++i) {
    p99.add(i % 2 == 0 ? Duration{-5} : Duration{24h}, at(0s));
  }
  EXPECT_GE(*p99.value(at(0s)), 1h);
}

TEST(HedgeShare, HasNoFloor) {
  HedgeShare share;
  const Ratio most = Ratio::percent(5);
  for (int i = 0; i < 19; ++i) {
    share.on_request(at(0s));
    EXPECT_FALSE(share.has_room(most, at(0s)));
  }
  share.on_request(at(0s));
  EXPECT_TRUE(share.has_room(most, at(0s)));
  share.on_hedge(at(0s));
  EXPECT_FALSE(share.has_room(most, at(0s)));
  EXPECT_FALSE(share.has_room(most, at(20s))) << "the requests have left the window";
}

}  // namespace
}  // namespace fusegate::policy
