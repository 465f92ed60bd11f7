#include <fusegate/advice/explain.hpp>

#include "advice_support.hpp"

namespace fusegate::advice {
namespace {

Explanation explain(const Rig& rig, std::uint16_t route = 0) {
  return explain(rig.config, route, rig.given);
}

double number(const Explanation& explanation, std::string_view name) {
  const auto found = std::ranges::find(explanation.numbers, name, &Number::name);
  EXPECT_NE(found, explanation.numbers.end()) << name;
  return found == explanation.numbers.end() ? -1 : found->value;
}

std::vector<double> series(const Explanation& explanation, std::string_view name) {
  for (const auto& [key, values] : explanation.series) {
    if (key == name) {
      return values;
    }
  }
  ADD_FAILURE() << name;
  return {};
}

/// The sentences of a topic in one line; empty without the topic.
std::string said(const Explanation& explanation, std::string_view title) {
  std::string all;
  for (const Topic& topic : explanation.topics) {
    if (topic.title == title) {
      for (const std::string& sentence : topic.sentences) {
        all += (all.empty() ? "" : " ") + sentence;
      }
    }
  }
  return all;
}

void expect_says(const Explanation& explanation, std::string_view title, std::string_view words) {
  const auto all = said(explanation, title);
  EXPECT_NE(all.find(words), std::string::npos) << title << ": " << all;
}

TEST(Explain, AddsUpTheDefaults) {
  const auto told = explain(Rig());
  EXPECT_EQ(number(told, "worst_time_ms"), 15'000);
  EXPECT_EQ(number(told, "attempts_max"), 3);
  EXPECT_EQ(series(told, "waits_mean_ms"), (std::vector<double>{12.5, 25}));
  EXPECT_EQ(series(told, "waits_worst_ms"), (std::vector<double>{50, 100}));
  EXPECT_EQ(number(told, "load_factor_without_budget"), 3);
  EXPECT_NEAR(number(told, "load_factor"), 1.2, 1e-9);
  EXPECT_EQ(number(told, "breaker_needed_per_s"), 2);
  EXPECT_EQ(number(told, "open_first_ms"), 5000);
  EXPECT_EQ(number(told, "replay_bodies"), 256);
  const auto tries = series(told, "tries_ms");
  ASSERT_EQ(tries.size(), 3U);
  // (15000 - 2 * 25) / 3, as the policy shares it.
  EXPECT_NEAR(tries[0], 4983.33, 0.01);
  EXPECT_NEAR(tries[0] + 12.5 + tries[1] + 25 + tries[2], 15'000, 0.01);
}

TEST(Explain, SaysWhatMatchesAndWhereItGoes) {
  Rig rig;
  rig.list(6);
  auto& route = rig.add_route("/pay");
  route.match.methods = {"POST", "PUT"};
  route.match.hosts = {"p.local", "*.p.local"};
  route.match.headers = {{"x-tenant", "eu-1"}};
  route.rewrite.strip_prefix = true;
  const auto told = explain(rig, 1);
  EXPECT_EQ(said(told, "Matches"),
            "POST and PUT requests at or below /pay, host p.local or *.p.local, with x-tenant that "
            "the route before it did not take. The upstream sees the path without /pay.");
  expect_says(told, "Upstream", "6 endpoints, 10.0.0.1, 10.0.0.2, 10.0.0.3 and 3 more");
  EXPECT_EQ(said(told, "Matches").find("eu-1"), std::string::npos) << "it may be a secret";
}

TEST(Explain, SaysWhoIsSentTwiceAndWhy) {
  Rig rig;
  rig.route().match.methods = {"POST"};
  expect_says(explain(rig), "Retries",
              "Those with an Idempotency-Key also when the answer got lost");
  rig.policy().idempotent = policy::Idempotency::Never;
  expect_says(explain(rig), "Retries", "Nothing else, because idempotent is false.");
  rig.policy().idempotent = policy::Idempotency::Always;
  expect_says(explain(rig), "Retries", "Any of them, because idempotent is true, also when");
  rig.route().match.methods = {"GET", "POST"};
  rig.policy().idempotent = policy::Idempotency::Auto;
  expect_says(explain(rig), "Retries", "GET, and any with an Idempotency-Key, also when");
  rig.policy().retries = 0;
  EXPECT_EQ(said(explain(rig), "Retries"), "None: each request is sent once (retries is 0).");
  EXPECT_EQ(said(explain(rig), "Waits"), "");
}

TEST(Explain, CountsTheTriesThatExplicitTimesLeaveRoomFor) {
  Rig rig;
  rig.policy().timeout = 2s;
  rig.policy().per_try_timeout = 1s;
  const auto told = explain(rig);
  EXPECT_EQ(series(told, "tries_ms"), (std::vector<double>{1000, 987.5}));
  expect_says(told, "Time", "2 of 3 tries start");
}

TEST(Explain, UsesTheStatedRateAndLayers) {
  Rig rig;
  rig.given.rate = 5;
  rig.given.layers = 3;
  const auto told = explain(rig);
  EXPECT_NEAR(number(told, "load_factor"), 1.4, 1e-9);
  EXPECT_NEAR(number(told, "load_factor_of_layers"), 2.744, 1e-9);
  EXPECT_NEAR(number(told, "open_after_ms"), 1000, 1e-9);
}

TEST(Explain, KnowsTheModesOfTheBreaker) {
  Rig rig;
  rig.breaker().mode = policy::BreakerMode::Off;
  EXPECT_EQ(said(explain(rig), "Breaker"), "None (mode is off).");
  rig.breaker().mode = policy::BreakerMode::Shed;
  expect_says(explain(rig), "Breaker", "at least 20 requests in 10s, so from 2 requests/s on");
  rig.breaker().mode = policy::BreakerMode::Shadow;
  expect_says(explain(rig), "Breaker", "nothing is refused (shadow)");
  rig.breaker().mode = policy::BreakerMode::Open;
  expect_says(explain(rig), "Breaker",
              "5 failures in a row (6 if 10% failed before them, 20 if 50% did) or 50% failures of "
              "at least 20 attempts in 10s");
  expect_says(explain(rig), "Breaker",
              "2.5s to 5s, 2 times as long each time it opens again, 30s "
              "to 1m from the 5th time on");
  rig.breaker().consecutive_failures = 0;
  rig.breaker().failure_rate.threshold = {};
  EXPECT_EQ(said(explain(rig), "Breaker"), "Never opens: no rule is left.");
}

TEST(Explain, CountsWhatMayBeEjected) {
  Rig rig;
  expect_says(explain(rig), "Ejection", "1 of 2, 1 of 3, 2 of 4, 2 of 5 and 5 of 10");
  rig.list(5);
  EXPECT_EQ(number(explain(rig), "ejectable"), 2);
  rig.list(1);
  expect_says(explain(rig), "Ejection", "None: there is one endpoint");
}

TEST(Explain, TakesTheLowestOfTheLimits) {
  Rig rig;
  EXPECT_EQ(number(explain(rig), "in_flight_max"), 1024);
  rig.list(2);
  EXPECT_EQ(number(explain(rig), "in_flight_max"), 256);
  rig.config.runtime.max_connections = 100;
  EXPECT_EQ(number(explain(rig), "in_flight_max"), 100);
}

TEST(Text, WrapsEachSentence) {
  const auto told = text(explain(Rig()), 60);
  EXPECT_TRUE(told.starts_with("Route \"/\"\n  Matches   Every request.\n  Upstream  \"orders\""));
  std::size_t begin = 0;
  while (begin < told.size()) {
    const auto end = told.find('\n', begin);
    ASSERT_NE(end, std::string::npos);
    EXPECT_LE(end - begin, 60U) << told.substr(begin, end - begin);
    EXPECT_NE(told[end - 1], ' ');
    begin = end + 1;
  }
}

}  // namespace
}  // namespace fusegate::advice
