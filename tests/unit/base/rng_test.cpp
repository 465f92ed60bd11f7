#include <fusegate/base/rng.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace fusegate {
namespace {

using namespace std::chrono_literals;

TEST(Rng, GivesTheTraceOfTheReferenceGenerator) {
  // Computed with a separate implementation of xoshiro256** seeded by SplitMix64.
  Rng rng(1234567);
  for (const std::uint64_t expected : {3504822795582309479ULL, 1819558768956484042ULL,
                                       1250851346055027673ULL, 16940231675099994102ULL}) {
    EXPECT_EQ(rng.next(), expected);
  }
}

TEST(Rng, EqualSeedsAgreeAndOthersDiffer) {
  Rng one(7);
  Rng same(7);
  Rng other(8);
  unsigned differing = 0;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t value = one.next();
    EXPECT_EQ(value, same.next());
    differing += value != other.next() ? 1 : 0;
  }
  EXPECT_GT(differing, 90U);
}

TEST(Rng, UniformFillsTheUnitInterval) {
  Rng rng(1);
  double sum = 0.0;
  double lowest = 1.0;
  double highest = 0.0;
  constexpr int kDraws = 100'000;
  for (int i = 0; i < kDraws; ++i) {
    const double value = rng.uniform();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    sum += value;
    lowest = std::min(lowest, value);
    highest = std::max(highest, value);
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.005);
  EXPECT_LT(lowest, 0.001);
  EXPECT_GT(highest, 0.999);
}

TEST(Rng, BelowGivesEveryValueEquallyOften) {
  Rng rng(2);
  std::array<int, 6> seen{};
  constexpr int kDraws = 60'000;
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t value = rng.below(seen.size());
    ASSERT_LT(value, seen.size());
    ++seen[value];
  }
  for (const int count : seen) {
    EXPECT_NEAR(count, 10'000, 500);
  }
}

TEST(Rng, BelowKeepsItsBoundAtTheEdges) {
  Rng rng(3);
  EXPECT_EQ(rng.below(0), 0U);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(rng.below(1), 0U);
    EXPECT_LT(rng.below(UINT64_MAX), UINT64_MAX);
  }
}

TEST(Rng, BetweenIncludesBothEnds) {
  Rng rng(4);
  bool low = false;
  bool high = false;
  for (int i = 0; i < 1'000; ++i) {
    const Duration value = rng.between(3ns, 6ns);
    ASSERT_GE(value, 3ns);
    ASSERT_LE(value, 6ns);
    low |= value == 3ns;
    high |= value == 6ns;
  }
  EXPECT_TRUE(low);
  EXPECT_TRUE(high);
}

TEST(Rng, BetweenOfAnEmptyRangeIsItsLowEnd) {
  Rng rng(5);
  EXPECT_EQ(rng.between(5s, 5s), 5s);
  EXPECT_EQ(rng.between(5s, 1s), 5s);
  EXPECT_GE(rng.between(Duration::zero(), Duration::max()), Duration::zero());
}

}  // namespace
}  // namespace fusegate
