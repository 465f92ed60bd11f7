#include <fusegate/route/path.hpp>

#include <gtest/gtest.h>

namespace fusegate::route {
namespace {

using namespace std::string_view_literals;

std::string canonical(std::string_view path) {
  std::string scratch;
  const auto result = canonical_path(path, scratch);
  return result ? std::string{*result} : "refused";
}

TEST(CanonicalPath, LeavesOrdinaryPathsAloneWithoutACopy) {
  for (const std::string_view path :
       {"/"sv, "/a"sv, "/a/"sv, "/a/b.c"sv, "/a;v=1/b"sv, "/a..b/c."sv, "/a/b~c_d-e"sv, "/a:b@c"sv,
        "/caf\xc3\xa9"sv, "/a*b"sv, "*"sv}) {
    std::string scratch;
    const auto result = canonical_path(path, scratch);
    ASSERT_TRUE(result) << path;
    EXPECT_EQ(result->data(), path.data()) << path;
    EXPECT_EQ(*result, path);
    EXPECT_TRUE(scratch.empty());
  }
}

TEST(CanonicalPath, EverySpellingOfAPathIsTheSamePath) {
  struct Case {
    std::string_view path;
    std::string_view expected;
  };
  const Case cases[] = {
      {"//", "/"},
      {"///", "/"},
      {"//admin", "/admin"},
      {"/a//b", "/a/b"},
      {"/a///b//", "/a/b/"},
      {"/./admin", "/admin"},
      {"/.", "/"},
      {"/./", "/"},
      {"/a/.", "/a/"},
      {"/a/./b", "/a/b"},
      {"/a/..", "/"},
      {"/a/../", "/"},
      {"/a/../admin", "/admin"},
      {"/a/b/../../admin", "/admin"},
      {"/a/b/..", "/a/"},
      {"/a/b/../c", "/a/c"},
      {"/a/%2e%2e/admin", "/admin"},
      {"/a/%2E./admin", "/admin"},
      {"/a/.%2e/admin", "/admin"},
      {"/%2e/admin", "/admin"},
      {"/a/%2e%2E//b", "/b"},
      {"/x//../admin", "/admin"},
      {"/%61dmin", "/admin"},
      {"/%61%64%6d%69%6E", "/admin"},
      {"/%7euser", "/~user"},
      {"/a%20b", "/a%20b"},
      {"/a%3ab", "/a%3Ab"},
      {"/a%3fb", "/a%3Fb"},
      {"/a%23b", "/a%23b"},
      {"/%c3%a9", "/%C3%A9"},
      {"/a%252fb", "/a%252fb"},
      {"/%252e%252e/admin", "/%252e%252e/admin"},
      {"/...", "/..."},
      {"/.../a", "/.../a"},
      {"/..a", "/..a"},
      {"/.a/b", "/.a/b"},
      {"/.well-known/x", "/.well-known/x"},
      {"/a;x//b;y", "/a;x/b;y"},
      {"/a;/../b", "/b"},
      {"/a./b", "/a./b"},
      {"/a/b.", "/a/b."},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(canonical(c.path), c.expected) << c.path;
    EXPECT_EQ(canonical(canonical(c.path)), c.expected) << c.path << ": twice is the same as once";
  }
}

TEST(CanonicalPath, RefusesWhatServersReadDifferently) {
  for (const std::string_view path :
       {"/a%2fb"sv,   "/a%2Fb"sv,      "/%2f"sv,       "/a%5cb"sv,    "/a%5C..%5Cb"sv,
        "/a\\b"sv,    "/\\"sv,         "/..\\admin"sv, "/a%00"sv,     "/a%00.jpg"sv,
        "/a%0a"sv,    "/a%0D%0A"sv,    "/a%1f"sv,      "/a%7f"sv,     "/a%"sv,
        "/a%2"sv,     "/a%zz"sv,       "/a%2g"sv,      "/%"sv,        "/a%%32"sv,
        "/.."sv,      "/../a"sv,       "/a/../../b"sv, "/%2e%2e"sv,   "/a/../..//b"sv,
        "/./.."sv,    "//.."sv,        ""sv,           "a"sv,         "a/b"sv,
        "*/a"sv,      "/a\nb"sv,       "/a\0b"sv,      "/a\tb"sv,     "/a\x7f"sv,
        "/a/..;/b"sv, "/a/..;x=1/b"sv, "/.;/a"sv,      "/%2e%2e;/a"sv}) {
    EXPECT_EQ(canonical(path), "refused") << path;
  }
  std::string scratch;
  EXPECT_EQ(canonical_path("/a%2fb", scratch).error().detail,
            "the path contains an encoded slash (%2F)");
}

TEST(WithoutParameters, LeavesTheNamesOfTheSegments) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"/a/b", "/a/b"},    {"/a;v=1/b;w", "/a/b"},
      {"/a;", "/a"},       {"/a;v/", "/a/"},
      {"/;v/a", "/a"},     {"/;v", "/"},
      {"/", "/"},          {"*", "*"},
      {"/a/;v/b", "/a/b"}, {"/a/;v", "/a/"},
      {"/a;b;c", "/a"},    {"/a%3Bv", "/a%3Bv"},  // An encoded semicolon is data.
  };
  for (const auto& [path, expected] : cases) {
    std::string scratch;
    EXPECT_EQ(without_parameters(path, scratch), expected) << path;
  }
}

