#include "load_support.hpp"

/// Mistakes in each kind of setting. Their places are told by the text that the caret points to;
/// bad_input_test.cpp holds lines and columns.
namespace fusegate::config_file {
namespace {

struct Refused {
  const char* name;
  std::string text;
  const char* caret;  ///< What begins where the caret points.
  const char* message;
  const char* hint = "";
};

class RefusedValues : public testing::TestWithParam<Refused> {};

/// The text from the place of a diagnostic on.
std::string_view from_place(std::string_view text, const Diagnostic& told) {
  for (int line = 1; line < told.line; ++line) {
    text.remove_prefix(text.find('\n') + 1);
  }
  return text.substr(static_cast<std::size_t>(told.column - 1));
}

TEST_P(RefusedValues, AreToldAtTheirPlace) {
  const Refused& refused = GetParam();
  const auto errors = must_fail(refused.text);
  ASSERT_FALSE(errors.empty());
  const auto shown = format(errors[0]);
  EXPECT_EQ(errors.size(), 1U) << shown;
  EXPECT_TRUE(from_place(refused.text, errors[0]).starts_with(refused.caret)) << shown;
  EXPECT_NE(errors[0].message.find(refused.message), std::string::npos) << shown;
  EXPECT_NE(errors[0].suggestion.find(refused.hint), std::string::npos) << shown;
}

std::string case_name(const testing::TestParamInfo<Refused>& parameter) {
  return parameter.param.name;
}

std::string in_upstream(const std::string& line) { return kMinimal + "    " + line + "\n"; }
std::string at_top(const std::string& line) { return kMinimal + line + "\n"; }
std::string with_url(const std::string& url) { return "upstreams: {a: {url: " + url + "}}\n"; }
std::string with_endpoints(const std::string& list) {
  return "upstreams: {a: {endpoints: [" + list + "]}}\n";
}
std::string with_listen(const std::string& address) {
  return "listen: " + address + "\nupstreams: {a: {url: http://a}}\n";
}
std::string with_listeners(const std::string& list) {
  return "upstreams: {a: {url: http://a}}\nlisteners: [" + list + "]\n";
}
std::string with_match(const std::string& match) {
  return at_top("routes: [{match: " + match + ", upstream: app}]");
}
std::string with_rewrite(const std::string& rewrite) {
  return at_top("routes: [{match: {path: /a}, upstream: app, rewrite: {" + rewrite + "}}]");
}

std::string numbered(std::size_t count, const std::string& before, const std::string& after) {
  std::string result;
  for (std::size_t i = 0; i < count; ++i) {
    result += (i == 0 ? "" : ", ") + before + std::to_string(i) + after;
  }
  return result;
}

INSTANTIATE_TEST_SUITE_P(
    Addresses, RefusedValues,
    testing::Values(
        Refused{"OpenBracket", with_url("\"http://[::1\""), "\"http", "not an IPv6 address"},
        Refused{"NoAddressInBrackets", with_url("\"http://[app]:80\""), "\"http",
                "not an IPv6 address"},
        Refused{"NoBrackets", with_url("\"http://::1:80\""), "\"http", "needs brackets"},
        Refused{"NoHost", with_url("http://a..b"), "http://a..b", "has no valid host"},
        Refused{"PortZero", with_url("http://a:0"), "http://a:0", "a port is 1 to 65535"},
        Refused{"RelativeSocket", with_url("unix:run/app.sock"), "unix:", "an absolute path"},
        Refused{"LongSocket", with_url("unix:/" + std::string(107, 's')), "unix:", "107 bytes"},
        Refused{"EndpointWithoutPort", with_endpoints("\"10.0.0.7\""), "\"10.0.0.7\"",
                "write host:port"},
        Refused{"EndpointOfTwoPorts", with_endpoints("\"a:1:2\""), "\"a:1:2\"", "needs brackets"},
        Refused{"EndpointTwice", with_endpoints("\"a:1\", \"b:1\", \"A:1\""), "\"A:1\"",
                "is listed twice"},
        Refused{"EndpointIsAList", with_endpoints("[a]"), "[a]", "expected text"},
        Refused{"NoEndpoints", with_endpoints(""), "[]", "needs 1 to 1000 endpoints"},
        Refused{"ListenOpenBracket", with_listen("\"[::1:80\""), "\"[::1:80\"",
                "not an IPv6 address"},
        Refused{"ListenRelativeSocket", with_listen("unix:app.sock"), "unix:", "absolute path"},
        Refused{"ListenWithoutPort", with_listen("127.0.0.1"), "127.0.0.1", "has no port"},
        Refused{"ListenIsAList", with_listen("[1]"), "[1]", "expected an address"},
        Refused{"ListenIsNothing", with_listen(""), "", "got nothing"},
        Refused{"AdminIsAMap", at_top("admin: {listen: {a: 1}}"), "{a: 1}", "or off"},
        Refused{"StatusIsNoAddress", at_top("status: {listen: nowhere}"), "nowhere", "has no port"},
        Refused{"NoNetwork", with_listeners("{address: 127.0.0.1:1, trust: [10.0.0.0/33]}"),
                "10.0.0.0/33", "expected a network"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Listeners, RefusedValues,
    testing::Values(
        Refused{"NotAMap", with_listeners("\"127.0.0.1:1\""), "\"127.0.0.1:1\"",
                "{ address: 127.0.0.1:8080 }"},
        Refused{"NoAddress", with_listeners("{name: a}"), "{name: a}", "has no address"},
        Refused{"EmptyName", with_listeners("{address: 127.0.0.1:1, name: \"\"}"), "{address",
                "the name must not be empty"},
        Refused{"TwoOfOneName",
                with_listeners("{address: 127.0.0.1:1, name: x}, {address: 127.0.0.1:2, name: x}"),
                "x}]", "another listener is already called \"x\""},
        Refused{"TwoOfOneAddress",
                with_listeners("{address: 127.0.0.1:1, name: x}, {address: localhost:1, name: z}"),
                "localhost:1", "127.0.0.1:1 is already taken by listener x"},
        Refused{"None", with_listeners(""), "[]", "needs 1 to 64 listeners, got 0"},
        Refused{"NoRoutes", with_listeners("{address: 127.0.0.1:1, routes: []}"), "[]",
                "leave the key out for all routes"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Sections, RefusedValues,
    testing::Values(
        Refused{"UpstreamName", "upstreams: {\"a b\": {url: http://a}}\n", "\"a b\"",
                "\"a b\" is not a name"},
        Refused{"UpstreamIsItsUrl", "upstreams: {a: http://a}\n", "http://a",
                "expected a map of keys with url or endpoints", "write { url: http://a }"},
        Refused{"UpstreamIsAList", "upstreams: {a: [http://a]}\n", "a: [",
                "expected a map of keys with url or endpoints"},
        Refused{"NoUpstreams", "upstreams: {}\n", "{}", "needs 1 to 1000 upstreams"},
        Refused{"NoUrl", "upstreams: {a: {retries: 1}}\n", "a: {", "has no url"},
        Refused{"RouteIsItsPath", at_top("routes: [/]"), "/]", "{ match: /, upstream: NAME }"},
        Refused{"NoRoutes", at_top("routes: []"), "[]", "needs 1 to 10000 routes, got 0"},
        Refused{"RouteWithoutUpstream", at_top("routes: [{match: /}]"), "{match",
                "has no upstream"},
        Refused{"KeyIsAList", at_top("? [a, b]\n: 1"), "[a, b]", "a key is a single name"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Routes, RefusedValues,
    testing::Values(
        Refused{"PathWithoutSlash", with_match("payments"), "payments,", "a path begins with /"},
        Refused{"PathWithQuery", with_match("\"/a?b\""), "\"/a?b\"", "no query"},
        Refused{"PathWithDots", with_match("/a/../b"), "/a/../b", "could never match"},
        Refused{"EmptyPath", with_match("\"\""), "\"\"", "must not be empty"},
        Refused{"PathIsAList", with_match("{path: [/a]}"), "[/a]", "expected text"},
        Refused{"RegexIsAList", with_match("{path_regex: [/a]}"), "[/a]", "expected text"},
        Refused{"MethodIsAList", with_match("{methods: [[GET]]}"), "[GET]", "expected text"},
        Refused{"NoMethods", with_match("{methods: []}"), "[]", "leave the key out"},
        Refused{"HostIsAList", with_match("{host: [[a]]}"), "[a]", "expected text"},
        Refused{"HostWithPort", with_match("{host: [\"a:80\"]}"), "\"a:80\"",
                "expected a host without port"},
        Refused{"NoHosts", with_match("{host: []}"), "[]", "leave the key out"},
        Refused{"HeaderName", with_match("{headers: {\"a b\": x}}"), "\"a b\"",
                "\"a b\" is not a header name"},
        Refused{"HeaderValue", with_match("{headers: {a: \"x\\r\\n\"}}"), "\"x",
                "no control characters"},
        Refused{"TooManyHeaders", with_match("{headers: {" + numbered(65, "h", ": x") + "}}"),
                "{h0", "at most 64 keys, got 65"},
        Refused{"RewrittenHost", with_rewrite("host: \"a b\""), "\"a b\"",
                "expected keep, upstream or a host"},
        Refused{"RewrittenHostIsAList", with_rewrite("host: [a]"), "[a]", "expected text"},
        Refused{"StripOfAnExactPath", with_rewrite("strip_prefix: true"), "true",
                "only a route with path_prefix"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Policies, RefusedValues,
    testing::Values(
        Refused{"TryTimeoutIsAList", in_upstream("per_try_timeout: [1s]"), "[1s]", "auto, or"},
        Refused{"RetryOnAList", in_upstream("retry: {on: [[502]]}"), "[502]", "a failure class"},
        Refused{"RetryOnBadResponse", in_upstream("retry: {on: [bad_response]}"), "bad_response",
                "stands for the statuses", "503"},
        Refused{"RetryHeaderName", in_upstream("retry: {response_headers: {\"a b\": x}}"),
                "\"a b\"", "is not a header name"},
        Refused{"HedgeAfterAList", in_upstream("hedge: {after: [p95]}"), "[p95]", "a quantile"},
        Refused{"HedgeAfterAll", in_upstream("hedge: {after: p100}"), "p100", "from p1 to p99"},
        Refused{"HedgeAfterWord", in_upstream("hedge: {after: pxx}"), "pxx", "from p1 to p99"},
        Refused{"BalanceIsAList", in_upstream("balance: [p2c]"), "[p2c]",
                "round_robin, got a list"},
        Refused{"SwitchIsAList", in_upstream("ejection: {enabled: [true]}"), "[true]",
                "expected true or false, got a list"},
        Refused{"OctalFactor", in_upstream("retry: {backoff: {factor: 02}}"), "02", "octal"},
        Refused{"FactorIsAWord", in_upstream("retry: {backoff: {factor: two}}"), "two",
                "expected a number such as"},
        Refused{"CheckedPathIsAList", in_upstream("health_check: {path: [/]}"), "[/]",
                "expected text"},
        Refused{"FallbackBody",
                in_upstream("fallback: {status: 200, body: " + std::string(16385, 'b') + "}"),
                "bbb", "16385 bytes; at most 16384"},
        Refused{"FallbackHeaders",
                in_upstream("fallback: {status: 200, headers: {" + numbered(33, "h", ": x") + "}}"),
                "{h0", "at most 32 headers"},
        Refused{"NoBuckets", at_top("metrics: {buckets: []}"), "[]", "needs 1 to 64 buckets"},
        Refused{"BucketsFall", at_top("metrics: {buckets: [1s, 500ms, 2s]}"), "500ms",
                "500ms does not rise above 1s"},
        Refused{"NegativeName", at_top("routes: [{name: -5, match: /, upstream: app}]"), "-5",
                "expected text", "\"-5\""}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Homes, RefusedValues,
    testing::Values(Refused{"OfTheFile", in_upstream("runtime: {}"), "runtime", "unknown key",
                            "\"runtime\" belongs into the top level of the file"},
                    Refused{"OfAListener", at_top("trust: []"), "trust", "unknown key",
                            "\"trust\" belongs into an entry of listeners"},
                    Refused{"OfARequest", at_top("hedge: {}"), "hedge", "unknown key",
                            "\"hedge\" belongs into defaults, an upstream or a route"},
                    Refused{"OfOneUpstream", at_top("defaults: {endpoints: []}"), "endpoints",
                            "unknown key", "\"endpoints\" belongs into an upstream"},
                    Refused{"OfARoute", in_upstream("rewrite: {}"), "rewrite", "unknown key",
                            "\"rewrite\" belongs into a route"},
                    Refused{"OfNowhere", in_upstream(std::string(65, 'k') + ": 1"), "kkk",
                            "unknown key"}),
    case_name);

}  // namespace
}  // namespace fusegate::config_file
