#include "http/head_writer.hpp"
#include "unit/http/http_testing.hpp"

#include <array>

namespace fusegate::http {
namespace {

/// Parses a response and writes it on to a client.
class ResponseWriter : public ::testing::Test {
 protected:
  ForwardResponse& parse(std::string_view text, std::string_view method = "GET", int client = 1) {
    text_ = text;
    parser_.reset();
    ParseFailure failure;
    EXPECT_EQ(parser_.parse(text_, {}, method, head_, failure), ParseStatus::Complete)
        << failure.detail;
    forward_ = {};
    forward_.head = &head_;
    forward_.body = outgoing_body(head_, client);
    forward_.content_length = head_.content_length;
    forward_.head_request = method == "HEAD";
    forward_.client_minor = client;
    return forward_;
  }
  std::string written() {
    std::array<char, 4096> memory;
    HeadBuffer out{memory.data(), memory.size()};
    write_response(forward_, out);
    EXPECT_FALSE(out.overflow);
    return std::string(out.view());
  }

  std::string text_;
  ResponseParser parser_;
  ResponseHead head_;
  ForwardResponse forward_;
};

TEST_F(ResponseWriter, WritesAPlainResponse) {
  parse(
      "HTTP/1.1 200 Fine\r\nServer: x\r\nContent-Length: 5\r\nSet-Cookie: a=1\r\nKeep-Alive: "
      "timeout=5\r\n"
      "Set-Cookie: b=2\r\nDate: now\r\nConnection: keep-alive\r\n\r\n")
      .add_date = true;
  EXPECT_EQ(written(),
            "HTTP/1.1 200 Fine\r\nServer: x\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nDate: now\r\n"
            "content-length: 5\r\n\r\n");
}

TEST_F(ResponseWriter, SaysWhatFusegateDid) {
  ForwardResponse& forward = parse(
      "HTTP/1.1 503 No\r\nContent-Length: 0\r\nfusegate-attempts: 9\r\nfusegate-reason: x\r\n"
      "fusegate-retry: other\r\nRetry-After: 7\r\n\r\n");
  EXPECT_EQ(
      written(),
      "HTTP/1.1 503 No\r\nfusegate-retry: other\r\nRetry-After: 7\r\ncontent-length: 0\r\n\r\n");
  forward.attempts = 3;
  forward.retry_marker = "never;reason=overload";
  forward.add_date = true;
  forward.date = "Sun, 06 Nov 1994 08:49:37 GMT";
  EXPECT_EQ(
      written(),
      "HTTP/1.1 503 No\r\nRetry-After: 7\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
      "fusegate-attempts: 3\r\nfusegate-retry: never;reason=overload\r\ncontent-length: 0\r\n\r\n");
}

TEST_F(ResponseWriter, ChunksForHttp11AndClosesForHttp10) {
  for (const std::string_view text :
       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n"}) {
    parse(text);
    EXPECT_EQ(written(), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    parse(text, "GET", 0);
    EXPECT_EQ(written(), "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    forward_.body = BodyKind::Chunked;
    EXPECT_EQ(written(), "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
        << "an HTTP/1.0 client cannot read chunks";
  }
}

TEST_F(ResponseWriter, ForwardsTrailerOnlyWithChunks) {
  parse("HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_NE(written().find("Trailer: X-Sum\r\n"), std::string::npos);
  parse("HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(written().find("Trailer"), std::string::npos);
}

TEST_F(ResponseWriter, WritesConnectionForTheClient) {
  const std::string_view text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n";
  parse(text);
  EXPECT_EQ(written().find("onnection"), std::string::npos) << "the upstream's own wish";
  forward_.keep_alive = false;
  EXPECT_NE(written().find("\r\nconnection: close\r\n"), std::string::npos);
  parse(text, "GET", 0);
  EXPECT_NE(written().find("\r\nconnection: keep-alive\r\n"), std::string::npos);
}

TEST_F(ResponseWriter, WritesNoFramingWhereThereIsNoBody) {
  for (const std::string_view field :
       {"", "Content-Length: 6\r\n", "Transfer-Encoding: chunked\r\n"}) {
    parse("HTTP/1.1 204 None\r\n" + std::string(field) + "\r\n");
    EXPECT_EQ(written(), "HTTP/1.1 204 None\r\n\r\n");
  }
  parse("HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(written(), "HTTP/1.1 304 Same\r\n\r\n");
  parse("HTTP/1.1 304 Same\r\nContent-Length: 6\r\n\r\n");
  EXPECT_EQ(written(), "HTTP/1.1 304 Same\r\ncontent-length: 6\r\n\r\n");
}

TEST_F(ResponseWriter, TellsHeadTheLengthThatGetWouldHave) {
  parse("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", "HEAD");
  EXPECT_EQ(written(), "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n");
  for (const std::string_view field : {"", "Transfer-Encoding: chunked\r\n"}) {
    parse("HTTP/1.1 200 OK\r\n" + std::string(field) + "\r\n", "HEAD");
    EXPECT_EQ(written(), "HTTP/1.1 200 OK\r\n\r\n");
  }
}

TEST_F(ResponseWriter, RemovesWhatTheUpstreamNominates) {
  parse(
      "HTTP/1.1 200 OK\r\nConnection: x-hop\r\nX-Hop: 1\r\nProxy-Authenticate: Basic\r\nUpgrade: "
      "h2\r\n"
      "Proxy-Connection: keep-alive\r\nContent-Length: 1\r\nETag: e\r\n\r\n");
  EXPECT_EQ(written(), "HTTP/1.1 200 OK\r\nETag: e\r\ncontent-length: 1\r\n\r\n");
}

TEST_F(ResponseWriter, WritesSwitchingProtocols) {
  parse("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: foo\r\nX: 1\r\n\r\n").upgrade =
      true;
  EXPECT_EQ(written(),
            "HTTP/1.1 101 Switching\r\nX: 1\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\n");
}

TEST_F(ResponseWriter, WritesInterimResponses) {
  parse(
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 6\r\nConnection: x\r\nX: "
      "1\r\n\r\n");
  std::array<char, 512> memory;
  HeadBuffer out{memory.data(), memory.size()};
  write_interim(head_, out);
  EXPECT_EQ(out.view(), "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
}

TEST_F(ResponseWriter, WritesWhatTheParserAccepts) {
  parse("HTTP/1.1 200\r\nA:1\r\nTransfer-Encoding: chunked\r\nB: \t2 \r\n\r\n");
  const std::string outcome = testing::response_outcome({written()});
  EXPECT_TRUE(outcome.starts_with("response 200 ")) << outcome;
  EXPECT_NE(outcome.find("[B|2]"), std::string::npos);
}

}  // namespace
}  // namespace fusegate::http
