#include "sim/numbers.hpp"
#include "sim/outcome.hpp"

#include <gtest/gtest.h>

namespace fusegate::sim {
namespace {

const Model kModel{.rate = 100};

/// 100 requests in each second, all good but in the fault and for `ill` seconds after it.
Outcome story(const Scenario& scenario, std::uint32_t attempts_in_fault, int ill) {
  Outcome outcome;
  (void)scenario;
  for (int i = 0; i < 90; ++i) {
    Second second{.offered = 100, .attempts = 100, .good = 100};
    if (i >= 20 && i < 50) {
      second.attempts = attempts_in_fault;
    }
    if (i >= 20 && i < 50 + ill) {
      second.good = 0;
    }
    outcome.seconds.push_back(second);
  }
  return outcome;
}

TEST(Verdict, CountsWhatTheFaultDid) {
  const Scenario& outage = *find_scenario("outage");
  const Verdict verdict = judge(story(outage, 120, 4), outage, kModel);
  EXPECT_DOUBLE_EQ(verdict.amplification, 1.2);
  EXPECT_DOUBLE_EQ(verdict.worst_second, 1.2);
  EXPECT_EQ(verdict.recovery_s, 4);
  EXPECT_EQ(verdict.lost, 400U) << "during the fault nothing was possible";
  EXPECT_DOUBLE_EQ(verdict.possible, 0);
  EXPECT_DOUBLE_EQ(verdict.calm_goodput, 1);
}

TEST(Verdict, KnowsWhatWasPossible) {
  const Scenario& bad = *find_scenario("bad-endpoint");
  const Verdict verdict = judge(story(bad, 100, 0), bad, kModel);
  EXPECT_DOUBLE_EQ(verdict.possible, 3000) << "two of three endpoints bear it all";
  EXPECT_DOUBLE_EQ(verdict.fault_goodput, 0);
  EXPECT_EQ(verdict.lost, 3000U);
}

TEST(Verdict, SaysWhenItNeverRecovers) {
  const Scenario& outage = *find_scenario("outage");
  const Verdict verdict = judge(story(outage, 300, 40), outage, kModel);
  EXPECT_EQ(verdict.recovery_s, -1);
  const auto sentences = words(verdict, outage);
  EXPECT_NE(sentences.at(0).find("does not recover"), std::string::npos);
  EXPECT_NE(sentences.at(1).find("makes the outage worse: 3.00 attempts"), std::string::npos);
}

TEST(Capacity, FollowsTheScenario) {
  const Model model{.endpoints = 4, .slots = 2, .service_time = std::chrono::milliseconds{10}};
  EXPECT_DOUBLE_EQ(model.capacity(), 800);
  EXPECT_DOUBLE_EQ(capacity_at(*find_scenario("calm"), model, Duration{}), 800);
  EXPECT_DOUBLE_EQ(capacity_at(*find_scenario("brownout"), model, Duration{}), 160);
  EXPECT_DOUBLE_EQ(capacity_at(*find_scenario("black-hole"), model, Duration{}), 600);
  EXPECT_DOUBLE_EQ(capacity_at(*find_scenario("outage"), model, Duration{}), 0);
}

TEST(Numbers, AreRoundedAlikeEverywhere) {
  EXPECT_EQ(rounded(1.005, 1), "1.0");
  EXPECT_EQ(rounded(0.04, 2), "0.04");
  EXPECT_EQ(rounded(99.96, 1), "100.0");
  EXPECT_EQ(rounded(-0.26, 1), "-0.3");
  EXPECT_EQ(rounded(12.5, 0), "13");
}

}  // namespace
}  // namespace fusegate::sim
