#include "unit/http/http_testing.hpp"

namespace fusegate::http {
namespace {

using testing::expect_same_when_split;
using testing::request_outcome;
using namespace std::string_literals;

/// A request head for `line`, with a Host and `fields`.
std::string request(std::string_view line, std::string_view fields = "") {
  return std::string(line) + "\r\nHost: t.example\r\n" + std::string(fields) + "\r\n";
}
std::string get(std::string_view fields) { return request("GET /a HTTP/1.1", fields); }
std::string post(std::string_view fields) { return request("POST /a HTTP/1.1", fields); }

void expect_refused(std::string_view text, std::string_view reason) {
  const std::string outcome = request_outcome({text});
  EXPECT_TRUE(outcome.starts_with(std::string(reason) + ": ")) << outcome << "\nfor: " << text;
  EXPECT_GT(outcome.size(), reason.size() + 2) << "no detail for: " << text;
  expect_same_when_split(text, [](const auto& pieces) { return request_outcome(pieces); });
}
void expect_bad(std::string_view text) { expect_refused(text, "bad_request"); }
void expect_unsupported(std::string_view text) { expect_refused(text, "unsupported"); }

/// Parses a head that must be good and lets `check` look at it while its bytes live.
template <class Check>
void expect_good(std::string_view text, Check check) {
  RequestParser parser;
  RequestHead head;
  ParseFailure failure;
  ASSERT_EQ(parser.parse(text, {}, head, failure), ParseStatus::Complete)
      << failure.detail << "\nfor: " << text;
  check(head);
  expect_same_when_split(text, [](const auto& pieces) { return request_outcome(pieces); });
}
void expect_good(std::string_view text) {
  expect_good(text, [](const RequestHead&) {});
}

TEST(RequestParser, GivesViewsIntoTheBuffer) {
  const std::string text =
      "GET /a?b=1 HTTP/1.1\r\nHost: t.example:8080\r\nX-A: \t one two \t\r\nX-B:\r\n\r\nREST";
  RequestParser parser;
  RequestHead head;
  ParseFailure failure;
  ASSERT_EQ(parser.parse(text, {}, head, failure), ParseStatus::Complete);
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.target, "/a?b=1");
  EXPECT_EQ(head.path_and_query, "/a?b=1");
  EXPECT_EQ(head.authority, "t.example:8080");
  EXPECT_EQ(head.size, text.size() - 4);
  ASSERT_EQ(head.fields.size(), 3U);
  EXPECT_EQ(head.fields[1].value, "one two");
  EXPECT_EQ(head.fields[2].value, "");
  EXPECT_EQ(head.fields[0].id, FieldId::Host);
  EXPECT_EQ(head.fields.find("x-a"), &head.fields[1]);
  EXPECT_EQ(head.fields.find("x-c"), nullptr);
  EXPECT_GE(head.fields[1].value.data(), text.data());
  EXPECT_LT(head.fields[1].value.data(), text.data() + text.size());
  EXPECT_EQ(head.field_lines, "Host: t.example:8080\r\nX-A: \t one two \t\r\nX-B:\r\n");
}

TEST(RequestParser, ReadsPipelinedRequestsOneByOne) {
  std::string text = get("") + post("Content-Length: 3\r\n");
  RequestParser parser;
  RequestHead head;
  ParseFailure failure;
  ASSERT_EQ(parser.parse(text, {}, head, failure), ParseStatus::Complete);
  EXPECT_EQ(head.method, "GET");
  text.erase(0, head.size);
  parser.reset();
  ASSERT_EQ(parser.parse(text, {}, head, failure), ParseStatus::Complete);
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.fields.size(), 2U) << "fields of the first request are left over";
  EXPECT_EQ(head.content_length, 3U);
}

TEST(RequestParser, SkipsOneEmptyLineBeforeTheHead) {
  const std::string text = "\r\n" + get("");
  expect_good(text, [&](const RequestHead& head) {
    EXPECT_EQ(head.size, text.size());
    EXPECT_TRUE(head.raw.starts_with("GET "));
  });
  expect_bad("\r\n\r\n" + get(""));
  expect_bad("\n" + get(""));
}

TEST(RequestParser, RefusesLinesThatDoNotEndWithCrLf) {
  expect_bad("GET /a HTTP/1.1\nHost: t.example\n\n");
  expect_bad("GET /a HTTP/1.1\r\nHost: t.example\r\nX-A: 1\nX-B: 2\r\n\r\n");
  expect_bad("GET /a HTTP/1.1\rHost: t.example\r\r");
  expect_bad("GET /a\rb HTTP/1.1\r\nHost: t.example\r\n\r\n");
  expect_bad(get("X-A: 1\r2\r\n"));
  expect_bad("GET /a HTTP/1.1\r\nHost: t.example\r\n\rGET /b HTTP/1.1\r\nHost: t\r\n\r\n");
  expect_bad("GET /a HTTP/1.1\r\nHost: t.example\r\n\n");
}

TEST(RequestParser, RefusesControlCharactersAnywhere) {
  for (int c = 0; c < 0x80; ++c) {
    const bool control = (c < 0x20 && c != '\t') || c == 0x7f;
    if (!control || c == '\r' || c == '\n') {
      continue;
    }
    const std::string byte(1, static_cast<char>(c));
    expect_bad(get("X-A: 1" + byte + "2\r\n"));
    expect_bad(get("X" + byte + "A: 1\r\n"));
    expect_bad(request("GET /a" + byte + "b HTTP/1.1"));
    expect_bad(request("G" + byte + "T /a HTTP/1.1"));
  }
  expect_bad("\x16\x03\x01\x00\xa5\x01 a TLS hello"s);
}

