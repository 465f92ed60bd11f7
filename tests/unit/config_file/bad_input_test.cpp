#include "load_support.hpp"

namespace fusegate::config_file {
namespace {

/// A bad file with the one error it must give: place, words of the message, words of the hint.
struct BadInput {
  const char* name;
  std::string text;
  int line;
  int column;
  const char* message;
  const char* hint;
};

class BadInputs : public testing::TestWithParam<BadInput> {};

TEST_P(BadInputs, AreRefusedAtTheirPlace) {
  const BadInput& bad = GetParam();
  const auto errors = must_fail(bad.text);
  ASSERT_EQ(errors.size(), 1U) << bad.text;
  const auto shown = format(errors[0]);
  EXPECT_EQ(errors[0].line, bad.line) << shown;
  EXPECT_EQ(errors[0].column, bad.column) << shown;
  EXPECT_NE(errors[0].message.find(bad.message), std::string::npos) << shown;
  EXPECT_NE(errors[0].suggestion.find(bad.hint), std::string::npos) << shown;
}

std::string case_name(const testing::TestParamInfo<BadInput>& parameter) {
  return parameter.param.name;
}

/// kMinimal with more lines in its upstream; they begin in line 5.
std::string in_upstream(const std::string& lines) { return kMinimal + lines; }
/// kMinimal with more lines at the top level; they begin in line 5.
std::string at_top(const std::string& lines) { return kMinimal + lines; }

std::string alias_bomb() {
  std::string text = kMinimal + "x-a: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 9; ++i) {
    const auto alias = "*a" + std::to_string(i - 1);
    text += "x-" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + alias;
    for (int j = 0; j < 9; ++j) {
      text += ", " + alias;
    }
    text += "]\n";
  }
  return text;
}

const std::string kTwo =
    "upstreams:\n"
    "  a: { url: http://a }\n"
    "  b: { url: http://b }\n";

INSTANTIATE_TEST_SUITE_P(
    Syntax, BadInputs,
    testing::Values(
        BadInput{"Empty", "", 1, 1, "the file is empty", ""},
        BadInput{"NotYaml", "listen: [1\n", 2, 1, "not valid YAML", ""},
        BadInput{"NotAMap", "- a\n", 1, 1, "expected a map of keys, got a list", ""},
        BadInput{"TooLarge", std::string(1024 * 1024 + 1, '#'), 1, 1, "larger than 1 MiB", ""},
        BadInput{"SecondDocument", kMinimal + "---\na: 1\n", 5, 1, "second document", ""},
        BadInput{"AliasBomb", alias_bomb(), 9, 56, "more than 100000 values", ""},
        BadInput{"TooDeep", kMinimal + "x-a: " + std::string(80, '[') + std::string(80, ']'), 5, 69,
                 "levels deep", ""},
        BadInput{"NulByte", kMinimal + std::string("x-a: 1\0 2\n", 10), 5, 7, "a NUL byte", ""},
        BadInput{"ControlCharacter", at_top("x-a: \x1b[2J\n"), 5, 6, "a control character", ""},
        BadInput{"NotUtf8", at_top("x-a: \xc3\x28\n"), 5, 6, "not UTF-8", ""},
        BadInput{"LongKey", at_top(std::string(257, 'k') + ": 1\n"), 5, 1,
                 "a key is longer than 256 bytes", ""},
        BadInput{"Tag", in_upstream("    retries: !!int 3\n"), 5, 14, "tags", ""},
        BadInput{"MergeKey", in_upstream("    <<: {retries: 3}\n"), 5, 5, "unknown key", "merge"},
        BadInput{"DuplicateKey", in_upstream("    retries: 1\n    retries: 2\n"), 6, 5,
                 "duplicate key \"retries\" in upstreams.app", "line 5"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Names, BadInputs,
    testing::Values(
        BadInput{"Misspelt", in_upstream("    retrys: 3\n"), 5, 5,
                 "unknown key \"retrys\" in upstreams.app", "did you mean \"retries\"?"},
        BadInput{"CamelCase", in_upstream("    connectTimeout: 1s\n"), 5, 5, "unknown key",
                 "did you mean \"connect_timeout\"?"},
        BadInput{"LevelUp", in_upstream("    retry: { timeout: 1s }\n"), 5, 14, "unknown key",
                 "did you mean \"timeout\", one level up?"},
        BadInput{"LevelDown", in_upstream("    max_in_flight: 3\n"), 5, 5, "unknown key",
                 "did you mean \"concurrency.max_in_flight\"?"},
        BadInput{"Elsewhere", at_top("routes: [{match: /, upstream: app, balance: p2c}]\n"), 5, 36,
                 "unknown key \"balance\" in routes[0]", "belongs into defaults or an upstream"},
        BadInput{"UnknownUpstream", kTwo + "routes: [{match: /, upstream: bb}]\n", 4, 31,
                 "there is no upstream \"bb\"", "did you mean \"b\"?"},
        BadInput{"UnknownRoute",
                 kMinimal.substr(23) + "listeners: [{address: \"[::1]:1\", routes: [ap]}]\n", 4, 43,
                 "there is no route \"ap\"", "did you mean \"app\"?"},
        BadInput{"NoUpstreams", "listen: 127.0.0.1:8080\n", 1, 1, "upstreams is missing", "add"},
        BadInput{"NoRoutes", kTwo, 2, 3, "routes is missing", "add routes"},
        BadInput{"TwoRoutesOneName",
                 at_top("routes: [{name: x, match: /a, upstream: app}, {name: x, match: /, "
                        "upstream: app}]\n"),
                 5, 54, "another route is already called \"x\"", ""},
        BadInput{"NoMatch", at_top("routes: [{upstream: app}]\n"), 5, 10, "has no match", ""},
        BadInput{"UrlAndEndpoints", in_upstream("    endpoints: [a:1]\n"), 3, 3, "keep one", ""},
        BadInput{"ListenAndListeners", at_top("listeners: [{address: 127.0.0.1:1}]\n"), 5, 12,
                 "keep one", ""}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Values, BadInputs,
    testing::Values(
        BadInput{"NoUnit", in_upstream("    timeout: 5\n"), 5, 14,
                 "upstreams.app.timeout: 5 has no unit; write 5s or 5ms", ""},
        BadInput{"NoSizeUnit", at_top("limits: {request_head: 1000}\n"), 5, 24, "has no unit", ""},
        BadInput{"NoPercent", at_top("log: {access: {sample: 20}}\n"), 5, 24, "write 20%", ""},
        BadInput{"WrongSizeUnit", at_top("limits: {request_head: 64KB}\n"), 5, 24, "KiB", ""},
        BadInput{"ZeroTimeout", in_upstream("    timeout: 0s\n"), 5, 14, "out of range", ""},
        BadInput{"TooManyRetries", in_upstream("    retries: 11\n"), 5, 14, "allowed are 0 to 10",
                 ""},
        BadInput{"NoWorkers", at_top("runtime: {workers: 0}\n"), 5, 20, "allowed are 1 to 64", ""},
        BadInput{"OverHundred", in_upstream("    ejection: {max_percent: 101%}\n"), 5, 29,
                 "out of range", ""},
        BadInput{"Octal", in_upstream("    retries: 010\n"), 5, 14, "octal", ""},
        BadInput{"Hexadecimal", in_upstream("    retries: 0x3\n"), 5, 14, "octal or hexa", ""},
        BadInput{"Yes", in_upstream("    ejection: {enabled: yes}\n"), 5, 25, "true or false",
                 "write true"},
        BadInput{"On", in_upstream("    ejection: {enabled: on}\n"), 5, 25, "true or false",
                 "write true"},
        BadInput{"No", in_upstream("    ejection: {enabled: No}\n"), 5, 25, "true or false",
                 "write false"},
        BadInput{"QuotedNumber", in_upstream("    retries: \"3\"\n"), 5, 14, "without quotes", ""},
        BadInput{"NumberAsText", at_top("routes: [{name: 5, match: /, upstream: app}]\n"), 5, 17,
                 "expected text", "\"5\""},
        BadInput{"ListForValue", in_upstream("    retries: [1]\n"), 5, 14, "got a list", ""},
        BadInput{"MapForValue", in_upstream("    timeout: {a: 1}\n"), 5, 14, "got a map", ""},
        BadInput{"ValueForMap", in_upstream("    breaker: off\n"), 5, 14,
                 "expected a map of keys, got a single value", ""},
        BadInput{"ValueForList", at_top("routes: /\n"), 5, 9, "expected a list of routes", ""},
        BadInput{"Word", in_upstream("    balance: roundrobin\n"), 5, 14,
                 "expected p2c, least_requests or round_robin", "\"round_robin\""},
        BadInput{"RetryOn", in_upstream("    retry: {on: [502, never-sent]}\n"), 5, 23,
                 "expected never_sent", "did you mean \"never_sent\"?"},
        BadInput{"TryLongerThanAll", in_upstream("    timeout: 1s\n    per_try_timeout: 2s\n"), 6,
                 22, "leaves no time for a retry", "auto"},
        BadInput{"InitialOverMax", in_upstream("    retry: {backoff: {initial: 1s}}\n"), 5, 32,
                 "is longer than", ""},
        BadInput{"Regex", at_top("routes: [{match: {path_regex: \"/(\"}, upstream: app}]\n"), 5, 31,
                 "RE2", ""},
        BadInput{"TwoPaths",
                 at_top("routes: [{match: {path: /a, path_prefix: /b}, upstream: app}]\n"), 5, 42,
                 "one of path", ""},
        BadInput{"LowerMethod", at_top("routes: [{match: {methods: [get]}, upstream: app}]\n"), 5,
                 29, "not a method", "\"GET\""},
        BadInput{"Undefined", in_upstream("    timeout: \"${NOPE}\"\n"), 5, 14, "NOPE is not set",
                 ""},
        BadInput{"OddVariable", in_upstream("    timeout: ${a b}\n"), 5, 14, "not a variable", ""},
        BadInput{"OpenVariable", in_upstream("    timeout: ${A\n"), 5, 14, "without \"}\"", ""}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Addresses, BadInputs,
    testing::Values(
        BadInput{"PortOnly", "listen: 8080\nupstreams: {a: {url: http://a}}\n", 1, 9, "has no host",
                 ""},
        BadInput{"Name", "listen: web:80\nupstreams: {a: {url: http://a}}\n", 1, 9, "is a name",
                 ""},
        BadInput{"OpenAdmin", at_top("admin: {listen: 0.0.0.0:9901}\n"), 5, 17,
                 "reachable from outside", "127.0.0.1:9901"},
        BadInput{"Taken", at_top("admin: {listen: 127.0.0.1:8080}\n"), 5, 17, "already taken", ""},
        BadInput{"UrlPath", "upstreams: {a: {url: http://a/b}}\n", 1, 22, "path or query", ""},
        BadInput{"UrlUser", "upstreams: {a: {url: http://u:p@a}}\n", 1, 22, "no user", ""},
        BadInput{"UrlPort", "upstreams: {a: {url: http://a:99999}}\n", 1, 22, "no valid port", ""},
        BadInput{"UrlScheme", "upstreams: {a: {url: ftp://a}}\n", 1, 22, "expected a url", ""},
        BadInput{"NetworkBits",
                 "listeners: [{address: 127.0.0.1:1, trust: [10.0.0.1/8]}]\nupstreams: {a: {url: "
                 "http://a}}\n",
                 1, 44, "write 10.0.0.0/8", ""}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    NotSupportedYet, BadInputs,
    testing::Values(BadInput{"Tracing", at_top("tracing: {otlp_endpoint: http://o}\n"), 5, 26,
                             "not supported yet", ""},
                    BadInput{"PerEndpoint", at_top("metrics: {per_endpoint: true}\n"), 5, 25,
                             "not supported yet", ""}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Tls, BadInputs,
    testing::Values(
        BadInput{
            "KeyAlone",
            "listeners: [{address: 127.0.0.1:1, tls: {key: k}}]\nupstreams: {a: {url: http://a}}\n",
            1, 47, "needs tls.certificate beside it", ""},
        BadInput{"CertificateAlone",
                 "listeners: [{address: 127.0.0.1:1, tls: {certificate: c}}]\nupstreams: {a: {url: "
                 "http://a}}\n",
                 1, 55, "needs tls.key beside it", ""},
        BadInput{"ClientCaAlone",
                 "listeners: [{address: 127.0.0.1:1, tls: {client_ca: c}}]\nupstreams: {a: {url: "
                 "http://a}}\n",
                 1, 53, "needs tls.certificate beside it", ""},
        BadInput{"UpstreamKeyAlone", in_upstream("    tls: {key: k}\n"), 5, 16,
                 "needs tls.certificate beside it", ""},
        BadInput{"ServerName", in_upstream("    tls: {server_name: \"a b\"}\n"), 5, 24,
                 "expected a host or an address without port", ""},
        BadInput{"ServerNamePort", in_upstream("    tls: {server_name: \"a:443\"}\n"), 5, 24,
                 "expected a host or an address without port", ""},
        BadInput{"MixedSchemes", "upstreams: {a: {endpoints: [\"https://a\", \"b:80\"]}}\n", 1, 42,
                 "write https:// before all of them", ""}),
    case_name);

TEST(Load, ReadsTheErrorOfTheContractAsDrawn) {
  const auto errors =
      must_fail("upstreams:\n  payments:\n    url: http://p\n\n\n\n    retrys: 3\n");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(format(errors[0]),
            "fusegate.yaml:7:5: error: unknown key \"retrys\" in upstreams.payments\n"
            "    7 |     retrys: 3\n"
            "      |     ^~~~~~ did you mean \"retries\"?\n");
}

TEST(Load, ReportsAllErrorsAtOnceInTheOrderOfTheFile) {
  const auto errors = must_fail(
      "listen: nowhere\nupstreams:\n  a: { url: x, retries: 99 }\n  b: { retrys: 1 }\nlogs: 1\n");
  std::vector<int> lines;
  for (const auto& error : errors) {
    lines.push_back(error.line);
  }
  EXPECT_EQ(lines, (std::vector<int>{1, 3, 3, 3, 4, 4, 5}));
}

TEST(Load, CountsColumnsInCharactersNotBytes) {
  const auto errors = must_fail(kMinimal + "x-é: 1\nlog: {level: \"é\", format: bad}\n");
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[1].column, 27);
}

TEST(Load, NamesTheVariableBehindABadOverride) {
  const std::vector<Override> overrides{{"log.level", "loud", "FUSEGATE_LOG_LEVEL"}};
  const auto loaded = load_text(kMinimal, {}, overrides);
  ASSERT_FALSE(loaded.has_value());
  ASSERT_EQ(loaded.error().size(), 1U);
  EXPECT_TRUE(
      format(loaded.error()[0]).starts_with("FUSEGATE_LOG_LEVEL: error: log.level: expected"));
}

TEST(Load, NeverShowsASecretInAnError) {
  const auto errors =
      must_fail(kMinimal + "log: {level: \"${API_TOKEN}\"}\n", {{"API_TOKEN", "hunter2"}});
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(format(errors[0]).find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace fusegate::config_file
