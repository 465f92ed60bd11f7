#include "unit/http/request_testing.hpp"

namespace fusegate::http {
namespace {

using testing::expect_bad;
using testing::expect_good;
using testing::expect_unsupported;
using testing::get;
using testing::post;
using testing::request;

TEST(RequestParser, WantsOneContentLengthOfDigits) {
  for (const std::string_view value : {"5a",
                                       "1_0",
                                       "5 5",
                                       "5.0",
                                       "\"5\"",
                                       "5;a=b",
                                       "\xa0"
                                       "5",
                                       "5, 6",
                                       "5, 5",
                                       "5,",
                                       ",5",
                                       "+5",
                                       "-1",
                                       "0x5",
                                       "",
                                       "9223372036854775808",
                                       "18446744073709551621",
                                       "99999999999999999999999999",
                                       "00000000000000000005",
                                       "5e1"}) {
    expect_bad(post("Content-Length: " + std::string(value) + "\r\n"));
  }
  expect_bad(post("Content-Length: 5\r\nContent-Length: 5\r\n"));
  expect_bad(post("Content-Length: 5\r\nContent-Length: 6\r\n"));
  expect_bad(post("Content-Length:\r\nContent-Length: 43\r\n"));
  expect_bad(post("Content-Length : 43\r\n"));
  expect_good(post("Content-Length: 9223372036854775807\r\n"), [](const RequestHead& head) {
    EXPECT_EQ(head.body, BodyKind::Length);
    EXPECT_EQ(head.content_length, 9223372036854775807U);
  });
  expect_good(post("content-length:0\r\n"),
              [](const RequestHead& head) { EXPECT_EQ(head.body, BodyKind::None); });
  expect_good(request("GET /a HTTP/1.1", "Content-Length: 43\r\n"),
              [](const RequestHead& head) { EXPECT_EQ(head.body, BodyKind::Length); });
  expect_good(post("Connection: Content-Length\r\nContent-Length: 4\r\n"),
              [](const RequestHead& head) { EXPECT_EQ(head.body, BodyKind::Length); });
}

TEST(RequestParser, WantsExactlyOneChunked) {
  for (const std::string_view value :
       {"gzip", "identity", "xchunked", "chunkedchunked", "chunked;a=b", "'chunked'",
        "\xa0"
        "chunked",
        "chunked\xa0",
        "chun\xe2\x84\xaa"
        "ed",
        "", "chunked, gzip", "chunked,", "\"chunked\"", "chunked chunked", "cow"}) {
    // Nobody knows where such a body ends.
    expect_bad(post("Transfer-Encoding: " + std::string(value) + "\r\n"));
    expect_bad(post("Content-Length: 5\r\nTransfer-Encoding: " + std::string(value) + "\r\n"));
  }
  for (const std::string_view value :
       {"gzip, chunked", "gzip,chunked", "chunked, chunked", ",chunked", "cow\t,\tChunked"}) {
    expect_unsupported(post("Transfer-Encoding: " + std::string(value) + "\r\n"));
    expect_bad(post("Content-Length: 5\r\nTransfer-Encoding: " + std::string(value) + "\r\n"));
  }
  expect_bad(post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"));
  expect_bad(post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"));
  expect_bad(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"));
  expect_bad(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n"));
  expect_bad(post("Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n"));
  expect_bad(post("Content-Length: 5\r\nTransfer-Encoding : chunked\r\n"));
  expect_bad(request("POST /a HTTP/1.0", "Transfer-Encoding: chunked\r\n"));
  for (const std::string_view value : {"chunked", "Chunked", "CHUNKED", " \tchunked\t "}) {
    expect_good(post("Transfer-Encoding:" + std::string(value) + "\r\n"),
                [](const RequestHead& head) { EXPECT_EQ(head.body, BodyKind::Chunked); });
  }
}

TEST(RequestParser, EvaluatesConnectionByTokens) {
  const auto keeps = [](std::string_view version, std::string_view fields, bool keep) {
    expect_good(request("GET /a " + std::string(version), fields), [&](const RequestHead& head) {
      EXPECT_EQ(head.keep_alive, keep) << version << " " << fields;
    });
  };
  keeps("HTTP/1.1", "", true);
  keeps("HTTP/1.1", "Connection: close\r\n", false);
  keeps("HTTP/1.1", "Connection: Keep-Alive, CLOSE\r\n", false);
  keeps("HTTP/1.1", "Connection: keep-alive\r\nConnection: x, close\r\n", false);
  keeps("HTTP/1.1", "Connection: closed\r\n", true);
  keeps("HTTP/1.0", "", false);
  keeps("HTTP/1.0", "Connection: keep-alive\r\n", true);
  keeps("HTTP/1.0", "Connection: keep-alive, close\r\n", false);
  expect_good(get("Connection: , ,X-Hop,, close\r\n"), [](const RequestHead& head) {
    EXPECT_TRUE(head.nominates);
    EXPECT_FALSE(head.keep_alive);
  });
  expect_good(get("Connection: keep-alive, close, upgrade, te, host, content-length\r\n"),
              [](const RequestHead& head) { EXPECT_FALSE(head.nominates); });
}

TEST(RequestParser, RefusesConnectionOptionsThatAreNoTokens) {
  expect_bad(get("Connection: clo se\r\n"));
  expect_bad(get("Connection: close, \"x\"\r\n"));
  expect_bad(get("Connection: close;q=1\r\n"));
}

TEST(RequestParser, BoundsTheConnectionOptions) {
  std::string options = "a";
  for (int i = 1; i < 32; ++i) {
    options += ",a";
  }
  expect_good(get("Connection: " + options + "\r\n"));
  expect_bad(get("Connection: " + options + "\r\nConnection: b\r\n"));
}

TEST(RequestParser, ReadsUpgradeOffers) {
  const auto upgrades = [](std::string_view version, std::string_view fields, bool upgrade) {
    expect_good(request("GET /a " + std::string(version), fields), [&](const RequestHead& head) {
      EXPECT_EQ(head.upgrade, upgrade) << version << " " << fields;
    });
  };
  upgrades("HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", true);
  upgrades("HTTP/1.1", "Connection: upgrade\r\n", false);
  upgrades("HTTP/1.1", "Upgrade: websocket\r\n", false);
  upgrades("HTTP/1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", false);
  upgrades("HTTP/1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n", false);
  upgrades("HTTP/1.1", "Connection: upgrade\r\nUpgrade: websocket, H2C\r\n", false);
}

TEST(RequestParser, ReadsExpectations) {
  const auto expects = [](std::string_view line, std::string_view fields, bool expect) {
    expect_good(request(line, fields), [&](const RequestHead& head) {
      EXPECT_EQ(head.expect_continue, expect) << line << " " << fields;
    });
  };
  expects("POST /a HTTP/1.1", "Content-Length: 5\r\nExpect: 100-Continue\r\n", true);
  expects("POST /a HTTP/1.1", "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", true);
  expects("POST /a HTTP/1.1", "Expect: 100-continue\r\n", false);
  expects("POST /a HTTP/1.0", "Content-Length: 5\r\nExpect: 100-continue\r\n", false);
  expects("POST /a HTTP/1.1", "Content-Length: 5\r\nExpect: else\r\n", false);
}

TEST(RequestParser, ReadsMaxForwardsOfOptionsAndTrace) {
  expect_good(request("OPTIONS /a HTTP/1.1", "Max-Forwards: 0\r\n"),
              [](const RequestHead& head) { EXPECT_EQ(head.max_forwards, 0U); });
  expect_good(request("TRACE /a HTTP/1.1", "Max-Forwards: 12\r\n"),
              [](const RequestHead& head) { EXPECT_EQ(head.max_forwards, 12U); });
  expect_good(request("GET /a HTTP/1.1", "Max-Forwards: 0\r\n"),
              [](const RequestHead& head) { EXPECT_FALSE(head.max_forwards); });
  expect_good(request("OPTIONS /a HTTP/1.1", "Max-Forwards: -1\r\n"),
              [](const RequestHead& head) { EXPECT_FALSE(head.max_forwards); });
}

}  // namespace
}  // namespace fusegate::http
