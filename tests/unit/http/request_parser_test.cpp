#include "unit/http/request_testing.hpp"

namespace fusegate::http {
namespace {

using testing::expect_bad;
using testing::expect_good;
using testing::expect_same_when_split;
using testing::get;
using testing::post;
using testing::request;
using testing::request_outcome;
using namespace std::string_literals;

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
  EXPECT_EQ(request_outcome({get("X-A: 1\r\n  2\r\n")}),
            "bad_request: a field line that begins with a blank (line folding)");
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
  const std::vector<std::string_view> full{std::string_view{endless}.substr(0, 100)};
  EXPECT_TRUE(outcome(100)(full).starts_with("head_too_large")) << "no room for its end is left";
}

TEST(RequestParser, TellsWhatOfTheFirstLineIsTooLong) {
  struct Case {
    std::string text;
    RejectReason reason;
    unsigned status;
  };
  const std::string much(2000, 'a');
  const Case cases[] = {
      {much + " / HTTP/1.1\r\n\r\n", RejectReason::Unsupported, 0},
      {"\r\n" + much + " / HTTP/1.1\r\n\r\n", RejectReason::Unsupported, 0},
      {"GET /" + much + " HTTP/1.1\r\n\r\n", RejectReason::HeadTooLarge, 414},
      {"GET / HTTP/1.1\r\nhost: a\r\nx: " + much + "\r\n\r\n", RejectReason::HeadTooLarge, 0},
  };
  for (const Case& one : cases) {
    for (const std::size_t cut : {std::size_t{3}, std::size_t{1000}, one.text.size()}) {
      RequestParser parser;
      RequestHead head;
      ParseFailure failure;
      const HeadLimits limits{.bytes = 1024, .count = 10};
      auto status = parser.parse(one.text.substr(0, cut), limits, head, failure);
      if (status == ParseStatus::NeedMore) {
        status = parser.parse(one.text, limits, head, failure);
      }
      ASSERT_EQ(status, ParseStatus::Failed);
      EXPECT_EQ(failure.reason, one.reason) << failure.detail;
      EXPECT_EQ(failure.status, one.status) << failure.detail;
    }
  }
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

TEST(RequestParser, RefusesTooManyFieldsAsSoonAsTheyAreThere) {
  RequestParser parser;
  RequestHead head;
  ParseFailure failure;
  const HeadLimits limits{.bytes = 65536, .count = 3};
  std::string text = "GET /a HTTP/1.1\r\nHost: t\r\na: b\r\na: b\r\n";
  EXPECT_EQ(parser.parse(text, limits, head, failure), ParseStatus::NeedMore);
  text += "a: b\r\n";
  EXPECT_EQ(parser.parse(text, limits, head, failure), ParseStatus::Failed) << "not at its end";
  EXPECT_EQ(failure.reason, RejectReason::HeadTooLarge);
  EXPECT_EQ(failure.status, 0U) << "431";
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
