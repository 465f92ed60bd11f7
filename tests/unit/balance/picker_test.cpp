#include <fusegate/balance/picker.hpp>

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace fusegate::balance {
namespace {

struct Loads {
  std::vector<std::uint32_t> values;
  mutable std::uint64_t looks = 0;

  Candidates view() const {
    return {.context = this,
            .count = static_cast<std::uint32_t>(values.size()),
            .load = [](const void* self, std::uint32_t index) {
              const auto& loads = *static_cast<const Loads*>(self);
              ++loads.looks;
              return loads.values.at(index);
            }};
  }
};

std::vector<int> spread(const Loads& loads, int draws,
                        std::uint32_t (*pick)(const Candidates&, Rng&)) {
  Rng rng{7};
  std::vector<int> hits(loads.values.size());
  for (int i = 0; i < draws; ++i) {
    ++hits.at(pick(loads.view(), rng));
  }
  return hits;
}

TEST(Picker, FindsNothingAmongNoneOrAllUnusable) {
  Rng rng{1};
  for (std::size_t count = 0; count < 6; ++count) {
    const Loads loads{std::vector<std::uint32_t>(count, kUnusable)};
    std::uint32_t cursor = 0;
    EXPECT_EQ(power_of_two(loads.view(), rng), kNone);
    EXPECT_EQ(least_requests(loads.view(), rng), kNone);
    EXPECT_EQ(round_robin(loads.view(), cursor), kNone);
  }
}

TEST(Picker, FindsTheOnlyUsableOneAtEveryPlace) {
  Rng rng{1};
  for (std::size_t count = 1; count <= 200; count += 13) {
    for (std::size_t place = 0; place < count; ++place) {
      Loads loads{std::vector<std::uint32_t>(count, kUnusable)};
      loads.values[place] = 1000;
      std::uint32_t cursor = 0;
      EXPECT_EQ(power_of_two(loads.view(), rng), place);
      EXPECT_EQ(least_requests(loads.view(), rng), place);
      EXPECT_EQ(round_robin(loads.view(), cursor), place);
    }
  }
}

TEST(Picker, PowerOfTwoSpreadsEqualsEvenlyAndNeverTakesTheBusiest) {
  for (const int hits : spread({{3, 3, 3, 3}}, 40'000, power_of_two)) {
    EXPECT_NEAR(hits, 10'000, 500);
  }
  const auto hits = spread({{0, 1, 2, 3}}, 60'000, power_of_two);
  // Of the six pairs, candidate k wins those with a busier one.
  EXPECT_NEAR(hits[0], 30'000, 700);
  EXPECT_NEAR(hits[1], 20'000, 700);
  EXPECT_NEAR(hits[2], 10'000, 700);
  EXPECT_EQ(hits[3], 0);
}

TEST(Picker, PowerOfTwoStaysEvenWhenSomeAreUnusable) {
  const auto hits =
      spread({{kUnusable, 2, kUnusable, 2, kUnusable, kUnusable}}, 20'000, power_of_two);
  EXPECT_EQ(hits[0] + hits[2] + hits[4] + hits[5], 0);
  EXPECT_NEAR(hits[1], 10'000, 500);
}

TEST(Picker, PowerOfTwoLooksAtTwoOfManyOnly) {
  const Loads loads{std::vector<std::uint32_t>(200, 5)};
  Rng rng{3};
  for (int i = 0; i < 1000; ++i) {
    (void)power_of_two(loads.view(), rng);
  }
  EXPECT_EQ(loads.looks, 2000U);
}

TEST(Picker, LeastRequestsTakesTheLeastAndBreaksTiesEvenly) {
  const auto hits = spread({{4, 1, 7, 1, kUnusable, 1}}, 30'000, least_requests);
  EXPECT_EQ(hits[0] + hits[2] + hits[4], 0);
  EXPECT_NEAR(hits[1], 10'000, 500);
  EXPECT_NEAR(hits[3], 10'000, 500);
  EXPECT_NEAR(hits[5], 10'000, 500);
}

TEST(Picker, RoundRobinTakesTurnsSkipsTheUnusableAndSurvivesAShorterList) {
  std::uint32_t cursor = 0;
  const Loads four{{0, kUnusable, 9, 0}};
  for (const std::uint32_t expected : {0U, 2U, 3U, 0U, 2U, 3U}) {
    EXPECT_EQ(round_robin(four.view(), cursor), expected);
  }
  cursor = 3;
  const Loads two{{0, 0}};
  EXPECT_EQ(round_robin(two.view(), cursor), 0U);
  EXPECT_EQ(round_robin(two.view(), cursor), 1U);
  EXPECT_EQ(round_robin(two.view(), cursor), 0U);
}

}  // namespace
}  // namespace fusegate::balance
