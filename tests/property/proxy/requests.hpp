#pragma once

#include "property/proxy/ledger.hpp"
#include "support/dice.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

/// Requests as scripted clients write them, right and wrong.
namespace fusegate::test {

/// Mostly small; now and then larger than the buffers on the way.
inline std::size_t body_size(Dice& dice) {
  constexpr std::array<std::size_t, 8> kSizes{0, 1, 10, 100, 1000, 5000, 20'000, 300'000};
  return kSizes[dice.below(dice.below(16) == 0 ? 8 : 6)];
}

/// Any bytes, a few.
inline std::string noise(Dice& dice) {
  std::string bytes;
  for (std::uint64_t left = 1 + dice.below(12); left > 0; --left) {
    bytes += static_cast<char>(dice.below(256));
  }
  return bytes;
}

/// `body` in the chunked coding, in up to three chunks.
inline std::string chunked(std::string_view body, Dice& dice) {
  std::string text;
  for (int i = 0; i < 2 && !body.empty(); ++i) {
    const std::size_t size = 1 + dice.below(body.size());
    char head[24];
    const int length = std::snprintf(head, sizeof head, "%zx\r\n", size);
    text.append(head, static_cast<std::size_t>(length));
    text += std::string{body.substr(0, size)} + "\r\n";
    body.remove_prefix(size);
  }
  if (!body.empty()) {
    char head[24];
    const int length = std::snprintf(head, sizeof head, "%zX;x=y\r\n", body.size());
    text.append(head, static_cast<std::size_t>(length));
    text += std::string{body} + "\r\n";
  }
  return text + "0\r\n" + (dice.below(4) == 0 ? "x-trailer: t\r\n" : "") + "\r\n";
}

/// What must not get through, or gets through as something harmless.
inline std::string_view odd_request_line(Dice& dice) {
  constexpr std::array<std::string_view, 10> kLines{
      "content-length: 3\r\ncontent-length: 4\r\n",
      "transfer-encoding: gzip, chunked\r\n",
      "content-length: 5\r\ntransfer-encoding: chunked\r\n",
      "x-folded: a\r\n b\r\n",
      "bad name: x\r\n",
      "host: other\r\n",
      "content-length: -1\r\n",
      "expect: something\r\n",
      "connection: content-length, host\r\n",
      "x: \x01\r\n"};
  return kLines[dice.below(kLines.size())];
}

inline std::string_view extra_request_line(Dice& dice) {
  constexpr std::array<std::string_view, 10> kLines{"connection: close\r\n",
                                                    "connection: keep-alive\r\n",
                                                    "x-envoy-expected-rq-timeout-ms: 40\r\n",
                                                    "fusegate-attempt: 2\r\n",
                                                    "max-forwards: 0\r\n",
                                                    "te: trailers\r\n",
                                                    "x-envoy-fault-abort-request: 503\r\n",
                                                    "x-envoy-fault-delay-request: 20\r\n",
                                                    "grpc-timeout: 30m\r\n",
                                                    "connection: x-tag, close\r\n"};
  return kLines[dice.below(kLines.size())];
}

/// Writes one request; `sent` learns what it is.
inline std::string write_request(Sent& sent, Dice& dice) {
  constexpr std::array<std::string_view, 6> kMethods{"GET", "POST",   "HEAD",
                                                     "PUT", "DELETE", "OPTIONS"};
  const auto choice = dice.below(64);
  sent.method = kMethods[dice.below(kMethods.size())];
  sent.repeatable = sent.method != "POST";
  const bool old = choice % 8 == 7;
  std::string head = sent.method + " /t" + std::to_string(sent.id) +
                     (old ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n") + "host: h\r\n";
  if (sent.method == "POST" && dice.below(3) == 0) {
    head += "idempotency-key: k\r\n";
    sent.repeatable = true;
  }
  std::string body;
  const bool may_have_body = sent.method != "GET" || choice % 5 == 0;
  if (choice % 16 == 3) {
    sent.upgrade = !old;
    head += "connection: upgrade\r\nupgrade: t\r\n";
  } else if (may_have_body && choice % 4 == 0 && !old) {
    sent.body = body_size(dice);
    body = chunked(pattern(sent.id, sent.body), dice);
    head += "transfer-encoding: chunked\r\n";
  } else if (may_have_body && choice % 2 == 0) {
    sent.body = body_size(dice);
    body = pattern(sent.id, sent.body);
    head += "content-length: " + std::to_string(sent.body) + "\r\n";
  }
  if (choice % 11 == 1) {
    head += "expect: 100-continue\r\n";
  }
  if (choice >= 32) {
    head += extra_request_line(dice);
  }
  if (choice % 32 == 31) {
    sent.wild = true;
    head += dice.below(2) == 0 ? std::string{odd_request_line(dice)} : noise(dice);
  }
  return head + "\r\n" + body;
}

}  // namespace fusegate::test
