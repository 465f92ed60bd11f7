#include "sim/player.hpp"

#include "sim/compare.hpp"
#include "sim/report.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fusegate::sim {
namespace {

using namespace std::chrono_literals;

const Model kModel{.rate = 200};

Outcome defaults(std::string_view scenario, std::uint64_t seed, const Model& model = kModel,
                 bool adaptive = true) {
  config::UpstreamConfig upstream;
  upstream.concurrency.adaptive = adaptive;
  const config::RequestPolicy policy;
  return Player(upstream, policy, *find_scenario(scenario), model, seed).play();
}

TEST(Player, TellsEveryRequestsEndOnce) {
  for (const Scenario& scenario : scenarios()) {
    const Outcome outcome = defaults(scenario.name, 3);
    std::uint64_t offered = 0;
    std::uint64_t ended = 0;
    std::uint64_t attempts = 0;
    for (const Second& second : outcome.seconds) {
      EXPECT_LE(second.good + second.bad + second.refused + second.late, second.offered);
      offered += second.offered;
      ended += second.good + second.bad + second.refused + second.late;
      attempts += second.attempts;
    }
    EXPECT_EQ(offered, outcome.requests) << scenario.name;
    EXPECT_EQ(attempts, outcome.attempts) << scenario.name;
    // Those in flight at the end, or when the proxy began anew.
    EXPECT_LE(offered - ended, 400U) << scenario.name;
  }
}

TEST(Player, TheSameSeedGivesTheSameRun) {
  const auto one = picture({defaults("brownout", 5)}, *find_scenario("brownout"));
  EXPECT_EQ(one, picture({defaults("brownout", 5)}, *find_scenario("brownout")));
  EXPECT_NE(one, picture({defaults("brownout", 6)}, *find_scenario("brownout")));
}

TEST(Player, CalmIsNotFelt) {
  for (const bool adaptive : {false, true}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const Outcome outcome = defaults("calm", seed, kModel, adaptive);
      const Verdict verdict = judge(outcome, *find_scenario("calm"), kModel);
      EXPECT_GE(verdict.fault_goodput, 0.999) << seed;
      EXPECT_EQ(outcome.attempts, outcome.requests) << seed;
    }
  }
}

TEST(Player, AnOutageGetsLessLoadThanTheCallersOffer) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Verdict verdict = judge(defaults("outage", seed), *find_scenario("outage"), kModel);
    EXPECT_LE(verdict.amplification, 0.1) << seed;
    EXPECT_LE(verdict.worst_second, 1.2) << seed;
  }
}

TEST(Player, TheAdaptiveLimitKeepsABrownOutGoing) {
  const Model busy{.rate = 350};
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Scenario& scenario = *find_scenario("brownout");
    const Verdict with = judge(defaults("brownout", seed, busy, true), scenario, busy);
    const Verdict without = judge(defaults("brownout", seed, busy, false), scenario, busy);
    EXPECT_GE(with.fault_goodput, 0.95) << seed;
    EXPECT_LE(without.fault_goodput, 0.5) << seed;
  }
}

TEST(Player, TheDefaultsLoseLittleOfWhatIsPossible) {
  const Model busy{.rate = 420};
  for (const auto* name :
       {"slow-endpoint", "bad-endpoint", "black-hole", "rolling-restart", "spike"}) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const Verdict verdict = judge(defaults(name, seed, busy), *find_scenario(name), busy);
      EXPECT_GE(verdict.fault_goodput, 0.97) << name << ", seed " << seed;
      EXPECT_LE(verdict.amplification, 1.1) << name << ", seed " << seed;
    }
  }
}

