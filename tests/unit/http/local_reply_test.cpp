#include "http/local_reply.hpp"

#include "unit/http/http_testing.hpp"

#include <array>

namespace fusegate::http {
namespace {

using namespace std::chrono_literals;

std::string written(const LocalReply& reply) {
  std::array<char, 4096> memory;
  HeadBuffer out{memory.data(), memory.size()};
  out.append("before ");
  write_local_reply(reply, out);
  EXPECT_FALSE(out.overflow);
  EXPECT_TRUE(out.view().starts_with("before HTTP/1.1 "));
  return std::string(out.view().substr(7));
}

TEST(LocalReply, IsAProblemDocument) {
  LocalReply reply;
  reply.reason = RejectReason::BreakerOpen;
  reply.detail = "the breaker is open";
  reply.route = "pay";
  reply.upstream = "payments";
  reply.attempts = 2;
  reply.keep_alive = true;
  reply.retry_after = 5s;
  reply.retry_marker = "other;reason=overload";
  reply.overloaded = true;
  reply.date = "Sun, 06 Nov 1994 08:49:37 GMT";
  reply.request_id = "id-1";
  const std::string body =
      R"({"type":"about:blank","title":"Service Unavailable","status":503,)"
      R"("detail":"the breaker is open","reason":"breaker_open","route":"pay",)"
      R"("upstream":"payments","attempts":2})"
      "\n";
  EXPECT_EQ(written(reply),
            "HTTP/1.1 503 Service Unavailable\r\n"
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "content-type: application/problem+json\r\n"
            "content-length: " +
                std::to_string(body.size()) +
                "\r\n"
                "fusegate-reason: breaker_open\r\n"
                "fusegate-attempts: 2\r\n"
                "fusegate-retry: other;reason=overload\r\n"
                "retry-after: 5\r\n"
                "x-envoy-overloaded: true\r\n"
                "x-request-id: id-1\r\n\r\n" +
                body);
}

TEST(LocalReply, HasTheStatusOfItsReason) {
  for (std::size_t i = 1; i < kRejectReasons; ++i) {
    const auto reason = static_cast<RejectReason>(i);
    const std::string text = written({.reason = reason});
    const std::string outcome = testing::response_outcome({text});
    EXPECT_TRUE(outcome.starts_with("response " + std::to_string(status_of(reason)) + " "))
        << outcome;
    EXPECT_EQ(outcome.find(" Status "), std::string::npos) << "no phrase: " << outcome;
    EXPECT_NE(text.find("fusegate-reason: " + std::string(word(reason)) + "\r\n"),
              std::string::npos);
    const bool unavailable = status_of(reason) == 503;
    EXPECT_EQ(text.find("retry-after: 1\r\n") != std::string::npos, unavailable) << outcome;
  }
}

TEST(LocalReply, NeverAsksToRetryAtOnce) {
  EXPECT_NE(
      written({.reason = RejectReason::QueueFull, .retry_after = 0s}).find("retry-after: 1\r\n"),
      std::string::npos);
}

TEST(LocalReply, ClosesUnlessTheConnectionIsKept) {
  LocalReply reply{.reason = RejectReason::NoRoute};
  EXPECT_NE(written(reply).find("\r\nconnection: close\r\n"), std::string::npos);
  reply.keep_alive = true;
  EXPECT_EQ(written(reply).find("connection"), std::string::npos);
  reply.client_minor = 0;
  EXPECT_NE(written(reply).find("\r\nconnection: keep-alive\r\n"), std::string::npos);
}

TEST(LocalReply, SendsNoBodyToHead) {
  LocalReply reply{.reason = RejectReason::NoRoute, .detail = "x"};
  const std::string whole = written(reply);
  reply.head_request = true;
  EXPECT_EQ(written(reply), whole.substr(0, whole.find("\r\n\r\n") + 4));
}

TEST(LocalReply, EscapesWhateverNamesContain) {
  LocalReply reply{.reason = RejectReason::NoRoute};
  reply.detail = "\"q\" \\ \n\x01\x7f";
  reply.route = "caf\xc3\xa9 \xf0\x9f\x98\x80";
  reply.upstream = "\xff\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82";
  const std::string text = written(reply);
  EXPECT_NE(text.find(R"("detail":"\"q\" \\ \u000a\u0001\u007f")"), std::string::npos) << text;
  EXPECT_NE(text.find("\"route\":\"caf\xc3\xa9 \xf0\x9f\x98\x80\""), std::string::npos) << text;
  std::string replaced;
  for (int i = 0; i < 12; ++i) {
    replaced += "\xef\xbf\xbd";
  }
  EXPECT_NE(text.find("\"upstream\":\"" + replaced + "\""), std::string::npos) << text;
}

TEST(LocalReply, SaysWhichMethodsAreAllowed) {
  const std::string text = written({.status = 405, .allow = "POST"});
  EXPECT_TRUE(text.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_NE(text.find("\r\nallow: POST\r\n"), std::string::npos);
  EXPECT_EQ(text.find("fusegate-reason"), std::string::npos);
}

TEST(LocalReply, ReportsABufferThatIsTooSmall) {
  const LocalReply reply{.reason = RejectReason::NoRoute};
  const std::size_t needed = written(reply).size();
  for (std::size_t capacity = 0; capacity <= needed; ++capacity) {
    std::string memory(needed, '#');
    HeadBuffer out{memory.data(), capacity};
    write_local_reply(reply, out);
    EXPECT_EQ(out.overflow, capacity < needed) << capacity;
  }
}

}  // namespace
}  // namespace fusegate::http
