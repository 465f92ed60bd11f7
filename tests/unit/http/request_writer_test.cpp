#include "http/head_writer.hpp"
#include "unit/http/http_testing.hpp"

#include <array>
#include <chrono>

namespace fusegate::http {
namespace {

using namespace std::chrono_literals;

/// Parses a request and writes it on as an attempt.
class RequestWriter : public ::testing::Test {
 protected:
  ForwardRequest& parse(std::string_view text) {
    text_ = text;
    parser_.reset();
    ParseFailure failure;
    EXPECT_EQ(parser_.parse(text_, {}, head_, failure), ParseStatus::Complete) << failure.detail;
    forward_ = {};
    forward_.head = &head_;
    forward_.target = head_.path_and_query;
    forward_.host = head_.authority;
    forward_.client_ip = "10.1.1.1";
    forward_.request_id = "id-1";
    forward_.remaining = 900ms;
    forward_.body = head_.body;
    forward_.content_length = head_.content_length;
    forward_.upgrade = head_.upgrade;
    return forward_;
  }
  std::string written() {
    std::array<char, 8192> memory;
    HeadBuffer out{memory.data(), memory.size()};
    write_request(forward_, out);
    EXPECT_FALSE(out.overflow);
    return std::string(out.view());
  }
  bool has(std::string_view line) {
    return written().find("\r\n" + std::string(line)) != std::string::npos;
  }