TEST(StripPrefix, CutsThePrefixAndKeepsTheRestAsItCame) {
  struct Case {
    std::string_view target;
    std::string_view prefix;
    std::string_view expected;
  };
  const Case cases[] = {
      {"/pay/x", "/pay", "/x"},
      {"/pay/x", "/pay/", "/x"},
      {"/pay", "/pay", "/"},
      {"/pay/", "/pay", "/"},
      {"/pay?q=1", "/pay", "/?q=1"},
      {"/pay/?q=1", "/pay", "/?q=1"},
      {"/pay/x?q=/pay/../y%2f", "/pay", "/x?q=/pay/../y%2f"},
      {"/pay/x?", "/pay", "/x?"},
      {"/pay/a%20b/c%3a", "/pay", "/a%20b/c%3a"},
      {"/a/b/c/d", "/a/b", "/c/d"},
      {"/x", "/", "/x"},
      {"/x?y", "", "/x?y"},
      {"/pay/x;v=1", "/pay", "/x;v=1"},
      // The prefix with parameters: they go with it, those of the rest stay.
      {"/pay;v=1/x;w=2?q", "/pay", "/x;w=2?q"},
      {"/pay;v=1", "/pay", "/"},
      {"/;v/a;w/b;x/c", "/a/b", "/c"},
      {"/pay;v/x", "/pay;v", "/x"},
      {"/payments;v/x", "/pay", "/payments;v/x"},
      // The prefix in disguise: the canonical rest.
      {"/%70ay/x", "/pay", "/x"},
      {"//pay/x", "/pay", "/x"},
      {"/./pay/x?q", "/pay", "/x?q"},
      {"/y/../pay/x", "/pay", "/x"},
      {"/%70ay/a%3ab", "/pay", "/a%3Ab"},
      {"/%70ay", "/pay", "/"},
      // Nothing of the rest may mean something else once it stands alone.
      {"/pay/../pay/x", "/pay", "/x"},
      {"/pay//evil.example/x", "/pay", "/evil.example/x"},
      {"/pay/a/../b", "/pay", "/a/../b"},
      // Not under the prefix at all.
      {"/payments/x", "/pay", "/payments/x"},
      {"/other", "/pay", "/other"},
      {"/pay/%2f", "/pay", "/pay/%2f"},
      {"/pay/../x", "/pay", "/pay/../x"},
      {"*", "/pay", "*"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(strip_prefix(c.target, c.prefix), c.expected) << c.target << " - " << c.prefix;
  }
}

}  // namespace
}  // namespace fusegate::route
