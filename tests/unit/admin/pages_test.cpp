#include "admin/pages.hpp"

#include "admin/gate.hpp"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fusegate::admin {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Sources sources_of_a_healthy_process() {
  Sources sources;
  sources.ready = [] { return std::vector<Check>{{"listeners", true}, {"dns:orders", true}}; };
  sources.live = [] { return true; };
  sources.started = [] { return true; };
  sources.metrics = [] { return std::string("fusegate_ready 1\n"); };
  sources.upstreams = [] {
    std::vector<telemetry::UpstreamSnapshot> all(2);
    all[0].name = "orders";
    all[0].breaker.state = BreakerState::Open;
    all[0].breaker.reason = TransitionReason::FailureRate;
    all[0].breaker.open_until = WallTime{std::chrono::milliseconds{1500}};
    all[0].breaker.attempts = 20;
    all[0].breaker.failures = 10;
    all[0].endpoints = {{.name = "10.0.0.1:80", .ejected = true}};
    all[1].name = "a b";
    return all;
  };
  sources.routes = [] {
    std::vector<telemetry::RouteSnapshot> all(1);
    all[0].settings.name = "pay";
    all[0].upstream = "orders";
    all[0].requests = 3;
    all[0].attempts = 5;
    return all;
  };
  sources.transitions = [] {
    return std::vector<telemetry::EventSnapshot>{{"orders", "", BreakerState::Closed,
                                                  BreakerState::Open, TransitionReason::FailureRate,
                                                  WallTime{}}};
  };
  sources.config = [](bool defaults) {
    return std::string(defaults ? "{\"all\":1}" : "{\"some\":1}");
  };
  sources.server_info = [] {
    ServerInfo info;
    info.version = "1.2.3";
    info.state = "serving";
    info.config_hash = "abc";
    return info;
  };
  sources.wall_now = [] { return WallTime{std::chrono::seconds{90}}; };
  return sources;
}

Request get(std::string_view target) {
  return {.method = "GET", .target = target, .host = "localhost:9901"};
}

class PagesTest : public testing::Test {
 protected:
  Response status(std::string_view target) { return status_page(get(target), sources_); }
  Response admin(std::string_view target) { return admin_page(get(target), sources_); }
  boost::json::value json(std::string_view target) {
    const Response response = admin(target);
    EXPECT_EQ(response.status, 200u) << target;
    EXPECT_EQ(response.type, Response::kJson);
    return boost::json::parse(response.body);
  }

  Sources sources_ = sources_of_a_healthy_process();
};

TEST_F(PagesTest, StatusAnswersProbes) {
  for (const std::string_view path : {"/livez", "/healthz", "/readyz", "/startupz"}) {
    EXPECT_EQ(status(path).status, 200u) << path;
  }
  sources_.live = [] { return false; };
  sources_.started = [] { return false; };
  EXPECT_EQ(status("/livez").status, 503u);
  EXPECT_EQ(status("/startupz").status, 503u);
}

TEST_F(PagesTest, ReadinessNamesTheFailingCheck) {
  sources_.ready = [] { return std::vector<Check>{{"listeners", true}, {"dns:orders", false}}; };
  const Response brief = status("/readyz");
  EXPECT_EQ(brief.status, 503u);
  EXPECT_EQ(brief.body, "not ready: dns:orders\n");
  EXPECT_EQ(status("/readyz?verbose").body,
            "[+]listeners ok\n[-]dns:orders failed\nnot ready: dns:orders\n");
}

