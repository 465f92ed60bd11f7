#include "admin/json.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <limits>
#include <utility>

namespace fusegate::admin {
namespace {

TEST(Pretty, ReadsLikeSomethingAPersonWrote) {
  const auto value = boost::json::parse(
      R"({"a":0.5,"b":[1,"x"],"c":{},"d":[{"e":null}],"f":[],"g":250.0,"h":"q\"\n"})");
  EXPECT_EQ(pretty(value), R"({
  "a": 0.5,
  "b": [1, "x"],
  "c": {},
  "d": [
    {
      "e": null
    }
  ],
  "f": [],
  "g": 250,
  "h": "q\"\n"
}
)");
}

TEST(Pretty, WritesNullForWhatJsonCannotSay) {
  EXPECT_EQ(pretty(std::numeric_limits<double>::infinity()), "null\n");
}

TEST(Json, TellsWhatARouteMatches) {
  const std::pair<config::PathMatch, const char*> kinds[]{
      {config::PathMatch::Prefix, "path_prefix"},
      {config::PathMatch::Exact, "path"},
      {config::PathMatch::Regex, "path_regex"}};
  for (const auto& [kind, key] : kinds) {
    telemetry::RouteSnapshot route;
    route.settings.match.path_kind = kind;
    route.settings.match.path = "/pay";
    route.settings.match.hosts = {"*.shop.test"};
    route.settings.match.headers = {{"x-tenant", "gold"}};
    const auto match = to_json(route).at("match").as_object();
    EXPECT_EQ(match.at(key).as_string(), "/pay");
    EXPECT_EQ(match.at("host").at(0).as_string(), "*.shop.test");
    EXPECT_EQ(match.at("headers").at("x-tenant").as_string(), "gold");
    EXPECT_EQ(match.size(), 4U) << "one kind of path";
  }
}

TEST(Json, TellsWhetherARouteMayRepeat) {
  const std::pair<policy::Idempotency, const char*> words[]{{policy::Idempotency::Auto, "auto"},
                                                            {policy::Idempotency::Always, "true"},
                                                            {policy::Idempotency::Never, "false"}};
  for (const auto& [idempotent, word] : words) {
    telemetry::RouteSnapshot route;
    route.settings.policy.idempotent = idempotent;
    EXPECT_EQ(to_json(route).at("policy").at("idempotent").as_string(), word);
  }
}

TEST(Json, TellsWhatHealthChecksFound) {
  using State = policy::Health::State;
  telemetry::UpstreamSnapshot upstream;
  upstream.endpoints.resize(4);
  upstream.endpoints[1].health = {.state = State::Unknown, .run = 0, .problem = ""};
  upstream.endpoints[2].health = {.state = State::Up, .run = 7, .problem = ""};
  upstream.endpoints[3].health = {.state = State::Down, .run = 2, .problem = "status 503"};
  const auto endpoints = to_json(upstream).at("endpoints").as_array();
  const auto check = [&](std::size_t i) { return endpoints.at(i).at("health_check"); };
  EXPECT_TRUE(check(0).is_null()) << "none are asked for";
  EXPECT_EQ(check(1).at("state").as_string(), "unknown");
  EXPECT_EQ(check(2).at("state").as_string(), "up");
  EXPECT_EQ(check(2).at("checks_in_a_row").to_number<int>(), 7);
  EXPECT_TRUE(check(2).at("problem").is_null());
  EXPECT_EQ(check(3).at("state").as_string(), "down");
  EXPECT_EQ(check(3).at("problem").as_string(), "status 503");
}

}  // namespace
}  // namespace fusegate::admin
