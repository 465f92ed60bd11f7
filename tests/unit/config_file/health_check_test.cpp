// `health_check`: a key that is a word or a map, inherited key by key.
#include "load_support.hpp"

namespace fusegate::config_file {
namespace {

using namespace std::chrono_literals;

std::string with(const std::string& value) {
  return kMinimal + "    health_check: " + value + "\n";
}

TEST(HealthCheckKey, IsOffByDefaultAndAnEmptyMapIsTheDefaults) {
  EXPECT_FALSE(must_load(kMinimal).upstreams[0].health_check);
  EXPECT_FALSE(must_load(with("off")).upstreams[0].health_check);
  EXPECT_EQ(must_load(with("{}")).upstreams[0].health_check, policy::HealthSettings{});
}

TEST(HealthCheckKey, ReadsEveryPart) {
  const auto config = must_load(with(
      "{path: \"/up?full=1\", interval: 2s, timeout: 300ms, healthy: 1, unhealthy: 5, x-a: 1}"));
  const policy::HealthSettings wanted{
      .path = "/up?full=1", .interval = 2s, .timeout = 300ms, .healthy = 1, .unhealthy = 5};
  EXPECT_EQ(config.upstreams[0].health_check, wanted);
}

TEST(HealthCheckKey, InheritsPartByPartAndOffEndsIt) {
  const auto config = must_load(
      "defaults: { health_check: { path: /up, healthy: 4 } }\n"
      "upstreams:\n"
      "  a: { url: http://a, health_check: { interval: 1s } }\n"
      "  b: { url: http://b, health_check: off }\n"
      "  c: { url: http://c }\n"
      "routes: [ { match: /a, upstream: a }, { match: /b, upstream: b }, { match: /, upstream: c } "
      "]\n");
  const policy::HealthSettings base{.path = "/up", .healthy = 4};
  policy::HealthSettings own = base;
  own.interval = 1s;
  EXPECT_EQ(config.upstreams[0].health_check, own);
  EXPECT_FALSE(config.upstreams[1].health_check);
  EXPECT_EQ(config.upstreams[2].health_check, base);
}

TEST(HealthCheckKey, IsPrintedSoThatItIsReadBackEqual) {
  const auto config = must_load(with("{path: '/up?a=b', interval: 1m30s}"));
  EXPECT_EQ(must_load(dump(config)).upstreams[0].health_check, config.upstreams[0].health_check);
}

TEST(HealthCheckKey, IsRefusedWithThePlaceAndAHint) {
  struct Case {
    const char* value;
    int column;
    const char* message;
    const char* hint;
  };
  const Case cases[] = {
      {"on", 19, "expected off, or a map such as { path: /healthz }, got \"on\"", ""},
      {"[a]", 19, "expected off, or a map", ""},
      {"{intervall: 5s}", 20, "unknown key \"intervall\" in upstreams.app.health_check",
       "did you mean \"interval\"?"},
      {"{path: healthz}", 26, "expected a path such as /healthz", ""},
      {"{path: \"/a b\"}", 26, "expected a path such as /healthz", ""},
      {"{path: \"/a#b\"}", 26, "expected a path such as /healthz", ""},
      {"{path: \"/a\\r\\nx: y\"}", 26, "expected a path such as /healthz", ""},
      {"{interval: 5}", 30, "interval", ""},
      {"{interval: 50ms}", 30, "out of range; allowed are 100ms to 60m", ""},
      {"{timeout: 10m}", 29, "out of range", ""},
      {"{healthy: 0}", 29, "0 is out of range; allowed are 1 to 100", ""},
      {"{unhealthy: 101}", 31, "out of range", ""},
      {"{healthy: 2, healthy: 3}", 32, "duplicate key", "line 5"},
  };
  for (const Case& c : cases) {
    const auto errors = must_fail(with(c.value));
    ASSERT_EQ(errors.size(), 1U) << c.value;
    const auto shown = format(errors[0]);
    EXPECT_EQ(errors[0].line, 5) << shown;
    EXPECT_EQ(errors[0].column, c.column) << shown;
    EXPECT_NE(errors[0].message.find(c.message), std::string::npos) << shown;
    EXPECT_NE(errors[0].suggestion.find(c.hint), std::string::npos) << shown;
  }
}

}  // namespace
}  // namespace fusegate::config_file
