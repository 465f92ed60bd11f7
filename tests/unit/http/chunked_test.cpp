#include "http/chunked.hpp"

#include "unit/http/http_testing.hpp"

#include <array>

namespace fusegate::http {
namespace {

using testing::expect_same_when_split;
using namespace std::string_literals;

/// "body/trailers/rest" of a body that ended, "more", or "failed".
std::string outcome(const std::vector<std::string_view>& pieces) {
  ChunkDecoder decoder;
  std::string body;
  std::string rest;
  bool done = false;
  for (std::string_view piece : pieces) {
    while (!done && !piece.empty()) {
      const ChunkDecoder::Step step = decoder.next(piece);
      EXPECT_LE(step.consumed, piece.size());
      if (step.failed) {
        EXPECT_FALSE(decoder.detail().empty());
        EXPECT_TRUE(step.data.empty());
        return "failed";
      }
      EXPECT_GT(step.consumed, 0U) << "no progress";
      if (step.consumed == 0) {
        return "stuck";
      }
      body.append(step.data);
      piece.remove_prefix(step.consumed);
      done = step.done;
    }
    rest.append(piece);
  }
  return done ? body + "/" + std::string(decoder.trailers()) + "/" + rest : "more";
}

void expect_decoded(std::string_view text, std::string_view expected) {
  EXPECT_EQ(outcome({text}), expected) << text;
  expect_same_when_split(text, outcome);
}
void expect_failed(std::string_view text) { expect_decoded(text, "failed"); }

TEST(ChunkDecoder, GivesThePayload) {
  expect_decoded("5\r\nhello\r\n0\r\n\r\n", "hello//");
  expect_decoded("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET /", "hello world//GET /");
  expect_decoded("0\r\n\r\n", "//");
  expect_decoded("a\r\n0123456789\r\nA\r\n0123456789\r\n0000\r\n\r\n", "01234567890123456789//");
  expect_decoded("0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n", "hello//");
  expect_decoded("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n//");
}

TEST(ChunkDecoder, GivesAWholeSmallBodyInOneStep) {
  ChunkDecoder decoder;
  const ChunkDecoder::Step step = decoder.next("5\r\nhello\r\n0\r\n\r\nGET");
  EXPECT_EQ(step.data, "hello");
  EXPECT_TRUE(step.done);
  EXPECT_EQ(step.consumed, 15U);
}

TEST(ChunkDecoder, TellsWhatIsLeftOfAChunk) {
  ChunkDecoder decoder;
  EXPECT_EQ(decoder.next("5\r\nhe").data, "he");
  EXPECT_EQ(decoder.chunk_left(), 3U);
}

TEST(ChunkDecoder, WaitsForTheEnd) {
  for (const std::string_view text :
       {"", "5", "5\r", "5\r\n", "5\r\nhel", "5\r\nhello", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n",
        "0\r\n\r", "0\r\nX: 1\r\n"}) {
    expect_decoded(text, "more");
  }
}

TEST(ChunkDecoder, RefusesSizesThatAreNotHexDigits) {
  for (const std::string_view size : {"0x5", "+5", "-5", " 5", "\t5", "5_", "g", "5g", "", "5 ",
                                      "5\t", "5,", "\"5\"", "5.0", "\xb5"}) {
    expect_failed(std::string(size) + "\r\nhello\r\n0\r\n\r\n");
  }
  expect_failed("5\0\r\nhello\r\n0\r\n\r\n"s);
}

TEST(ChunkDecoder, RefusesSizesThatOverflow) {
  for (const std::string_view size : {"10000000000000005", "00000000000000005", "FFFFFFFFFFFFFFFF",
                                      "8000000000000005", "ffffffffffffffffffffffff"}) {
    expect_failed(std::string(size) + "\r\nhello\r\n0\r\n\r\n");
  }
  expect_decoded("7fffffffffffffff\r\nhello", "more");
}

TEST(ChunkDecoder, WantsCrLfEverywhere) {
  for (const std::string_view text :
       {"5\nhello\r\n0\r\n\r\n", "5\rhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n", "5\r\nhello\r0\r\n\r\n", "5\r\nhello\rX0\r\n\r\n",
        "3\r\nhello\r\n0\r\n\r\n", "6\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\n\r\n",
        "5\r\nhello\r\n0\r\n\n", "5\r\r\nhello\r\n0\r\n\r\n", "0\r\nX: 1\n\r\n",
        "0\r\nX: 1\r2\r\n\r\n"}) {
    expect_failed(text);
  }
}

TEST(ChunkDecoder, IgnoresValidExtensions) {
  for (const std::string_view extension :
       {";x", ";x=y", ";n=\"a b;c\"", " ; x = y", ";a;b=c;d=\"\"", ";a=\"\\\"\\\\\"", "\t;a",
        ";a=\"\xe9\t\"", ";a =b", ";a= \"q\" ;b"}) {
    expect_decoded(
        "5" + std::string(extension) + "\r\nhello\r\n0" + std::string(extension) + "\r\n\r\n",
        "hello//");
  }
}

TEST(ChunkDecoder, RefusesInvalidExtensions) {
  for (const std::string_view extension :
       {";",      ";;a",         ";a=",         ";=b",   ";a=\"b",      ";a=b\rX",   ";a b",
        ";a=b c", ";a=\"b\"c",   ";a ",         ";a=b ", ";a=\"b\" ",   ";(a)",      ";a=\x80",
        ";a\n",   ";a=\"\x01\"", ";a=\"\r\n\"", ",a",    ";a=\"\\\n\"", ";a=\"b\n\""}) {
    expect_failed("5" + std::string(extension) + "\r\nhello\r\n0\r\n\r\n");
  }
}

TEST(ChunkDecoder, BoundsTheChunkLine) {
  const std::string most = ";" + std::string(ChunkDecoder::kMaxLine - 4, 'x');
  EXPECT_EQ(outcome({"5" + most + "\r\nhello\r\n0\r\n\r\n"}), "hello//");
  EXPECT_EQ(outcome({"5" + most + "x\r\nhello\r\n0\r\n\r\n"}), "failed");
  EXPECT_EQ(outcome({"5;" + std::string(1 << 20, 'x')}), "failed") << "without its end";
}

TEST(ChunkDecoder, BoundsExtensionsByThePayloadThatTheyDecorate) {
  const std::string extension = ";x=" + std::string(1000, 'y');
  std::string wasteful;
  std::string useful;
  for (int i = 0; i < 20; ++i) {
    wasteful += "1" + extension + "\r\nx\r\n";
    useful += "200" + extension + "\r\n" + std::string(512, 'x') + "\r\n";
  }
  EXPECT_EQ(outcome({wasteful + "0\r\n\r\n"}), "failed");
  EXPECT_EQ(outcome({useful + "0\r\n\r\n"}), std::string(20 * 512, 'x') + "//");
}

TEST(ChunkDecoder, AcceptsManySmallChunks) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    text += "1\r\nx\r\n";
  }
  EXPECT_EQ(outcome({text + "0\r\n\r\n"}), std::string(20'000, 'x') + "//");
}

TEST(ChunkDecoder, KeepsTrailersThatMayBeForwarded) {
  expect_decoded("0\r\nX-Sum:abc \r\ngrpc-status:\t 0\r\n\r\nrest",
                 "/X-Sum: abc\r\ngrpc-status: 0\r\n/rest");
}

TEST(ChunkDecoder, DropsTrailersThatDecideAboutTheMessage) {
  for (const std::string_view name : {"Transfer-Encoding",
                                      "Content-Length",
                                      "Host",
                                      "Connection",
                                      "Keep-Alive",
                                      "Trailer",
                                      "TE",
                                      "Upgrade",
                                      "Expect",
                                      "Authorization",
                                      "Cookie",
                                      "Set-Cookie",
                                      "Content-Type",
                                      "Content-Encoding",
                                      "Content-Range",
                                      "Cache-Control",
                                      "Max-Forwards",
                                      "Range",
                                      "Date",
                                      "Location",
                                      "Retry-After",
                                      "Vary",
                                      "Via",
                                      "X-Forwarded-For",
                                      "X-Forwarded-Anything",
                                      "Fusegate-Retry",
                                      "fusegate-x",
                                      "X-Envoy-Overloaded",
                                      "X-Request-Id",
                                      "Proxy-Authorization",
                                      "WWW-Authenticate",
                                      "Idempotency-Key",
                                      "content_length",
                                      "x_forwarded_for"}) {
    expect_decoded("0\r\n" + std::string(name) + ": evil\r\nX-A: 1\r\n\r\n", "/X-A: 1\r\n/");
  }
}

TEST(ChunkDecoder, RefusesInvalidTrailers) {
  for (const std::string_view line : {"NoColon", "X A: 1", "X-A : 1", ": 1", " X-A: 1",
                                      "X-A: 1\r\n folded", "X-A: \x01", "X-A: 1\r2", "X(A): 1"}) {
    expect_failed("0\r\n" + std::string(line) + "\r\n\r\n");
  }
  expect_failed("0\r\nX-A: 1\0\r\n\r\n"s);
}

TEST(ChunkDecoder, BoundsTrailers) {
  std::string many = "0\r\n";
  for (std::size_t i = 0; i < Trailers::kMaxCount; ++i) {
    many += "a: b\r\n";
  }
  EXPECT_NE(outcome({many + "\r\n"}), "failed");
  EXPECT_EQ(outcome({many + "a: b\r\n\r\n"}), "failed");
  EXPECT_EQ(outcome({"0\r\na: " + std::string(Trailers::kMaxBytes, 'b') + "\r\n\r\n"}), "failed");
  EXPECT_EQ(outcome({"0\r\n" + std::string(Trailers::kMaxBytes + 1, 'b')}), "failed")
      << "without its end";
}

TEST(ChunkDecoder, BeginsAnewAfterReset) {
  ChunkDecoder decoder;
  decoder.next("0\r\nX: 1\r\n\r\n");
  decoder.reset();
  EXPECT_EQ(decoder.trailers(), "");
  EXPECT_EQ(decoder.next("2\r\nab\r\n0\r\n\r\n").data, "ab");
}

TEST(ChunkPrefix, IsReadBackByTheDecoder) {
  for (const std::uint64_t size :
       {1ULL, 9ULL, 15ULL, 16ULL, 255ULL, 8000ULL, 0xfffffULL, 0x7fffffffffffffffULL}) {
    std::array<char, kChunkPrefixMax> prefix{};
    const std::size_t length = write_chunk_prefix(prefix.data(), size);
    ChunkDecoder decoder;
    const ChunkDecoder::Step step = decoder.next({prefix.data(), length});
    EXPECT_EQ(step.consumed, length);
    EXPECT_FALSE(step.failed);
    EXPECT_EQ(decoder.chunk_left(), size);
  }
  std::array<char, kChunkPrefixMax> prefix{};
  EXPECT_EQ(std::string_view(prefix.data(), write_chunk_prefix(prefix.data(), 8000)), "1f40\r\n");
  EXPECT_EQ(std::string_view(prefix.data(), write_chunk_prefix(prefix.data(), 0)), "0\r\n");
}

}  // namespace
}  // namespace fusegate::http
