#include "config_file/keys.hpp"
#include "load_support.hpp"

#include <boost/json/src.hpp>  // The library under test does not link Boost.JSON.

#include <filesystem>

namespace fusegate::config_file {
namespace {

std::string_view last_part(std::string_view path) {
  const auto dot = path.rfind('.');
  return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

/// Two configurations that behave alike; hashes are those of the printed forms.
void expect_same(const config::Config& a, const config::Config& b) {
  EXPECT_EQ(dump(a), dump(b));
  EXPECT_EQ(a, b);
}

TEST(Dump, DefaultsLoadAsTheBuiltInDefaults) {
  const auto built_in = must_load("upstreams: { example: { url: http://127.0.0.1:8081 } }\n");
  expect_same(must_load(dump_defaults()), built_in);
  EXPECT_EQ(built_in.upstreams[0].breaker, policy::BreakerSettings{});
  EXPECT_EQ(built_in.upstreams[0].retry_budget, policy::BudgetSettings{});
  EXPECT_EQ(built_in.upstreams[0].concurrency, policy::ConcurrencySettings{});
  EXPECT_EQ(built_in.routes[0].policy, config::RequestPolicy{});
  EXPECT_EQ(built_in.limits, config::Limits{});
  EXPECT_EQ(built_in.metrics, config::Metrics{});
  EXPECT_EQ(built_in.status->text, "[::]:9902");
  EXPECT_EQ(built_in.admin->text, "127.0.0.1:9901");
}

TEST(Reference, IsEveryKeyAtItsDefault) {
  const auto text = read_source("config/reference.yaml");
  expect_same(must_load(text), must_load(dump_defaults()));
  for (const Key& key : keys()) {
    const auto name = std::string(last_part(key.path)) + ":";
    EXPECT_NE(text.find(name), std::string::npos) << key.path;
  }
}

TEST(Documentation, MentionsEveryKey) {
  const auto text = read_source("docs/configuration.md");
  for (const Key& key : keys()) {
    EXPECT_NE(text.find("`" + std::string(key.path) + "`"), std::string::npos) << key.path;
  }
}

TEST(Examples, AllLoadWithoutWarnings) {
  std::vector<std::string> files{"config/fusegate.yaml"};
  const auto folder = std::string(FUSEGATE_SOURCE_DIR) + "/config/examples";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.push_back("config/examples/" + entry.path().filename().string());
  }
  EXPECT_GE(files.size(), 4U);
  for (const auto& file : files) {
    SCOPED_TRACE(file);
    const auto config = must_load(read_source(file));
    expect_same(must_load(dump(config)), config);
    const auto loaded = load_text(read_source(file));
    EXPECT_TRUE(loaded && loaded->warnings.empty());
  }
}

TEST(Schema, IsJsonAndNamesEveryKey) {
  const auto text = schema();
  const auto parsed = boost::json::parse(text);
  EXPECT_EQ(parsed.at("$schema").as_string(), "http://json-schema.org/draft-07/schema#");
  for (const Key& key : keys()) {
    EXPECT_NE(text.find("\"" + std::string(last_part(key.path)) + "\": {"), std::string::npos)
        << key.path;
  }
}

TEST(Dump, JsonIsValidAndHoldsTheSameKeys) {
  const auto parsed = boost::json::parse(dump(must_load(kMinimal), Format::Json));
  EXPECT_EQ(parsed.at("upstreams").at("app").at("breaker").at("mode").as_string(), "open");
  EXPECT_EQ(parsed.at("routes").at(0).at("retries").as_int64(), 2);
  EXPECT_EQ(parsed.at("listeners").at(0).at("address").as_string(), "127.0.0.1:8080");
}

TEST(Dump, HidesValuesOfSecretVariables) {
  const Variables variables{{"API_TOKEN", "hunter2"}, {"PLAIN", "seen"}};
  const auto config =
      must_load(kMinimal +
                    "routes:\n"
                    "  - match: { headers: { authorization: \"Bearer ${API_TOKEN}\" } }\n"
                    "    upstream: app\n"
                    "  - match: { headers: { x-tenant: \"${PLAIN}\" } }\n"
                    "    upstream: app\n",
                variables);
  EXPECT_EQ(config.routes[0].match.headers[0].value, "Bearer hunter2");
  for (const auto form : {Format::Yaml, Format::Json}) {
    EXPECT_EQ(dump(config, form).find("hunter2"), std::string::npos);
    EXPECT_NE(dump(config, form).find("(redacted)"), std::string::npos);
    EXPECT_NE(dump(config, form).find("seen"), std::string::npos);
  }
}

TEST(Dump, KeepsDollarsQuotesAndOddText) {
  const auto config = must_load(
      kMinimal +
      "routes:\n  - match: { path_regex: '/x$$', headers: { x-a: \"yes \\\"q\\\" # : $${A}\" } }\n"
      "    upstream: app\n");
  EXPECT_EQ(config.routes[0].match.path, "/x$");
  EXPECT_EQ(config.routes[0].match.headers[0].value, "yes \"q\" # : ${A}");
  expect_same(must_load(dump(config)), config);
}

TEST(Load, InheritsKeyByKeyAndReplacesLists) {
  const auto config = must_load(
      "defaults: { timeout: 9s, retry: { on: [503], backoff: { initial: 10ms } } }\n"
      "upstreams:\n"
      "  a: { url: http://A.Example, retries: 4, retry: { backoff: { max: 1s } } }\n"
      "  b: { endpoints: [10.0.0.1:1, \"unix:/run/b\"] }\n"
      "routes:\n"
      "  - { match: /x, upstream: a, timeout: 3s }\n"
      "  - { match: /, upstream: b, retry: { on: [5xx] } }\n");
  const auto& first = config.routes[0].policy;
  EXPECT_EQ(first.timeout, std::chrono::seconds{3});
  EXPECT_EQ(first.retries, 4U);
  EXPECT_EQ(first.retry.backoff.initial, std::chrono::milliseconds{10});
  EXPECT_EQ(first.retry.backoff.max, std::chrono::seconds{1});
  EXPECT_EQ(first.retry.on.statuses.count(), 1U);
  EXPECT_FALSE(first.retry.on.never_sent);
  const auto& second = config.routes[1].policy;
  EXPECT_EQ(second.timeout, std::chrono::seconds{9});
  EXPECT_EQ(second.retries, 2U);
  EXPECT_EQ(second.retry.on.statuses.count(), 100U);
  EXPECT_EQ(config.upstreams[0].endpoints[0].host, "a.example");
  EXPECT_EQ(config.upstreams[0].endpoints[0].authority, "a.example");
  EXPECT_EQ(config.upstreams[1].endpoints[1].path, "/run/b");
}

TEST(Load, NamesUnnamedRoutesByTheirMatch) {
  const auto config = must_load(
      kMinimal +
      "routes:\n"
      "  - { match: { host: [P.local], path: /a, methods: [POST, PUT] }, upstream: app }\n"
      "  - { match: { path_prefix: /b, headers: { x: \"1\" } }, upstream: app }\n"
      "  - { match: /b, upstream: app }\n");
  EXPECT_EQ(config.routes[0].name, "POST,PUT p.local/a");
  EXPECT_EQ(config.routes[1].name, "/b");
  EXPECT_EQ(config.routes[2].name, "/b#2");
  EXPECT_EQ(must_load(kMinimal).routes[0].name, "app");
}

TEST(Load, WarnsOfDeadRoutesAndUnusedUpstreams) {
  const auto loaded = load_text(
      "upstreams: { a: { url: http://a }, b: { url: http://b } }\n"
      "routes:\n  - { match: /, upstream: a }\n  - { match: /x, upstream: a }\n");
  ASSERT_TRUE(loaded.has_value());
  ASSERT_EQ(loaded->warnings.size(), 2U);
  EXPECT_EQ(loaded->warnings[0].line, 1);
  EXPECT_NE(loaded->warnings[0].message.find("upstreams.b: no route"), std::string::npos);
  EXPECT_EQ(loaded->warnings[1].line, 4);
}

TEST(Load, HashFollowsTheMeaningNotTheText) {
  const auto config = must_load(kMinimal);
  EXPECT_EQ(config.hash.size(), 64U);
  EXPECT_EQ(must_load("# note\n" + kMinimal + "x-y: 1\n").hash, config.hash);
  EXPECT_NE(must_load(kMinimal + "    retries: 3\n").hash, config.hash);
}

TEST(Load, LetsOverridesWinOverTheFile) {
  const std::vector<Override> overrides{{"log.level", "debug", "x"}, {"admin.listen", "off", "x"}};
  const auto loaded = load_text(kMinimal + "log: { level: warn }\n", {}, overrides);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->config->log.level, config::LogLevel::Debug);
  EXPECT_FALSE(loaded->config->admin.has_value());
}

TEST(Load, ResolvesTheRoutesOfAListener) {
  const auto config = must_load(
      "listeners:\n  - { name: in, address: \"[::1]:1\", trust: [], routes: [two] }\n"
      "upstreams: { a: { url: http://a } }\n"
      "routes:\n  - { name: one, match: /1, upstream: a }\n  - { name: two, match: /2, upstream: a "
      "}\n");
  EXPECT_EQ(config.listeners[0].routes, std::vector<std::uint16_t>{1});
  EXPECT_TRUE(config.listeners[0].trust.empty());
}

TEST(Load, RunWithoutAFileServesTheUrl) {
  const auto config = must_load(minimal_file("127.0.0.1:0", "http://h:81"));
  EXPECT_EQ(config.listeners[0].address.text, "127.0.0.1:0");
  EXPECT_EQ(config.upstreams[0].endpoints[0].authority, "h:81");
}

}  // namespace
}  // namespace fusegate::config_file
