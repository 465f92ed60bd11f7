// `fallback`: off, a reply, or the name of another upstream.
#include "load_support.hpp"

namespace fusegate::config_file {
namespace {

using config::Fallback;

std::string with(const std::string& value) { return kMinimal + "    fallback: " + value + "\n"; }

std::string two(const std::string& fallback) {
  return "upstreams:\n  a: { url: http://a, fallback: " + fallback +
         " }\n  b: { url: http://b }\n"
         "routes: [ { match: /a, upstream: a }, { match: /, upstream: b } ]\n";
}

TEST(FallbackKey, IsOffByDefault) {
  EXPECT_EQ(must_load(kMinimal).routes[0].policy.fallback.kind, Fallback::Kind::Off);
  EXPECT_EQ(must_load(with("off")).routes[0].policy.fallback, Fallback{});
}

TEST(FallbackKey, ReadsAReply) {
  const auto fallback = must_load(with("{status: 202, headers: {X-From: spare}, body: \"{}\"}"))
                            .routes[0]
                            .policy.fallback;
  EXPECT_EQ(fallback.kind, Fallback::Kind::Reply);
  EXPECT_EQ(fallback.status, 202U);
  EXPECT_EQ(fallback.headers.at(0), (std::pair<std::string, std::string>{"x-from", "spare"}));
  EXPECT_EQ(fallback.body, "{}");
}

TEST(FallbackKey, FindsTheOtherUpstream) {
  const auto config = must_load(two("{ upstream: b }"));
  EXPECT_EQ(config.routes[0].policy.fallback.kind, Fallback::Kind::Upstream);
  EXPECT_EQ(config.routes[0].policy.fallback.upstream, 1U);
  EXPECT_EQ(config.routes[1].policy.fallback.kind, Fallback::Kind::Off);
}

TEST(FallbackKey, IsPrintedSoThatItIsReadBackEqual) {
  for (const auto& text : {with("{status: 200, headers: {a: 'b: c'}, body: 'x\"y'}"),
                           two("{ upstream: b }"), with("off")}) {
    const auto config = must_load(text);
    EXPECT_EQ(must_load(dump(config)).routes, config.routes) << text;
  }
}

TEST(FallbackKey, IsRefusedWithThePlaceAndAHint) {
  struct Case {
    std::string text;
    const char* message;
    const char* hint;
  };
  const Case cases[] = {
      {with("on"), "expected off, { status: 200", ""},
      {with("{}"), "expected off, { status: 200", ""},
      {with("{stattus: 200}"), "unknown key \"stattus\" in upstreams.app.fallback",
       "did you mean \"status\"?"},
      {with("{status: 100}"), "status", ""},
      {with("{status: 204, body: x}"), "a reply of status 204 has no body", ""},
      {with("{status: 200, headers: {Content-Length: \"3\"}}"), "is written by Fusegate itself",
       ""},
      {with("{status: 200, headers: {\"a b\": c}}"), "is not a header name", ""},
      {with("{upstream: app}"), "is the route's own upstream", ""},
      {with("{upstream: apq}"), "there is no upstream \"apq\"", "did you mean \"app\"?"},
      {two("{ upstream: b, status: 200 }"), "expected off, { status: 200", ""},
  };
  for (const auto& [text, message, hint] : cases) {
    const auto errors = must_fail(text);
    ASSERT_EQ(errors.size(), 1U) << text;
    EXPECT_NE(errors[0].message.find(message), std::string::npos) << format(errors[0]);
    EXPECT_EQ(errors[0].suggestion, hint) << format(errors[0]);
  }
}

}  // namespace
}  // namespace fusegate::config_file
