#include "load_support.hpp"

#include <boost/json/parse.hpp>

/// Odd spellings: what they come to, and how those are told that come to nothing.
namespace fusegate::config_file {
namespace {

TEST(Accepted, LocalhostIsTheLoopbackAddress) {
  const auto config = must_load("listen: localhost:8080\nupstreams: {a: {url: http://a}}\n");
  ASSERT_EQ(config.listeners.size(), 1U);
  EXPECT_EQ(config.listeners[0].address.text, "127.0.0.1:8080");
}

TEST(Accepted, AUrlMayEndWithASlash) {
  const auto config = must_load("upstreams: {a: {url: \"http://orders:8080/\"}}\n");
  ASSERT_EQ(config.upstreams.size(), 1U);
  EXPECT_EQ(config.upstreams[0].endpoints.at(0).authority, "orders:8080");
}

TEST(Accepted, ASocketIsAnUpstream) {
  const auto config = must_load("upstreams: {a: {url: \"unix:/run/app.sock\"}}\n");
  ASSERT_EQ(config.upstreams.size(), 1U);
  EXPECT_EQ(config.upstreams[0].endpoints.at(0).path, "/run/app.sock");
}

TEST(Accepted, LinesMayEndAsOnWindows) {
  std::string text = kMinimal;
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) {
    text.insert(at, "\r");
  }
  EXPECT_EQ(must_load(text).hash, must_load(kMinimal).hash);
  const auto errors = must_fail(text + "log: {level: loud}\r\n");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].excerpt, "log: {level: loud}");
}

TEST(Accepted, ARouteMayMatchAnAddressOfVersionSix) {
  const auto config =
      must_load(kMinimal + "routes: [{match: {host: [\"[::1]\"]}, upstream: app}]\n");
  ASSERT_EQ(config.routes.size(), 1U);
  EXPECT_EQ(config.routes[0].match.hosts, std::vector<std::string>{"[::1]"});
}

TEST(Accepted, ControlCharactersOfABodyAreEscapedWhenPrinted) {
  const auto config = must_load(kMinimal + "    fallback: {status: 200, body: \"a\\u0001\\tb\"}\n");
  const auto parsed = boost::json::parse(dump(config, Format::Json));
  const auto& body = parsed.at_pointer("/routes/0/fallback/body");
  EXPECT_EQ(body.as_string(), "a\x01\tb");
  EXPECT_EQ(must_load(dump(config)), config);
}

TEST(Refused, AVariableThatReadsAsAnythingButText) {
  for (const auto* value : {"null", "~", "-1", "true"}) {
    const auto errors = must_fail(
        kMinimal + "routes:\n- name: ${NAME}\n  match: /\n  upstream: app\n", {{"NAME", value}});
    ASSERT_EQ(errors.size(), 1U) << value;
    EXPECT_NE(errors[0].message.find("expected text"), std::string::npos) << errors[0].message;
    EXPECT_EQ(errors[0].suggestion, "write \"${NAME}\" with the quotes");
  }
}

TEST(Refused, AWordThatIsTooLongIsCutBetweenCharacters) {
  const std::string word = std::string(63, 'a') + "\xc3\xa9" + std::string(10, 'b');
  const auto errors = must_fail(kMinimal + "log: {level: " + word + "}\n");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_NE(errors[0].message.find(", got \"" + std::string(63, 'a') + "...\""), std::string::npos)
      << errors[0].message;
}

TEST(Refused, ASequenceOfUtf8ThatBreaksOffInItsMiddle) {
  const auto errors = must_fail(kMinimal + "x-a: \xe2\x82(\n");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].line, 5);
  EXPECT_NE(errors[0].message.find("not UTF-8"), std::string::npos);
}

}  // namespace
}  // namespace fusegate::config_file