TEST_F(PagesTest, StatusServesMetricsWithTheirType) {
  const Response response = status("/metrics");
  EXPECT_EQ(response.body, "fusegate_ready 1\n");
  EXPECT_EQ(response.type, "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(PagesTest, StatusTellsNothingElse) {
  for (const std::string_view path : {"/", "/upstreams", "/config", "/livezz", "/metrics/"}) {
    EXPECT_EQ(status(path).status, 404u) << path;
  }
  Request request = get("/livez");
  request.method = "POST";
  const Response response = status_page(request, sources_);
  EXPECT_EQ(response.status, 405u);
  EXPECT_EQ(response.allow, "GET, HEAD");
}

TEST_F(PagesTest, TellsTheStateOfUpstreams) {
  const auto all = json("/upstreams").at("upstreams").as_array();
  ASSERT_EQ(all.size(), 2u);
  const auto& breaker = all[0].at("breaker");
  EXPECT_EQ(breaker.at("state").as_string(), "open");
  EXPECT_EQ(breaker.at("reason").as_string(), "failure_rate");
  EXPECT_EQ(breaker.at("until").as_string(), "1970-01-01T00:00:01.500Z");
  EXPECT_EQ(breaker.at("window").at("failure_ratio").as_double(), 0.5);
  EXPECT_EQ(all[0].at("endpoints").at(0).at("state").as_string(), "ejected");
  EXPECT_TRUE(all[1].at("breaker").at("until").is_null());
}

TEST_F(PagesTest, FindsOneUpstreamByName) {
  EXPECT_EQ(json("/upstreams/orders").at("name").as_string(), "orders");
  EXPECT_EQ(json("/upstreams/a%20b").at("name").as_string(), "a b");
  EXPECT_EQ(admin("/upstreams/nobody").status, 404u);
  EXPECT_EQ(admin("/upstreams/%2").status, 404u);
}

TEST_F(PagesTest, TellsRoutesAndTransitions) {
  const auto route = json("/routes").at("routes").at(0);
  EXPECT_EQ(route.at("name").as_string(), "pay");
  EXPECT_EQ(route.at("counters").at("requests").as_int64(), 3);
  EXPECT_EQ(route.at("counters").at("attempts").as_int64(), 5);
  EXPECT_EQ(route.at("policy").at("timeout_ms").as_int64(), 15'000);
  EXPECT_EQ(route.at("policy").at("per_try_timeout_ms").as_string(), "auto");
  const auto event = json("/transitions").at("transitions").at(0);
  EXPECT_TRUE(event.at("endpoint").is_null());
  EXPECT_EQ(event.at("to").as_string(), "open");
}

TEST_F(PagesTest, ShowsTheConfigurationWithItsHash) {
  const auto active = json("/config");
  EXPECT_EQ(active.at("hash").as_string(), "abc");
  EXPECT_EQ(active.at("loaded").as_string(), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(active.at("config").at("some").as_int64(), 1);
  EXPECT_EQ(json("/config?defaults=1").at("config").at("all").as_int64(), 1);
}

TEST_F(PagesTest, TellsWhatIsRunning) {
  const auto info = json("/server_info");
  EXPECT_EQ(info.at("version").as_string(), "1.2.3");
  EXPECT_EQ(info.at("state").as_string(), "serving");
  EXPECT_EQ(info.at("uptime_seconds").as_int64(), 90);
}

TEST_F(PagesTest, ListsItsPages) {
  EXPECT_THAT(admin("/").body, StartsWith("fusegate admin\n"));
  EXPECT_EQ(admin("/nothing").status, 404u);
  EXPECT_EQ(admin("/livez").status, 200u);
  EXPECT_EQ(admin("/readyz").status, 200u);
  EXPECT_EQ(admin("/metrics").body, "fusegate_ready 1\n");
}

TEST_F(PagesTest, AnswersChangesToPostOnly) {
  for (const std::string_view path :
       {"/reload", "/drain", "/quitquitquit", "/log-level?level=debug",
        "/upstreams/orders/breaker/open?for=5m", "/upstreams/orders/breaker/close",
        "/upstreams/orders/breaker/auto"}) {
    const Response refused = admin(path);
    EXPECT_EQ(refused.status, 405u) << path;
    EXPECT_EQ(refused.allow, "POST") << path;
  }
  for (const std::string_view path :
       {"/reload", "/drain", "/quitquitquit", "/log-level?level=debug"}) {
    Request request = get(path);
    request.method = "POST";
    EXPECT_EQ(admin_page(request, sources_).status, 501u) << path;
  }
  Request request = get("/upstreams");
  request.method = "DELETE";
  EXPECT_EQ(admin_page(request, sources_).status, 405u);
}

TEST_F(PagesTest, RefusesWhatAForeignPageCouldSend) {
  Request request = get("/upstreams");
  request.host = "evil.example:9901";
  EXPECT_EQ(admin_page(request, sources_).status, 403u) << "rebound name";
  request.over_unix = true;
  EXPECT_EQ(admin_page(request, sources_).status, 200u) << "unix sockets have no names";

  request = get("/upstreams");
  request.host = "";
  EXPECT_EQ(admin_page(request, sources_).status, 403u) << "no Host";

  for (const std::string_view site : {"cross-site", "same-site"}) {
    request = get("/upstreams");
    request.fetch_site = site;
    EXPECT_EQ(admin_page(request, sources_).status, 403u) << site;
  }
  for (const std::string_view origin : {"http://evil.example", "null", "http://localhost:3000"}) {
    request = get("/upstreams");
    request.origin = origin;
    EXPECT_EQ(admin_page(request, sources_).status, 403u) << origin;
  }
  request = get("/upstreams");
  request.origin = "http://localhost:9901";
  request.fetch_site = "same-origin";
  EXPECT_EQ(admin_page(request, sources_).status, 200u) << "its own dashboard";
}

TEST(Gate, KnowsTheNamesOfLoopback) {
  for (const std::string_view host :
       {"localhost", "LocalHost:9901", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:9901"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const std::string_view host :
       {"", "localhost.evil.example", "evil.localhost.example:80", "128.0.0.1", "127.0.0.1.example",
        "[::2]:80", "10.0.0.1", "localhost:80:80", "::1", "0.0.0.0"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

TEST(PercentDecoded, IsNothingWhereItIsBroken) {
  EXPECT_EQ(percent_decoded("a%2Fb%2dc%C3%a9"), "a/b-c\xc3\xa9");
  for (const std::string_view text : {"%", "%2", "a%2", "%g0", "%0g", "%@0"}) {
    EXPECT_EQ(percent_decoded(text), "") << text;
  }
}

TEST(Request, ReadsItsQuery) {
  const Request request{.target = "/x?a=1&verbose&b=&c=2"};
  EXPECT_EQ(request.path(), "/x");
  EXPECT_EQ(request.query("a"), "1");
  EXPECT_EQ(request.query("verbose"), "1");
  EXPECT_EQ(request.query("b"), "");
  EXPECT_EQ(request.query("c"), "2");
  EXPECT_EQ(request.query("d"), "");
}

}  // namespace
}  // namespace fusegate::admin
