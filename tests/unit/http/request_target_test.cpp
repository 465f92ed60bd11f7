#include "unit/http/request_testing.hpp"

namespace fusegate::http {
namespace {

using testing::expect_bad;
using testing::expect_good;
using testing::expect_unsupported;
using testing::request;

TEST(RequestParser, KeepsMethodsAsTheyCame) {
  expect_good(request("get /a HTTP/1.1"), [](const RequestHead& head) {
    EXPECT_EQ(head.method, "get");
    EXPECT_FALSE(head.is_head);
  });
  expect_good(request("HEAD /a HTTP/1.1"),
              [](const RequestHead& head) { EXPECT_TRUE(head.is_head); });
  expect_unsupported(request("CONNECT t.example:443 HTTP/1.1"));
  expect_unsupported(request("CONNECT /a HTTP/1.1"));
}

TEST(RequestParser, KeepsOriginTargetsByteForByte) {
  for (const std::string_view target :
       {"/", "/a%2f..%2fb", "/a%00b", "/a;p=1/b?q=%2e%2e&&=", "/a/../b", "//x/y", "/a?b?c",
        "/a%0d%0aX-Injected:%201", "/{}|\"^`<>\\"}) {
    expect_good(request("GET " + std::string(target) + " HTTP/1.1"), [&](const RequestHead& head) {
      EXPECT_EQ(head.target, target);
      EXPECT_EQ(head.path_and_query, target);
      EXPECT_FALSE(head.absolute_form);
    });
  }
}

TEST(RequestParser, TellsThePathFromTheQuery) {
  struct Case {
    std::string_view target;
    std::string_view path;
    bool has_semicolon;
  };
  for (const auto& [target, path, has_semicolon] :
       {Case{"/a", "/a", false}, Case{"/a?b=1", "/a", false}, Case{"/?", "/", false},
        Case{"/a?b?c", "/a", false}, Case{"/a;p=1/b?q", "/a;p=1/b", true},
        Case{"/a?b;c", "/a", true}, Case{"http://b.example/x?y", "/x", false},
        Case{"http://b.example?q=1", "/", false}, Case{"http://b.example", "/", false}}) {
    expect_good(request("GET " + std::string(target) + " HTTP/1.1"), [&](const RequestHead& head) {
      EXPECT_EQ(head.path, path) << target;
      EXPECT_EQ(head.has_semicolon, has_semicolon) << target;
    });
  }
}

TEST(RequestParser, RefusesTargetsOfNoKnownForm) {
  for (const std::string_view target :
       {"t.example:80", "admin", "t.example/x", "?a", "ftp://t.example/x", "https://t.example/x",
        "http:/t.example", "http:///x", "http://", "/a#b", "/caf\xe9", "http://u@t.example/",
        "http://u:p@t.example/", "http://t.example:99999/", "http://t.example:8x/", "http://[::1/",
        "*"}) {
    expect_bad(request("GET " + std::string(target) + " HTTP/1.1"));
  }
  expect_bad(request("OPTIONS ** HTTP/1.1"));
}

TEST(RequestParser, ReadsAsteriskOfOptions) {
  expect_good(request("OPTIONS * HTTP/1.1"), [](const RequestHead& head) {
    EXPECT_TRUE(head.asterisk);
    EXPECT_EQ(head.path_and_query, "*");
  });
  expect_good(request("OPTIONS http://b.example HTTP/1.1"), [](const RequestHead& head) {
    EXPECT_TRUE(head.asterisk);
    EXPECT_EQ(head.path_and_query, "*");
    EXPECT_EQ(head.authority, "b.example");
  });
}

TEST(RequestParser, TakesTheHostOfAnAbsoluteTarget) {
  expect_good(request("GET http://b.example:81/x?y=1 HTTP/1.1"), [](const RequestHead& head) {
    EXPECT_TRUE(head.absolute_form);
    EXPECT_EQ(head.authority, "b.example:81");
    EXPECT_EQ(head.path_and_query, "/x?y=1");
    EXPECT_EQ(head.target, "http://b.example:81/x?y=1");
  });
  expect_good(request("GET HTTP://b.example HTTP/1.1"),
              [](const RequestHead& head) { EXPECT_EQ(head.path_and_query, "/"); });
  expect_good(request("GET http://b.example?q=1 HTTP/1.1"),
              [](const RequestHead& head) { EXPECT_EQ(head.path_and_query, "/?q=1"); });
  expect_bad("GET http://t.example/x HTTP/1.1\r\nX: 1\r\n\r\n");
  expect_good("GET http://t.example/x HTTP/1.0\r\n\r\n");
}

TEST(RequestParser, WantsExactlyOneValidHost) {
  expect_bad("GET /a HTTP/1.1\r\nX: 1\r\n\r\n");
  expect_bad("GET /a HTTP/1.1\r\n\r\n");
  expect_bad("GET /a HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n");
  expect_bad("GET /a HTTP/1.1\r\nHost: a.example\r\nhost: a.example\r\n\r\n");
  expect_bad("GET /a HTTP/1.0\r\nHost: a.example\r\nHost: a.example\r\n\r\n");
  expect_good("GET /a HTTP/1.0\r\n\r\n",
              [](const RequestHead& head) { EXPECT_EQ(head.authority, ""); });
  for (const std::string_view host : {"",
                                      "t.example:99999",
                                      "t.example:65536",
                                      "t.example:8x",
                                      "u@t.example",
                                      "t.example/x",
                                      "t.example:80:90",
                                      ":80",
                                      "a b",
                                      "a,b",
                                      "a?b",
                                      "a#b",
                                      "[::1",
                                      "[::1]x",
                                      "[1.2.3.4]",
                                      "[]",
                                      "[fe80::1%25eth0]",
                                      "::1",
                                      "a%2",
                                      "a%zz",
                                      "a%2z",
                                      "a\"b",
                                      "a\\b",
                                      "caf\xc3\xa9"}) {
    expect_bad("GET /a HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
  }
  for (const std::string_view host :
       {"t", "T.Example", "t.example:0", "t.example:65535", "t.example:", "1.2.3.4:80",
        "[::1]:8080", "[2001:db8::ffff:1.2.3.4]", "a_b.svc", "a%20b", "xn--caf-dma"}) {
    expect_good("GET /a HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n",
                [&](const RequestHead& head) { EXPECT_EQ(head.authority, host); });
  }
}

}  // namespace
}  // namespace fusegate::http
