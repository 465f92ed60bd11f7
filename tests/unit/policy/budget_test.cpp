#include <fusegate/policy/budget.hpp>

#include <gtest/gtest.h>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

constexpr Instant at(Duration since_start) { return Instant{} + since_start; }

Budget with_requests(const BudgetSettings& settings, int requests) {
  Budget budget(settings);
  for (int i = 0; i < requests; ++i) {
    budget.on_request(at(0s));
  }
  return budget;
}

int charge_all(Budget& budget, Instant now) {
  int charged = 0;
  while (charged < 1'000'000 && budget.try_charge(now)) {
    ++charged;
  }
  return charged;
}

TEST(Budget, AllowsExactlyTheShareAndTheFloor) {
  Budget budget = with_requests({.percent = Ratio::percent(20), .min_retries = 10}, 1'000);
  EXPECT_EQ(budget.capacity(at(0s)), 210U);
  EXPECT_EQ(charge_all(budget, at(1s)), 210);
  EXPECT_EQ(budget.available(at(1s)), 0U);
}

struct Share {
  double percent;
  int requests;
  int allowed;
};

class BudgetShares : public ::testing::TestWithParam<Share> {};

// A reciprocal rounded to an integer turns 0.3 into a third and 0.6 into all of it.
TEST_P(BudgetShares, AreNotTruncated) {
  Budget budget = with_requests({.percent = Ratio::percent(GetParam().percent), .min_retries = 0},
                                GetParam().requests);
  EXPECT_EQ(charge_all(budget, at(0s)), GetParam().allowed);
}

INSTANTIATE_TEST_SUITE_P(Exact, BudgetShares,
                         ::testing::Values(Share{30, 1'000, 300}, Share{60, 1'000, 600},
                                           Share{75, 1'000, 750}, Share{100, 1'000, 1'000},
                                           Share{0.1, 1'000, 1}, Share{30, 3, 0}, Share{30, 4, 1},
                                           Share{150, 10, 15}, Share{0, 1'000, 0}));

TEST(Budget, TheFloorIsThereWithoutTraffic) {
  Budget budget({.percent = Ratio::percent(20), .min_retries = 10});
  EXPECT_EQ(charge_all(budget, at(0s)), 10);
  EXPECT_FALSE(budget.try_charge(at(9'999ms)));
  EXPECT_EQ(charge_all(budget, at(10s)), 10);
}

TEST(Budget, ARefusedChargeCostsNothing) {
  Budget budget({.percent = Ratio{}, .min_retries = 1});
  ASSERT_TRUE(budget.try_charge(at(0s)));
  for (int i = 0; i < 100; ++i) {
    ASSERT_FALSE(budget.try_charge(at(5s)));
  }
  EXPECT_TRUE(budget.try_charge(at(10s)));
}

TEST(Budget, ARefundCanBeSpentAgain) {
  Budget budget({.percent = Ratio{}, .min_retries = 1});
  ASSERT_TRUE(budget.try_charge(at(0s)));
  budget.refund(at(0s), at(3s));
  EXPECT_EQ(budget.available(at(3s)), 1U);
  EXPECT_TRUE(budget.try_charge(at(3s)));
  EXPECT_FALSE(budget.try_charge(at(3s)));
}

TEST(Budget, TheRefundOfAnExpiredChargePaysForNothing) {
  Budget budget({.percent = Ratio{}, .min_retries = 1});
  ASSERT_TRUE(budget.try_charge(at(0s)));
  ASSERT_TRUE(budget.try_charge(at(10s)));
  budget.refund(at(0s), at(11s));
  EXPECT_FALSE(budget.try_charge(at(11s))) << "the charge of second 10 is still in the window";
  EXPECT_TRUE(budget.try_charge(at(20s)));
}

TEST(Budget, RefundsWithoutAChargeGiveNoCredit) {
  Budget budget({.percent = Ratio{}, .min_retries = 2});
  for (int i = 0; i < 10; ++i) {
    budget.refund(at(0s));
    budget.refund(at(0s), at(0s));
  }
  EXPECT_EQ(budget.available(at(0s)), 2U);
  EXPECT_EQ(charge_all(budget, at(0s)), 2);
}

TEST(Budget, ARefundOfUnknownTimeTakesTheOldestCharge) {
  Budget budget({.percent = Ratio{}, .min_retries = 2});
  ASSERT_TRUE(budget.try_charge(at(0s)));
  ASSERT_TRUE(budget.try_charge(at(5s)));
  budget.refund(at(6s));
  EXPECT_TRUE(budget.try_charge(at(6s)));
  EXPECT_FALSE(budget.try_charge(at(10s))) << "the charges left are of seconds 5 and 6";
}

TEST(Budget, StaysAtNothingWhenTheRequestsLeaveBeforeTheCharges) {
  Budget budget = with_requests({.percent = Ratio::percent(10), .min_retries = 0}, 100);
  ASSERT_EQ(charge_all(budget, at(9s)), 10);
  EXPECT_EQ(budget.capacity(at(10s)), 0U);
  EXPECT_EQ(budget.available(at(10s)), 0U);
}

TEST(Budget, WithNothingAllowedNothingIsCharged) {
  Budget budget = with_requests({.percent = Ratio{}, .min_retries = 0}, 1'000);
  EXPECT_FALSE(budget.try_charge(at(0s)));
}

TEST(Budget, AnExtraAttemptThatWasNotAskedForTakesTheRoomOfALaterOne) {
  Budget budget(BudgetSettings{.percent = Ratio::percent(0), .min_retries = 2});
  const Instant now = Instant{std::chrono::seconds{100}};
  budget.note(now);
  EXPECT_EQ(budget.available(now), 1U);
  EXPECT_TRUE(budget.try_charge(now));
  EXPECT_FALSE(budget.try_charge(now));
  budget.note(now);
  EXPECT_EQ(budget.available(now), 0U) << "never negative";
}

}  // namespace
}  // namespace fusegate::policy