TEST(RequestParser, RefusesFoldedLines) {
  expect_bad(get("X-A: 1\r\n  2\r\n"));
  expect_bad(get("X-A: 1\r\n\t2\r\n"));
  expect_bad("GET /a HTTP/1.1\r\n X-A: 1\r\nHost: t.example\r\n\r\n");
  expect_bad(get(" \r\nX-A: 1\r\n"));
  expect_bad(post("Content-Length:\r\n 5\r\n"));
}

TEST(RequestParser, RefusesFieldNamesThatAreNoTokens) {
  for (const std::string_view name :
       {"X-A ", "X-A\t", "X A", "X(A", "X@A", "X\"A", "X/A", "X[A", "X{A", "X,A", "X;A", "X=A",
        "X\\A", "X\x80", "X\xc3\xa9", ""}) {
    expect_bad(get(std::string(name) + ": 1\r\n"));
  }
  expect_bad(get("NoColonHere\r\n"));
  expect_good(get("!#$%&'*+-.^_`|~09Az: 1\r\n"));
}

TEST(RequestParser, PassesOpaqueBytesInValues) {
  expect_good(get("X-A: caf\xe9 \xc3\xa9\tq\r\n"), [](const RequestHead& head) {
    EXPECT_EQ(head.fields[1].value, "caf\xe9 \xc3\xa9\tq");
  });
}

TEST(RequestParser, RefusesRequestLinesThatAreNotThreeParts) {
  for (const std::string_view line :
       {"GET  /a HTTP/1.1", "GET /a  HTTP/1.1", "GET /a HTTP/1.1 ", " GET /a HTTP/1.1", "GET /a",
        "GET", "GET\t/a HTTP/1.1", "GET /a\tHTTP/1.1", "GET /a b HTTP/1.1",
        "GET / HTTP/1.1 /b HTTP/1.1", "G@T /a HTTP/1.1", "GE\x80T /a HTTP/1.1", "GET: /a HTTP/1.1",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 2"}) {
    expect_bad(request(line));
  }
}

TEST(RequestParser, AcceptsOnlyHttpOne) {
  for (const std::string_view version :
       {"HTTP/0.9", "HTTP/2.0", "HTTP/1.10", "HTTP/1.", "HTTP/1", "http/1.1", "HTTP/1,1",
        "HTTP/01.1", "HTTP /1.1", "HTTPS/1.1", "HTTP/+1.1", "HTTP/1.x"}) {
    expect_bad(request("GET /a " + std::string(version)));
  }
  expect_bad("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  expect_good(request("GET /a HTTP/1.0"),
              [](const RequestHead& head) { EXPECT_EQ(head.minor, 0); });
  expect_good(request("GET /a HTTP/1.2"),
              [](const RequestHead& head) { EXPECT_EQ(head.minor, 1); });
}

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
        "", "gzip, chunked", "chunked, gzip", "chunked, chunked", ",chunked", "chunked,",
        "\"chunked\"", "chunked chunked", "cow"}) {
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

TEST(RequestParser, RefusesHeadsOverTheByteLimit) {
  const std::string text = get("X-A: 1\r\n");
  const auto outcome = [](std::size_t bytes) {
    return [bytes](const auto& pieces) { return request_outcome(pieces, {bytes, 128}); };
  };
  EXPECT_TRUE(outcome(text.size())(std::vector<std::string_view>{text}).starts_with("request"));
  const std::string refused = outcome(text.size() - 1)(std::vector<std::string_view>{text});
  EXPECT_TRUE(refused.starts_with("head_too_large: ")) << refused;
  expect_same_when_split(text, outcome(text.size()));
  expect_same_when_split(text, outcome(text.size() - 1));
  // A target that never ends is refused as soon as the limit is reached.
  const std::string endless = "GET /" + std::string(200, 'a');
  EXPECT_TRUE(outcome(100)(std::vector<std::string_view>{endless}).starts_with("head_too_large"));
  expect_same_when_split(endless, outcome(100));
}

TEST(RequestParser, RefusesMoreFieldsThanTheLimit) {
  const std::string text = get("a: b\r\na: b\r\na: b\r\n");
  const auto outcome = [](std::size_t count) {
    return [count](const auto& pieces) { return request_outcome(pieces, {65536, count}); };
  };
  EXPECT_TRUE(outcome(4)(std::vector<std::string_view>{text}).starts_with("request"));
  EXPECT_TRUE(outcome(3)(std::vector<std::string_view>{text}).starts_with("head_too_large: "));
  expect_same_when_split(text, outcome(3));
}

TEST(RequestParser, LooksAtEachByteOnceWhenTheHeadDrips) {
  // Quadratic work on a 4 MiB head that drips in 16-byte pieces would take minutes.
  const std::string text = get("X-A: " + std::string(4 << 20, 'v') + "\r\n");
  RequestParser parser;
  RequestHead head;
  ParseFailure failure;
  const HeadLimits limits{8 << 20, 8};
  ParseStatus status = ParseStatus::NeedMore;
  for (std::size_t size = 16; status == ParseStatus::NeedMore; size += 16) {
    status = parser.parse(std::string_view{text}.substr(0, size), limits, head, failure);
  }
  EXPECT_EQ(status, ParseStatus::Complete);
  EXPECT_EQ(head.size, text.size());
}

}  // namespace
}  // namespace fusegate::http
