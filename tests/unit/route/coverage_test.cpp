#include <fusegate/base/rng.hpp>
#include <fusegate/route/coverage.hpp>
#include <fusegate/route/route_table.hpp>

#include "unit/route/configured.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fusegate::route {
namespace {

using config::PathMatch;
using config::RouteMatch;
using Indices = std::vector<std::uint16_t>;

/// Does a route before it with `wide` take everything of `narrow`?
bool covers(const RouteMatch& wide, const RouteMatch& narrow) {
  const auto config = with({wide, narrow});
  return Coverage(config).shadowing(1) == Indices{0};
}

RouteMatch prefix(const std::string& path) { return {.path = path}; }
RouteMatch exact(const std::string& path) { return {.path_kind = PathMatch::Exact, .path = path}; }
RouteMatch regex(const std::string& path) { return {.path_kind = PathMatch::Regex, .path = path}; }

TEST(Coverage, ComparesPathsBySegments) {
  EXPECT_TRUE(covers(prefix("/"), prefix("/a")));
  EXPECT_TRUE(covers(prefix("/a"), prefix("/a/b")));
  EXPECT_TRUE(covers(prefix("/a/"), prefix("/a")));
  EXPECT_TRUE(covers(prefix("/a"), exact("/a/b")));
  EXPECT_TRUE(covers(exact("/a"), exact("/a")));
  EXPECT_TRUE(covers(prefix("/a"), exact("/a;v=1/b")));
  EXPECT_FALSE(covers(prefix("/a;v=1"), exact("/a/b")));
  EXPECT_FALSE(covers(prefix("/a"), prefix("/ab")));
  EXPECT_FALSE(covers(prefix("/a/b"), prefix("/a")));
  EXPECT_FALSE(covers(exact("/a"), prefix("/a")));
  EXPECT_FALSE(covers(exact("/a"), exact("/a/")));
}

TEST(Coverage, SpeaksOfExpressionsOnlyWhenItIsSure) {
  EXPECT_TRUE(covers(prefix("/"), regex("/x[0-9]+")));
  EXPECT_TRUE(covers(prefix("/orders"), regex("/orders/[0-9]+")));
  EXPECT_FALSE(covers(prefix("/orders"), regex("/orders[0-9]+")));
  EXPECT_FALSE(covers(prefix("/orders"), regex("(/orders/1|/pay/1)")));
  EXPECT_TRUE(covers(regex("/a/[0-9]+"), exact("/a/12")));
  EXPECT_FALSE(covers(regex("/a/[0-9]+"), exact("/a/x")));
  EXPECT_TRUE(covers(regex("/a.*"), regex("/a.*")));
  EXPECT_TRUE(covers(regex(".*"), prefix("/")));
  EXPECT_TRUE(covers(regex("/.*"), prefix("/a")));
  EXPECT_FALSE(covers(regex("/.*"), prefix("/")));  // OPTIONS * is left.
}

TEST(Coverage, KnowsWhatAWildcardHolds) {
  const auto host = [](const std::string& name) { return RouteMatch{.hosts = {name}}; };
  EXPECT_TRUE(covers(host("*.a.b"), host("x.a.b")));
  EXPECT_TRUE(covers(host("*.a.b"), host("*.x.a.b")));
  EXPECT_TRUE(covers(RouteMatch{}, host("a.b")));
  EXPECT_FALSE(covers(host("*.a.b"), host("a.b")));
  EXPECT_FALSE(covers(host("*.x.a.b"), host("*.a.b")));
  EXPECT_FALSE(covers(host("a.b"), RouteMatch{}));
}

TEST(Coverage, NeedsEveryConditionToHold) {
  RouteMatch narrow{.methods = {"GET"}, .headers = {{"x", "1"}, {"y", "2"}}};
  EXPECT_TRUE(covers({.methods = {"GET", "PUT"}, .headers = {{"y", "2"}}}, narrow));
  EXPECT_FALSE(covers({.methods = {"PUT"}}, narrow));
  EXPECT_FALSE(covers({.headers = {{"y", "3"}}}, narrow));
  EXPECT_FALSE(covers(narrow, {.methods = {"GET"}}));
}

TEST(Coverage, AddsUpEarlierRoutes) {
  const auto config = with({{.hosts = {"a"}, .methods = {"GET"}},
                            {.hosts = {"a"}, .methods = {"PUT"}},
                            {.hosts = {"b"}},
                            {.hosts = {"a", "b"}, .methods = {"GET", "PUT"}},
                            {.hosts = {"a", "b"}, .methods = {"GET", "POST"}}});
  EXPECT_EQ(Coverage(config).shadowing(3), (Indices{0, 1, 2}));
  EXPECT_EQ(Coverage(config).shadowing(4), Indices{});
}

TEST(Coverage, LooksAtEachListenerAlone) {
  auto config = with({prefix("/"), prefix("/x")});
  config.listeners[0].routes = {0, 1};
  EXPECT_EQ(Coverage(config).shadowing(1), Indices{0});
  config.listeners.emplace_back().routes = {1};
  EXPECT_EQ(Coverage(config).shadowing(1), Indices{});
  config.listeners.pop_back();
  config.listeners[0].routes = {0};
  EXPECT_EQ(Coverage(config).shadowing(1), Indices{});
}

/// Random small route tables and requests: what is said to be covered is never matched.
TEST(Coverage, NeverCallsARouteDeadThatSomeRequestReaches) {
  constexpr std::uint64_t kSeed = 20261124;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Rng rng(kSeed);
  const auto pick = [&](const std::vector<std::string>& from) {
    return from[static_cast<std::size_t>(rng.uniform() * static_cast<double>(from.size()))];
  };
  const std::vector<std::string> paths{"/", "/a", "/a/", "/a/b", "/ab", "/b"};
  const std::vector<std::string> expressions{"/.*", ".*", "/a/.+", "/(a|b)", "/a/b"};
  const std::vector<std::string> hosts{"x.y", "*.y", "*.x.y", "y", "z.x.y"};
  const std::vector<std::string> methods{"GET", "PUT"};
  std::size_t dead = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<RouteMatch> matches;
    for (int i = 0; i < 4; ++i) {
      RouteMatch match;
      match.path_kind = static_cast<PathMatch>(static_cast<int>(rng.uniform() * 3));
      match.path = pick(match.path_kind == PathMatch::Regex ? expressions : paths);
      while (rng.uniform() < 0.4) {
        match.hosts.push_back(pick(hosts));
      }
      while (rng.uniform() < 0.4) {
        match.methods.push_back(pick(methods));
      }
      matches.push_back(match);
    }
    const auto config = std::make_shared<const config::Config>(with(matches));
    const RouteTable table(config);
    const Coverage coverage(*config);
    for (std::uint16_t route = 0; route < 4; ++route) {
      const bool covered = !coverage.shadowing(route).empty();
      dead += covered ? 1 : 0;
      for (const auto& path : {"/", "/a", "/a/", "/a/b", "/a/b/c", "/ab", "/b", "*"}) {
        for (const auto& host : {"x.y", "y", "w", "z.x.y", "q.y", "q.x.y"}) {
          for (const auto& method : {"GET", "PUT", "POST"}) {
            const auto matched = table.match({method, host, path, {}}, 0);
            ASSERT_FALSE(covered && matched == route)
                << "round " << round << " route " << route << ": " << method << " " << host << path;
          }
        }
      }
    }
  }
  EXPECT_GT(dead, 500U);
}

}  // namespace
}  // namespace fusegate::route
