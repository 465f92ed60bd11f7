#include <fusegate/route/path.hpp>
#include <fusegate/route/route_table.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace {
std::size_t allocations = 0;
}  // namespace

// Counts what the matching asks for; everything else behaves as usual.
void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size)) {
    return memory;
  }
  throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace fusegate::route {
namespace {

using Headers = std::multimap<std::string, std::string, std::less<>>;

bool has_header(const void* head, std::string_view name, std::string_view value) {
  const auto [first, last] = static_cast<const Headers*>(head)->equal_range(name);
  return std::any_of(first, last, [value](const auto& field) { return field.second == value; });
}

struct Tables {
  std::vector<config::RouteMatch> matches;
  std::vector<std::vector<std::uint16_t>> listeners{{}};

  RouteTable table() const {
    auto config = std::make_shared<config::Config>();
    for (const auto& match : matches) {
      config->routes.push_back({.match = match});
    }
    for (const auto& routes : listeners) {
      config->listeners.push_back({.routes = routes});
    }
    return RouteTable{config};
  }
};

bool matches(const config::RouteMatch& match, const RequestView& request) {
  return Tables{{match}}.table().match(request, 0).has_value();
}

RequestView get(std::string_view host, std::string_view path) {
  return {.method = "GET", .host = host, .path = path, .headers = {}};
}

TEST(RouteTable, PrefixMatchesWholeSegments) {
  const config::RouteMatch pay{.path = "/pay"};
  for (const auto* path : {"/pay", "/pay/", "/pay/x"}) {
    EXPECT_TRUE(matches(pay, get("h", path))) << path;
  }
  for (const auto* path : {"/payments", "/pa", "/", "/x/pay", "/Pay", "*", "/pay;x"}) {
    EXPECT_FALSE(matches(pay, get("h", path))) << path;
  }
  EXPECT_TRUE(matches({.path = "/pay/"}, get("h", "/pay/x")));
  for (const auto* path : {"/", "/x", "/x/y", "*"}) {
    EXPECT_TRUE(matches({.path = "/"}, get("h", path))) << path;
  }
}

TEST(RouteTable, ParametersOfASegmentLeadRoundNoRule) {
  const config::RouteMatch admin{.path = "/admin"};
  const config::RouteMatch exact{.path_kind = config::PathMatch::Exact, .path = "/a/b"};
  const config::RouteMatch regex{.path_kind = config::PathMatch::Regex, .path = "/v[0-9]/x"};
  const config::RouteMatch own{.path = "/admin;v=1"};
  const auto view = [](std::string_view path, std::string_view bare) {
    return RequestView{
        .method = "GET", .host = "h", .path = path, .bare_path = bare, .headers = {}};
  };
  EXPECT_TRUE(matches(admin, view("/admin;v=1/x", "/admin/x")));
  EXPECT_TRUE(matches(exact, view("/a;v/b;w", "/a/b")));
  EXPECT_TRUE(matches(regex, view("/v1;a/x", "/v1/x")));
  EXPECT_TRUE(matches(own, view("/admin;v=1/x", "/admin/x"))) << "a rule may name parameters";
  EXPECT_FALSE(matches(own, view("/admin;v=2/x", "/admin/x")));
  EXPECT_FALSE(matches(admin, view("/admins;v", "/admins")));
}

TEST(RouteTable, ExactAndRegexMatchTheWholePath) {
  const config::RouteMatch exact{.path_kind = config::PathMatch::Exact, .path = "/a/b"};
  EXPECT_TRUE(matches(exact, get("h", "/a/b")));
  EXPECT_FALSE(matches(exact, get("h", "/a/b/")));
  EXPECT_FALSE(matches(exact, get("h", "/a/b/c")));
  const config::RouteMatch regex{.path_kind = config::PathMatch::Regex, .path = "/v[0-9]+/x"};
  EXPECT_TRUE(matches(regex, get("h", "/v12/x")));
  EXPECT_FALSE(matches(regex, get("h", "/v12/x/y")));
  EXPECT_FALSE(matches(regex, get("h", "/a/v12/x")));
  EXPECT_FALSE(matches(regex, get("h", "*")));
  EXPECT_FALSE(matches({.path_kind = config::PathMatch::Regex, .path = "/("}, get("h", "/(")))
      << "an expression that does not compile matches nothing";
}

TEST(RouteTable, HostsIgnoreCasePortAndTheTrailingDot) {
  const config::RouteMatch match{.hosts = {"pay.local", "*.shop.local", "[::1]"}};
  for (const auto* host : {"pay.local", "PAY.Local:8080", "pay.local.", "pay.local.:80",
                           "a.shop.local", "a.b.SHOP.local:1", "[::1]", "[::1]:8080"}) {
    EXPECT_TRUE(matches(match, get(host, "/"))) << host;
  }
  for (const auto* host : {"", "xpay.local", "pay.local.evil", "shop.local", ".shop.local.x",
                           "xshop.local", "[::2]:80", "pay.localx"}) {
    EXPECT_FALSE(matches(match, get(host, "/"))) << host;
  }
}

TEST(RouteTable, MethodsAreCaseSensitiveAndHeadersNeedTheirValue) {
  const config::RouteMatch match{.methods = {"POST", "PUT"}, .headers = {{"x-tenant", "eu-1"}}};
  const Headers right{{"x-tenant", "us"}, {"x-tenant", "eu-1"}};
  const Headers wrong{{"x-tenant", "EU-1"}};
  RequestView request{.method = "POST", .host = "h", .path = "/", .headers = {&right, has_header}};
  EXPECT_TRUE(matches(match, request));
  request.headers.head = &wrong;
  EXPECT_FALSE(matches(match, request));
  request.headers = {&right, has_header};
  request.method = "post";
  EXPECT_FALSE(matches(match, request));
  request.method = "PUT";
  EXPECT_TRUE(matches(match, request));
  request.headers = {};
  EXPECT_FALSE(matches(match, request));
}

TEST(RouteTable, FirstMatchOfTheListenersRoutesWins) {
  const Tables tables{{{.path = "/a"}, {.path = "/a/b"}, {.path = "/"}}, {{}, {2, 1}}};
  const RouteTable table = tables.table();
  EXPECT_EQ(table.match(get("h", "/a/b"), 0), 0);
  EXPECT_EQ(table.match(get("h", "/x"), 0), 2);
  EXPECT_EQ(table.match(get("h", "/a/b"), 1), 1) << "in the order of the file";
  EXPECT_EQ(table.match(get("h", "/a"), 1), 2);
  EXPECT_EQ(table.match(get("h", "/"), 7), std::nullopt);
}

TEST(RouteTable, NoSpellingGetsAroundARule) {
  const RouteTable table = Tables{{{.path = "/admin"}, {.path = "/"}}}.table();
  for (const auto* spelling :
       {"/admin", "//admin", "/./admin", "/x/../admin", "/%61dmin/users", "/x/%2e%2e/admin",
        "/x//%2E./admin/", "/admin/./", "/y/.././admin"}) {
    std::string scratch;
    const auto path = canonical_path(spelling, scratch);
    ASSERT_TRUE(path) << spelling;
    EXPECT_EQ(table.match(get("h", *path), 0), 0) << spelling;
  }
}

TEST(RouteTable, MatchesWithoutAllocating) {
  const Headers headers{{"x-tenant", "eu-1"}};
  Tables tables{{{.path_kind = config::PathMatch::Regex, .path = "/v[0-9]+/(a|b)*"},
                 {.hosts = {"*.a-rather-long-name-that-no-short-string-holds.example"}},
                 {.headers = {{"x-tenant", "eu-1"}}}}};
  for (int i = 0; i < 20; ++i) {
    tables.matches.push_back({.hosts = {"one-of-many.example"}, .path = "/a"});
  }
  const RouteTable table = tables.table();
  const RequestView request{.method = "GET",
                            .host = "Elsewhere.Example:8080",
                            .path = "/a/path/longer/than/a/short/string",
                            .headers = {&headers, has_header}};
  // RE2 builds its automaton as it meets text; the steady state is what counts.
  ASSERT_EQ(table.match(request, 0), 2);
  const std::size_t before = allocations;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(table.match(request, 0), 2);
  }
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace fusegate::route
