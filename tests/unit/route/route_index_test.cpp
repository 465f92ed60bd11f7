#include "route/route_index.hpp"

#include <fusegate/base/rng.hpp>
#include <fusegate/route/path.hpp>
#include <fusegate/route/route_table.hpp>

#include "unit/route/configured.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>

namespace fusegate::route {
namespace {

using config::PathMatch;
using config::RouteMatch;

RouteIndex index_of(const std::vector<RouteMatch>& matches) {
  std::vector<std::uint16_t> all(matches.size());
  std::iota(all.begin(), all.end(), std::uint16_t{0});
  return {with(matches), all};
}

std::vector<std::uint16_t> list(Candidates left) {
  std::vector<std::uint16_t> result;
  while (left.size() > 0) {
    result.push_back(left.pop());
  }
  return result;
}

using Indices = std::vector<std::uint16_t>;

TEST(RouteIndex, LeavesOneOfManyPaths) {
  std::vector<RouteMatch> matches;
  for (int i = 0; i < 500; ++i) {
    matches.push_back({.path = "/service-" + std::to_string(i) + "/v1"});
  }
  matches.push_back({.path = "/"});
  const RouteIndex index = index_of(matches);
  EXPECT_EQ(list(index.candidates("/service-77/v1/x", "h")), (Indices{77, 500}));
  EXPECT_EQ(list(index.candidates("/nothing", "h")), Indices{500});
}

TEST(RouteIndex, LeavesOneOfManyHosts) {
  std::vector<RouteMatch> matches{{.hosts = {"*.example"}}};
  for (int i = 0; i < 500; ++i) {
    matches.push_back({.hosts = {"service-" + std::to_string(i) + ".local"}});
  }
  const RouteIndex index = index_of(matches);
  EXPECT_EQ(list(index.candidates("/x", "Service-77.LOCAL")), (Indices{0, 78}));
  EXPECT_EQ(list(index.candidates("/x", "")), Indices{0});
}

std::shared_ptr<RouteTable> table_of(const std::vector<RouteMatch>& matches) {
  return std::make_shared<RouteTable>(std::make_shared<config::Config>(with(matches)));
}

const std::string& pick(Rng& rng, const std::vector<std::string>& from) {
  return from[static_cast<std::size_t>(rng.uniform() * static_cast<double>(from.size()))];
}

RouteMatch random_match(Rng& rng) {
  static const std::vector<std::string> paths{"/",  "/a",   "/a/",    "/a/b", "/A",    "/ab",
                                              "/b", "/b/c", "/a;v=1", "//",   "/a/b/", "/c/d/e"};
  static const std::vector<std::string> expressions{"/a/.+", "/(a|b)", "/b/c", "/c.*", "\\*"};
  static const std::vector<std::string> hosts{"x.y", "*.y", "*.x.y", "y", "z.x.y", "[::1]"};
  RouteMatch match;
  match.path_kind = static_cast<PathMatch>(static_cast<int>(rng.uniform() * 2.2));
  match.path = pick(rng, match.path_kind == PathMatch::Regex ? expressions : paths);
  while (rng.uniform() < 0.6) {
    match.hosts.push_back(pick(rng, hosts));
  }
  if (rng.uniform() < 0.3) {
    match.methods = {"PUT"};
  }
  return match;
}

/// Tries each route in a table of its own, in file order.
std::optional<std::uint16_t> first_alone(const std::vector<std::shared_ptr<RouteTable>>& alone,
                                         const RequestView& request) {
  const auto found = std::ranges::find_if(
      alone, [&](const auto& table) { return table->match(request, 0).has_value(); });
  return found == alone.end() ? std::nullopt
                              : std::optional{static_cast<std::uint16_t>(found - alone.begin())};
}

struct Asked {
  std::string path;
  std::string host;
  std::string bare;  ///< Empty when the path has no parameters.
};

std::vector<Asked> all_requests() {
  std::vector<Asked> result;
  for (const std::string path :
       {"*", "/", "/a", "/a/", "/a/b", "/a/b/", "/a;v=1", "/a;v/b;w", "/;/b", "/A/x", "/ab",
        "/b/c/d", "/c/d/e", "/d", "/a;", "/;v=1/a"}) {
    std::string scratch;
    const std::string bare{without_parameters(path, scratch)};
    for (const auto* host : {"x.y", "X.Y:80", "y.", "w", "z.x.y", "q.x.y", "[::1]:8080", ""}) {
      result.push_back({path, host, bare == path ? "" : bare});
    }
  }
  return result;
}

/// Random tables: whatever is looked up, the first route that matches alone wins.
TEST(RouteIndex, FindsWhatTryingEveryRouteFinds) {
  constexpr std::uint64_t kSeed = 20261126;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Rng rng(kSeed);
  int found = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<RouteMatch> matches(24);
    std::ranges::generate(matches, [&] { return random_match(rng); });
    std::vector<std::shared_ptr<RouteTable>> alone;
    std::ranges::transform(matches, std::back_inserter(alone),
                           [](const RouteMatch& match) { return table_of({match}); });
    const auto together = table_of(matches);
    for (const auto& [path, host, bare] : all_requests()) {
      const RequestView request{
          .method = "GET", .host = host, .path = path, .bare_path = bare, .headers = {}};
      const auto expected = first_alone(alone, request);
      ASSERT_EQ(together->match(request, 0), expected)
          << "round " << round << ": " << host << " " << path;
      found += expected ? 1 : 0;
    }
  }
  EXPECT_GT(found, 10'000) << "of 38,400; else the routes are too rare to tell anything";
}

}  // namespace
}  // namespace fusegate::route
