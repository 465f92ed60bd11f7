// https endpoints, and where the problems of files are shown.
#include "load_support.hpp"

namespace fusegate::config_file {
namespace {

const std::string kSecure =
    "listeners:\n"
    "  - address: 127.0.0.1:8443\n"
    "    tls: { certificate: a.pem, key: a.key, client_ca: ca.pem }\n"
    "defaults:\n"
    "  tls: { certificate: own.pem, key: own.key }\n"
    "upstreams:\n"
    "  one: { url: https://One.example }\n"
    "  two: { endpoints: [\"https://10.0.0.7:8443\", \"https://[fd00::7]\"] }\n"
    "routes:\n"
    "  - { match: /two, upstream: two }\n"
    "  - { match: /, upstream: one }\n";

TEST(Tls, EndpointsAreReadWithTheirPortAndHost) {
  const auto config = must_load(kSecure);
  ASSERT_EQ(config.upstreams.size(), 2U);
  const config::Endpoint one{"one.example", 443, "", "one.example", true};
  const config::Endpoint two{"10.0.0.7", 8443, "", "10.0.0.7:8443", true};
  const config::Endpoint three{"fd00::7", 443, "", "[fd00::7]", true};
  EXPECT_EQ(config.upstreams[0].endpoints, std::vector{one});
  EXPECT_EQ(config.upstreams[1].endpoints, (std::vector{two, three}));
  EXPECT_TRUE(config.upstreams[1].uses_tls());
  EXPECT_TRUE(config.listeners[0].uses_tls());
  EXPECT_FALSE(must_load(kMinimal).upstreams[0].uses_tls());
}

TEST(Tls, ADumpLoadsAgain) {
  const auto config = must_load(kSecure);
  EXPECT_EQ(must_load(dump(config)), config);
}

TEST(Tls, APortThatIsUsualForTheOtherSchemeIsWritten) {
  const auto text = [](const std::string& url) {
    return must_load("upstreams: { a: { url: " + url + " } }\n")
        .upstreams[0]
        .endpoints[0]
        .authority;
  };
  EXPECT_EQ(text("https://a:80"), "a:80");
  EXPECT_EQ(text("https://a:443"), "a");
  EXPECT_EQ(text("http://a:443"), "a:443");
}

TEST(Tls, AProblemOfAFileIsShownWhereTheFileIsNamed) {
  const auto check = [](const config::Config&) {
    return std::vector<FileProblem>{
        {advice::Section::Listener, 0, "tls.client_ca", "is bad", false},
        {advice::Section::Upstream, 0, "tls.key", "is worse", false},
        {advice::Section::Upstream, 1, "tls.key", "is worse", false},
        {advice::Section::Upstream, 1, "tls.certificate", "is old", true}};
  };
  const auto loaded = load_text(kSecure, {}, {}, check);
  ASSERT_FALSE(loaded.has_value());
  const auto& found = loaded.error();
  ASSERT_EQ(found.size(), 3U) << "what several upstreams inherit is told once";
  EXPECT_EQ(found[0].line, 3);
  EXPECT_EQ(found[0].column, 55);
  EXPECT_EQ(found[0].message, "listeners[0].tls.client_ca: is bad");
  EXPECT_EQ(found[1].severity, Severity::Warning);
  EXPECT_EQ(found[1].code, kFileWarning);
  EXPECT_EQ(found[2].message, "defaults.tls.key: is worse");
}

TEST(Tls, AWarningAboutAFileDoesNotStopAnything) {
  const auto check = [](const config::Config&) {
    return std::vector<FileProblem>{
        {advice::Section::Listener, 0, "tls.certificate", "is old", true}};
  };
  const auto loaded = load_text(kSecure, {}, {}, check);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->warnings.size(), 1U);
}

}  // namespace
}  // namespace fusegate::config_file
