#include "http/head_parser.hpp"

#include <fusegate/base/rng.hpp>

#include "support/beast_head.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

/// Our head parser against Beast's, over mutated heads. Ours may refuse more, never less.
namespace fusegate::http {
namespace {

using test::BeastHead;
using test::pairs_of;

/// Refusals that concern single bytes and lines. Beast must make each of them, too; the others are
/// rules that Beast leaves to its user (Host, target forms, framing, folding).
bool is_lexical(std::string_view detail) {
  static constexpr std::array<std::string_view, 4> kLexical{
      "a line ends with LF instead of CRLF", "a control character in the head",
      "a CR that is not followed by LF",
      "a field line without a valid name and a colon right behind it"};
  return std::ranges::find(kLexical, detail) != kLexical.end();
}

constexpr std::array<std::string_view, 4> kRequests{
    "GET /a?b=c HTTP/1.1\r\nHost: t.example\r\nUser-Agent: x y\r\nConnection: keep-alive, "
    "x\r\n\r\n",
    "POST http://b.example/x HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n",
    "PUT / HTTP/1.0\r\nHost: [::1]:80\r\nContent-Length: 12\r\nX-Empty:\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: t\r\nConnection: upgrade\r\nUpgrade: foo\r\nX: \t a\tb "
    "\t\r\n\r\n"};
constexpr std::array<std::string_view, 3> kResponses{
    "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\n",
    "HTTP/1.1 503 \r\nTransfer-Encoding: chunked\r\nConnection: close\r\nX:\t\r\n\r\n",
    "HTTP/1.0 304 Not Modified\r\nETag: \"x\"\r\nDate: now\r\n\r\n"};
constexpr std::array<std::string_view, 24> kPieces{
    "\r", "\n",   "\r\n",    " ",     "\t",       ":",    ",",    ";",
    "\0", "\x7f", "\x80",    "\xe9",  "/",        "#",    "*",    "\"",
    "1",  "0",    "chunked", "close", "X: 1\r\n", "\x01", "GET ", "Content-Length: 5\r\n"};

std::string mutate(std::string_view seed, Rng& rng) {
  std::string text(seed);
  for (std::uint64_t count = rng.below(4); count > 0 && !text.empty(); --count) {
    const std::size_t at = rng.below(text.size());
    const std::string_view piece = kPieces[rng.below(kPieces.size())];
    switch (rng.below(4)) {
      case 0:
        text.erase(at, 1 + rng.below(3));
        break;
      case 1:
        text.insert(at, piece.empty() ? std::string_view{"\0", 1} : piece);
        break;
      case 2:
        text[at] = static_cast<char>(rng.below(256));
        break;
      case 3:
        text.insert(rng.below(text.size()), text.substr(at, rng.below(30)));
        break;
    }
  }
  return text;
}

std::uint64_t fresh_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

TEST(RequestParser, AcceptsNothingThatBeastRefuses) {
  const std::uint64_t seed = fresh_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  RequestParser parser;
  RequestHead head;
  ParseFailure failure;
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (int i = 0; i < 100'000 && !HasFailure(); ++i) {
    const std::string text = mutate(kRequests[rng.below(kRequests.size())], rng);
    parser.reset();
    const ParseStatus status = parser.parse(text, {}, head, failure);
    if (status == ParseStatus::Complete) {
      ++accepted;
      const std::size_t line = head.raw.find("\r\n");
      if (head.minor == 1 && head.raw[line - 1] != '1') {
        continue;  // HTTP/1.2 and above: ours reads it as 1.1, Beast refuses it.
      }
      const BeastHead<true> beast(head.raw);
      EXPECT_TRUE(beast.complete()) << text;
      EXPECT_EQ(beast.start(), std::string(head.method) + " " + std::string(head.target) + " " +
                                   std::to_string(head.minor))
          << text;
      EXPECT_EQ(beast.fields(), pairs_of(head.fields)) << text;
      continue;
    }
    ++refused;
    if (status == ParseStatus::NeedMore || is_lexical(failure.detail)) {
      EXPECT_FALSE(BeastHead<true>(text).complete()) << failure.detail << "\n" << text;
    }
  }
  EXPECT_GT(accepted, 10'000U) << "the mutations leave too little intact to compare";
  EXPECT_GT(refused, 10'000U);
}

TEST(ResponseParser, AcceptsNothingThatBeastRefuses) {
  const std::uint64_t seed = fresh_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng(seed);
  ResponseParser parser;
  ResponseHead head;
  ParseFailure failure;
  std::size_t accepted = 0;
  for (int i = 0; i < 100'000 && !HasFailure(); ++i) {
    const std::string text = mutate(kResponses[rng.below(kResponses.size())], rng);
    parser.reset();
    const ParseStatus status = parser.parse(text, {}, "GET", head, failure);
    if (status == ParseStatus::Complete) {
      ++accepted;
      const bool blank = head.raw[12] == ' ';
      const bool version = head.raw[7] == '0' || head.raw[7] == '1';
      if (!blank || !version) {
        continue;  // "HTTP/1.1 200" without a blank and HTTP/1.2 are let pass by ours alone.
      }
      const BeastHead<false> beast(head.raw);
      EXPECT_TRUE(beast.complete()) << text;
      EXPECT_EQ(beast.start(), std::to_string(head.status) + " " + std::string(head.reason) + " " +
                                   std::to_string(head.minor))
          << text;
      EXPECT_EQ(beast.fields(), pairs_of(head.fields)) << text;
      continue;
    }
    if (status == ParseStatus::NeedMore || is_lexical(failure.detail)) {
      EXPECT_FALSE(BeastHead<false>(text).complete()) << failure.detail << "\n" << text;
    }
  }
  EXPECT_GT(accepted, 10'000U) << "the mutations leave too little intact to compare";
}

}  // namespace
}  // namespace fusegate::http
