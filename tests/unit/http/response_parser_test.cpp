#include "http/framing.hpp"
#include "unit/http/http_testing.hpp"

namespace fusegate::http {
namespace {

using testing::expect_same_when_split;
using testing::response_outcome;
using namespace std::string_literals;

void expect_bad(std::string_view text, std::string_view reason = "bad_response") {
  const std::string outcome = response_outcome({text});
  EXPECT_TRUE(outcome.starts_with(std::string(reason) + ": ")) << outcome << "\nfor: " << text;
  expect_same_when_split(text, [](const auto& pieces) { return response_outcome(pieces); });
}

template <class Check>
void expect_good(std::string_view text, std::string_view method, Check check) {
  ResponseParser parser;
  ResponseHead head;
  ParseFailure failure;
  ASSERT_EQ(parser.parse(text, {}, method, head, failure), ParseStatus::Complete)
      << failure.detail << "\nfor: " << text;
  check(head);
  expect_same_when_split(text,
                         [&](const auto& pieces) { return response_outcome(pieces, method); });
}

void expect_body(std::string_view text, std::string_view method, BodyKind kind, bool keep) {
  expect_good(text, method, [&](const ResponseHead& head) {
    EXPECT_EQ(head.body, kind) << text;
    EXPECT_EQ(head.keep_alive, keep) << text;
  });
}

std::string ok(std::string_view fields) {
  return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n";
}

TEST(ResponseParser, GivesStatusReasonAndFields) {
  expect_good("HTTP/1.1 404 Not  Found \xe9\r\nContent-Length: 5\r\n\r\nhello", "GET",
              [](const ResponseHead& head) {
                EXPECT_EQ(head.status, 404U);
                EXPECT_EQ(head.reason, "Not  Found \xe9");
                EXPECT_EQ(head.body, BodyKind::Length);
                EXPECT_EQ(head.content_length, 5U);
                EXPECT_EQ(head.raw.size(), head.size);
              });
  expect_good("HTTP/1.1 200 \r\n\r\n", "GET",
              [](const ResponseHead& head) { EXPECT_EQ(head.reason, ""); });
  expect_good("HTTP/1.1 200\r\n\r\n", "GET",
              [](const ResponseHead& head) { EXPECT_EQ(head.status, 200U); });
}

TEST(ResponseParser, RefusesStatusLinesThatAreNone) {
  for (const std::string_view line :
       {"HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 abc OK", "HTTP/1.1 099 Low",
        "HTTP/1.1 000 No", "HTTP/1.1 600 High", "HTTP/1.1 999 High", "HTTP/2.0 200 OK",
        "HTTP/0.9 200 OK", "HTTP/11.1 200 OK", "http/1.1 200 OK", "ICY 200 OK", "HTTP/1.1  200 OK",
        "HTTP/1.1 +20 OK", "HTTP/1.1", " HTTP/1.1 200 OK", "HTTP/1.1 200OK", "<html>",
        "HTTP/1.1\t200 OK"}) {
    expect_bad(std::string(line) + "\r\nContent-Length: 5\r\n\r\nhello");
  }
  expect_bad("HTTP/1.1 200 O\0K\r\n\r\n"s);
  expect_bad(
      "HTTP/1.1 2\0"s
      "0 OK\r\n\r\n"s);
  expect_bad("HTTP/1.1 200 O\rK\r\n\r\n");
  expect_bad("HTTP/1.1 200 OK\n\n");
  expect_bad("\r\nHTTP/1.1 200 OK\r\n\r\n");
}

TEST(ResponseParser, RefusesAmbiguousFields) {
  for (const std::string_view fields :
       {"X-A : 1\r\n",
        " X-A: 1\r\n",
        "X-A: 1\r\n 2\r\n",
        "NoColon\r\n",
        ": x\r\n",
        "X(A)\x80: 1\r\n",
        "X-A: 1\rSet-Cookie: e=1\r\n",
        "X-A: 1\nX-B: 2\r\n",
        "X-A: \x01\r\n",
        "Content-Length : 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5a\r\n",
        "Content-Length: \r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 18446744073709551621\r\n",
        "Content-Length: 30\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 30\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"}) {
    expect_bad(ok(fields));
  }
  expect_bad("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  expect_bad("HTTP/1.1 200 OK\r\nX-A: 1\0\r\n\r\n"s);
}

TEST(ResponseParser, FindsTheEndOfTheBody) {
  expect_body(ok("Content-Length: 5\r\n"), "GET", BodyKind::Length, true);
  expect_body(ok("Content-Length: 0\r\n"), "GET", BodyKind::None, true);
  expect_body(ok("Transfer-Encoding: chunked\r\n"), "GET", BodyKind::Chunked, true);
  expect_body(ok(""), "GET", BodyKind::UntilClose, false);
  expect_body(ok("Connection: keep-alive\r\n"), "GET", BodyKind::UntilClose, false);
  expect_body(ok("Content-Length: 5\r\nConnection: close\r\n"), "GET", BodyKind::Length, false);
}

TEST(ResponseParser, DoesNotKeepHttp10ConnectionsUnlessAsked) {
  expect_body("HTTP/1.0 200 OK\r\n\r\n", "GET", BodyKind::UntilClose, false);
  expect_body("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", "GET", BodyKind::Length, false);
  expect_body("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", "GET",
              BodyKind::Length, true);
}

TEST(ResponseParser, HasNoBodyWhereHttpForbidsOne) {
  for (const std::string_view fields :
       {"", "Content-Length: 6\r\n", "Transfer-Encoding: chunked\r\n"}) {
    expect_body(ok(fields), "HEAD", BodyKind::None, true);
    for (const std::string_view status : {"100 Continue", "101 S", "103 Early", "204 N", "304 N"}) {
      expect_body("HTTP/1.1 " + std::string(status) + "\r\n" + std::string(fields) + "\r\n", "GET",
                  BodyKind::None, true);
    }
  }
  expect_body(ok("Content-Length: 6\r\n"), "head", BodyKind::Length, true);
}

TEST(ResponseParser, GivesInterimResponsesAsHeadsOfTheirOwn) {
  std::string text = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok("Content-Length: 2\r\n");
  ResponseParser parser;
  ResponseHead head;
  ParseFailure failure;
  ASSERT_EQ(parser.parse(text, {}, "GET", head, failure), ParseStatus::Complete);
  EXPECT_EQ(head.status, 103U);
  text.erase(0, head.size);
  parser.reset();
  ASSERT_EQ(parser.parse(text, {}, "GET", head, failure), ParseStatus::Complete);
  EXPECT_EQ(head.status, 200U);
  EXPECT_EQ(head.size, text.size());
  EXPECT_FALSE(head.fields.has(FieldId::Upgrade));
}

TEST(ResponseParser, ReportsUpgrades) {
  expect_good("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
              "GET", [](const ResponseHead& head) { EXPECT_TRUE(head.upgrade); });
  expect_good("HTTP/1.1 101 Switching Protocols\r\n\r\n", "GET",
              [](const ResponseHead& head) { EXPECT_FALSE(head.upgrade); });
}

TEST(ResponseParser, TakesUpOfferedProtocolsOnly) {
  const auto takes_up = [](const std::string& offered, const std::string& answered) {
    const std::string request =
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\n" + offered + "\r\n";
    const std::string response = "HTTP/1.1 101 X\r\nconnection: upgrade\r\n" + answered + "\r\n";
    RequestHead offer;
    ResponseHead answer;
    ParseFailure failure;
    EXPECT_EQ(RequestParser{}.parse(request, {}, offer, failure), ParseStatus::Complete);
    EXPECT_EQ(ResponseParser{}.parse(response, {}, "GET", answer, failure), ParseStatus::Complete);
    return takes_up_offer(offer, answer);
  };
  EXPECT_TRUE(takes_up("upgrade: websocket\r\n", "upgrade: WebSocket\r\n"));
  EXPECT_TRUE(takes_up("upgrade: a, b/2\r\nupgrade: c\r\n", "upgrade: c, b/2\r\n"));
  EXPECT_FALSE(takes_up("upgrade: a\r\n", "upgrade: b\r\n"));
  EXPECT_FALSE(takes_up("upgrade: a\r\n", "upgrade: a, b\r\n"));
  EXPECT_FALSE(takes_up("upgrade: b/2\r\n", "upgrade: b/3\r\n"));
  EXPECT_FALSE(takes_up("upgrade: a\r\n", "upgrade:\r\n"));
  EXPECT_FALSE(takes_up("upgrade: a\r\n", ""));
}

TEST(ResponseParser, RefusesHeadsOverTheLimits) {
  const std::string text = ok("a: b\r\na: b\r\n");
  const auto outcome = [](HeadLimits limits) {
    return [limits](const auto& pieces) { return response_outcome(pieces, "GET", limits); };
  };
  const std::vector<std::string_view> whole{text};
  EXPECT_TRUE(outcome({text.size(), 2})(whole).starts_with("response 200"));
  EXPECT_TRUE(outcome({text.size() - 1, 2})(whole).starts_with("response_head_too_large: "));
  EXPECT_TRUE(outcome({text.size(), 1})(whole).starts_with("response_head_too_large: "));
  expect_same_when_split(text, outcome({text.size() - 1, 2}));
}

TEST(ResponseParser, RefusesTooManyFieldsAsSoonAsTheyAreThere) {
  ResponseParser parser;
  ResponseHead head;
  ParseFailure failure;
  const HeadLimits limits{.bytes = 65536, .count = 2};
  std::string text = "HTTP/1.1 200 OK\r\na: b\r\na: b\r\n";
  EXPECT_EQ(parser.parse(text, limits, "GET", head, failure), ParseStatus::NeedMore);
  text += "a: b\r\n";
  EXPECT_EQ(parser.parse(text, limits, "GET", head, failure), ParseStatus::Failed);
  EXPECT_EQ(failure.reason, RejectReason::ResponseHeadTooLarge);
}

TEST(ResponseParser, TellsHowTheBodyTravelsOn) {
  ResponseHead head;
  head.body = BodyKind::UntilClose;
  EXPECT_EQ(outgoing_body(head, 1), BodyKind::Chunked);
  EXPECT_EQ(outgoing_body(head, 0), BodyKind::UntilClose);
  head.body = BodyKind::Chunked;
  EXPECT_EQ(outgoing_body(head, 0), BodyKind::UntilClose);
  head.body = BodyKind::Length;
  EXPECT_EQ(outgoing_body(head, 0), BodyKind::Length);
}

}  // namespace
}  // namespace fusegate::http