  std::string text_;
  RequestParser parser_;
  RequestHead head_;
  ForwardRequest forward_;
};

TEST_F(RequestWriter, WritesAPlainRequest) {
  parse("GET /a?b HTTP/1.1\r\nHost: t.example\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n");
  EXPECT_EQ(written(),
            "GET /a?b HTTP/1.1\r\n"
            "host: t.example\r\n"
            "User-Agent: x\r\n"
            "Accept: */*\r\n"
            "x-forwarded-for: 10.1.1.1\r\n"
            "x-forwarded-proto: http\r\n"
            "x-forwarded-host: t.example\r\n"
            "via: 1.1 fusegate\r\n"
            "x-request-id: id-1\r\n"
            "x-envoy-attempt-count: 1\r\n"
            "x-envoy-expected-rq-timeout-ms: 900\r\n"
            "\r\n");
}

TEST_F(RequestWriter, WritesARetryOfAPost) {
  parse(
      "POST http://b.example/x HTTP/1.1\r\nHost: t.example\r\nContent-Length: 5\r\n"
      "Idempotency-Key: k\r\ntraceparent: 00-1\r\n\r\n");
  forward_.attempt = 2;
  forward_.attempt_reason = "no_response";
  forward_.host = "upstream:8080";
  EXPECT_EQ(written(),
            "POST /x HTTP/1.1\r\n"
            "host: upstream:8080\r\n"
            "Idempotency-Key: k\r\n"
            "traceparent: 00-1\r\n"
            "x-forwarded-for: 10.1.1.1\r\n"
            "x-forwarded-proto: http\r\n"
            "x-forwarded-host: b.example\r\n"
            "via: 1.1 fusegate\r\n"
            "x-request-id: id-1\r\n"
            "x-envoy-attempt-count: 2\r\n"
            "x-envoy-expected-rq-timeout-ms: 900\r\n"
            "fusegate-attempt: 2;reason=no_response\r\n"
            "content-length: 5\r\n"
            "\r\n");
}

TEST_F(RequestWriter, RemovesFieldsOfOneHop) {
  parse(
      "GET /a HTTP/1.1\r\nHost: t.example\r\nA: 1\r\nKeep-Alive: timeout=9\r\nB: 2\r\n"
      "Connection: X-Hop, keep-alive\r\nX-HOP: 1\r\nC: 3\r\nTE: gzip;q=0.5\r\nUpgrade: foo\r\n"
      "Proxy-Connection: x\r\nProxy-Authorization: y\r\nHTTP2-Settings: z\r\nConnection: x-hop2\r\n"
      "x-hop2: 1\r\nTrailer: X-Sum\r\nX-Hop3: stays\r\n\r\n");
  const std::string text = written();
  EXPECT_NE(text.find("\r\nA: 1\r\nB: 2\r\nC: 3\r\nX-Hop3: stays\r\nx-forwarded-for"),
            std::string::npos)
      << text;
}

TEST_F(RequestWriter, KeepsTheOrderOfRepeatedFields) {
  parse(
      "GET /a HTTP/1.1\r\nCookie: a\r\nHost: t\r\nVia: 1.0 one\r\nCookie: b\r\nVia: 1.1 "
      "two\r\n\r\n");
  const std::string text = written();
  EXPECT_LT(text.find("Cookie: a"), text.find("Cookie: b"));
  EXPECT_LT(text.find("1.0 one"), text.find("1.1 two"));
  EXPECT_LT(text.find("1.1 two"), text.find("1.1 fusegate"));
}

TEST_F(RequestWriter, SaysWhichVersionItReceived) {
  parse("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(written().starts_with("GET /a HTTP/1.1\r\nhost: \r\n"));
  EXPECT_TRUE(has("via: 1.0 fusegate\r\n"));
  EXPECT_FALSE(has("x-forwarded-host"));
}

TEST_F(RequestWriter, BelievesNoStranger) {
  parse(
      "GET /a HTTP/1.1\r\nHost: t\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\nx-envoy-expected-rq-timeout-ms: 6\r\n"
      "x-envoy-attempt-count: 6\r\nx-envoy-max-retries: 6\r\nfusegate-attempt: 6\r\n"
      "fusegate-anything: 6\r\nfusegate-retry: never\r\nx-request-id: 666\r\n\r\n");
  const std::string text = written();
  EXPECT_EQ(text.find('6'), std::string::npos) << text;
  EXPECT_EQ(text.find("evil"), std::string::npos);
  EXPECT_EQ(text.find("https"), std::string::npos);
  EXPECT_EQ(text.find("Port"), std::string::npos);
  EXPECT_EQ(text.find("never"), std::string::npos);
}

TEST_F(RequestWriter, AppendsToWhatATrustedPeerSaid) {
  parse(
      "GET /a HTTP/1.1\r\nHost: t\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-For: 2.2.2.2, 3.3.3.3\r\nX-Forwarded-Host: pub\r\nX-Forwarded-Port: 443\r\n"
      "fusegate-attempt: 2;reason=no_response\r\n\r\n")
      .trusted = true;
  EXPECT_TRUE(has("x-forwarded-for: 1.1.1.1, 2.2.2.2, 3.3.3.3, 10.1.1.1\r\n"));
  EXPECT_TRUE(has("X-Forwarded-Proto: https\r\n"));
  EXPECT_TRUE(has("X-Forwarded-Host: pub\r\n"));
  EXPECT_TRUE(has("X-Forwarded-Port: 443\r\n"));
  EXPECT_FALSE(has("x-forwarded-proto: http\r\n"));
  EXPECT_FALSE(has("x-forwarded-host"));
  EXPECT_TRUE(has("fusegate-attempt: 2;reason=no_response\r\n")) << "an upper layer retries";
  forward_.attempt = 3;
  forward_.attempt_reason = "never_sent";
  EXPECT_TRUE(has("fusegate-attempt: 3;reason=never_sent\r\n"));
  EXPECT_FALSE(has("fusegate-attempt: 2"));
}

TEST_F(RequestWriter, WritesNoForwardedForWithoutAnAddress) {
  parse("GET /a HTTP/1.1\r\nHost: t\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n").client_ip = "";
  EXPECT_FALSE(has("x-forwarded-for"));
  forward_.trusted = true;
  EXPECT_TRUE(has("x-forwarded-for: 1.1.1.1\r\n"));
}

TEST_F(RequestWriter, DoesNotLetConnectionRemoveWhatATrustedPeerSaid) {
  parse(
      "GET /a HTTP/1.1\r\nHost: t\r\nConnection: x-forwarded-for, x-forwarded-proto, host, via\r\n"
      "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nVia: 1.1 p\r\n\r\n")
      .trusted = true;
  EXPECT_TRUE(has("x-forwarded-for: 1.1.1.1, 10.1.1.1\r\n"));
  EXPECT_TRUE(has("X-Forwarded-Proto: https\r\n"));
  EXPECT_TRUE(has("host: t\r\n"));
  EXPECT_TRUE(has("Via: 1.1 p\r\n"));
}

TEST_F(RequestWriter, DropsLookalikesOfNamesThatMatter) {
  parse(
      "POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nTransfer_Encoding: chunked\r\n"
      "content_length: 6\r\nx_forwarded_for: 6.6.6.6\r\nFusegate_Attempt: 6\r\nsnake_case: "
      "ok\r\n\r\n")
      .trusted = true;
  const std::string text = written();
  EXPECT_EQ(text.find('6'), std::string::npos) << text;
  EXPECT_EQ(text.find("Transfer_"), std::string::npos);
  EXPECT_TRUE(has("snake_case: ok\r\n"));
}

TEST_F(RequestWriter, WritesOneFramingField) {
  parse("POST /a HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: Chunked\r\nTrailer: X\r\n\r\n");
  EXPECT_TRUE(has("transfer-encoding: chunked\r\n"));
  EXPECT_TRUE(has("Trailer: X\r\n"));
  EXPECT_FALSE(has("Transfer-Encoding"));
  EXPECT_FALSE(has("content-length"));
  parse("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 0007\r\n\r\n");
  EXPECT_TRUE(has("content-length: 7\r\n"));
  EXPECT_FALSE(has("Content-Length"));
  parse("POST /a HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_TRUE(has("content-length: 0\r\n"));
  parse("DELETE /a HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(has("content-length: 0\r\n"));
  parse("GET /a HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_FALSE(has("content-length"));
}

TEST_F(RequestWriter, NeverSaysThatNoTimeIsLeft) {
  parse("GET /a HTTP/1.1\r\nHost: t\r\ngrpc-timeout: 1H\r\n\r\n").remaining = 0ms;
  EXPECT_TRUE(has("x-envoy-expected-rq-timeout-ms: 1\r\n"));
  EXPECT_TRUE(has("grpc-timeout: 1m\r\n"));
  forward_.remaining = -5ms;
  EXPECT_TRUE(has("x-envoy-expected-rq-timeout-ms: 1\r\n"));
}

TEST_F(RequestWriter, RewritesGrpcTimeout) {
  parse("POST /a HTTP/1.1\r\nHost: t\r\nGrpc-Timeout: 1H\r\n\r\n").remaining = 1500ms;
  EXPECT_TRUE(has("grpc-timeout: 1500m\r\n"));
  EXPECT_FALSE(has("Grpc-Timeout"));
  forward_.remaining = 100'000'000ms;
  EXPECT_TRUE(has("grpc-timeout: 100000S\r\n")) << "more than eight digits of milliseconds";
}

TEST_F(RequestWriter, ForwardsExpectOnlyWhereAContinueCanBePassedOn) {
  parse("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(has("Expect: 100-continue\r\n"));
  parse("POST /a HTTP/1.0\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_FALSE(has("Expect"));
  parse("GET /a HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_FALSE(has("Expect"));
}

TEST_F(RequestWriter, WritesUpgrades) {
  parse(
      "GET /a HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: k\r\n\r\n");
  EXPECT_TRUE(has("connection: upgrade\r\nupgrade: websocket\r\n\r\n"));
  EXPECT_TRUE(has("Sec-WebSocket-Key: k\r\n"));
  parse("GET /a HTTP/1.0\r\nHost: t\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_EQ(written().find("pgrade"), std::string::npos);
}

TEST_F(RequestWriter, CountsMaxForwardsDown) {
  parse("OPTIONS * HTTP/1.1\r\nHost: t\r\nMax-Forwards: 3\r\n\r\n");
  EXPECT_TRUE(written().starts_with("OPTIONS * HTTP/1.1\r\n"));
  EXPECT_TRUE(has("max-forwards: 2\r\n"));
  EXPECT_FALSE(has("Max-Forwards"));
  parse("GET / HTTP/1.1\r\nHost: t\r\nMax-Forwards: 3\r\n\r\n");
  EXPECT_TRUE(has("Max-Forwards: 3\r\n"));
}

TEST_F(RequestWriter, KeepsCredentialsOutOfTrace) {
  parse("TRACE / HTTP/1.1\r\nHost: t\r\nCookie: s\r\nAuthorization: b\r\nX: 1\r\n\r\n");
  EXPECT_FALSE(has("Cookie"));
  EXPECT_FALSE(has("Authorization"));
  EXPECT_TRUE(has("X: 1\r\n"));
}

TEST_F(RequestWriter, ReportsABufferThatIsTooSmall) {
  parse("GET /a HTTP/1.1\r\nHost: t\r\n\r\n");
  const std::size_t needed = written().size();
  for (std::size_t capacity = 0; capacity <= needed; ++capacity) {
    std::string memory(needed + 8, '#');
    HeadBuffer out{memory.data(), capacity};
    write_request(forward_, out);
    EXPECT_EQ(out.overflow, capacity < needed) << capacity;
    EXPECT_LE(out.size, capacity);
    EXPECT_EQ(memory.substr(capacity), std::string(memory.size() - capacity, '#'))
        << "written over";
  }
}

TEST_F(RequestWriter, WritesWhatTheParserAccepts) {
  parse(
      "POST /a HTTP/1.1\r\nX-A:1\r\nHost: t\r\nConnection: x-a\r\nTransfer-Encoding: chunked\r\n"
      "X-B: \t2 \r\n\r\n");
  const std::string outcome = testing::request_outcome({written()});
  EXPECT_TRUE(outcome.starts_with("request POST /a /a t ")) << outcome;
  EXPECT_NE(outcome.find("[X-B|2]"), std::string::npos);
  EXPECT_EQ(outcome.find("[X-A|"), std::string::npos);
}

}  // namespace
}  // namespace fusegate::http