TEST(Player, TheLimiterActsBeforeTheBreaker) {
  const Model busy{.rate = 420};
  const auto opened = [](const Outcome& outcome) {
    return std::ranges::any_of(outcome.seconds, [](const Second& second) {
      return second.breaker != BreakerState::Closed;
    });
  };
  const auto refused = [](const Outcome& outcome) {
    std::uint64_t sum = 0;
    for (const Second& second : outcome.seconds) {
      sum += second.refused;
    }
    return sum;
  };
  // A service that answers, only too slowly, is the limiter's; one that fails is the breaker's.
  for (const auto* name : {"brownout", "spike"}) {
    const Outcome outcome = defaults(name, 1, busy);
    EXPECT_FALSE(opened(outcome)) << name;
    EXPECT_GT(refused(outcome), 5000U) << name;
  }
  EXPECT_TRUE(opened(defaults("outage", 1, busy)));
  EXPECT_TRUE(opened(defaults("down", 1, busy)));
}

/// What becomes of the defaults with another request policy.
Verdict under(std::string_view scenario, const config::RequestPolicy& policy, std::uint64_t seed) {
  const config::UpstreamConfig upstream;
  const Scenario& outage = *find_scenario(scenario);
  return judge(Player(upstream, policy, outage, kModel, seed).play(), outage, kModel);
}

TEST(Player, HedgesFindTheServerThatAnswers) {
  config::RequestPolicy hedged;
  hedged.hedge.enabled = true;
  hedged.hedge.after = 100ms;
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    const Verdict with = under("black-hole", hedged, seed);
    EXPECT_GT(with.fault_goodput, under("black-hole", {}, seed).fault_goodput) << seed;
    EXPECT_LE(with.amplification, 1.1) << seed << ": at most a tenth of the requests is hedged";
  }
}

TEST(Player, ATryThatTakesTooLongIsMadeAnewElsewhere) {
  config::RequestPolicy impatient;
  impatient.per_try_timeout = 200ms;
  const double with = under("black-hole", impatient, 1).fault_goodput;
  EXPECT_GT(with, under("black-hole", {}, 1).fault_goodput);
  // With a hedge beside it, a try that was given up is made good by the one that goes on.
  impatient.retries = 0;
  impatient.hedge.enabled = true;
  impatient.hedge.after = 100ms;
  const double alone = under("black-hole", {.retries = 0}, 1).fault_goodput;
  EXPECT_GT(under("black-hole", impatient, 1).fault_goodput, alone);
}

TEST(Picture, ShowsWhenTheBreakerWasOpen) {
  constexpr std::string_view kOpen = "fill=\"#d9534f\"";
  const auto drawn = [](std::string_view scenario) {
    return picture({defaults(scenario, 1)}, *find_scenario(scenario));
  };
  EXPECT_FALSE(drawn("calm").contains(kOpen));
  EXPECT_TRUE(drawn("outage").contains(kOpen));
}

TEST(Picture, TellsTheStatesApart) {
  Outcome outcome;
  outcome.seconds.resize(kBreakerStates);
  for (std::size_t i = 0; i < kBreakerStates; ++i) {
    outcome.seconds[i].breaker = static_cast<BreakerState>(i);
  }
  const auto drawn = picture({outcome}, *find_scenario("calm"));
  // Open alike, whoever has opened it, and closed alike; the way back has colours of its own.
  for (const auto& [colour, times] : {std::pair{"#d9534f", 2}, std::pair{"#d7ead9", 2},
                                      std::pair{"#f0ad4e", 1}, std::pair{"#f7dfa5", 1}}) {
    int found = 0;
    for (auto at = drawn.find(colour); at != std::string::npos; at = drawn.find(colour, at + 1)) {
      ++found;
    }
    EXPECT_EQ(found, times) << colour;
  }
}

TEST(Compare, NaiveRetriesMakeAnOutageWorse) {
  const auto outcomes = play_all({}, {}, *find_scenario("outage"), kModel, 1, true);
  ASSERT_EQ(outcomes.size(), 4U);
  const auto factor = [&](std::size_t i) {
    return judge(outcomes[i], *find_scenario("outage"), kModel).amplification;
  };
  EXPECT_EQ(outcomes[0].policy, "yours");
  EXPECT_DOUBLE_EQ(factor(0), factor(1)) << "yours are the defaults";
  EXPECT_DOUBLE_EQ(factor(2), 1);
  EXPECT_NEAR(factor(3), 3, 0.01);
}

}  // namespace
}  // namespace fusegate::sim
