#pragma once

#include "property/proxy/requests.hpp"

#include <string>

/// Responses as scripted servers write them, right and wrong.
namespace fusegate::test {

/// Text of a response, and what it does to its connection.
struct Answer {
  std::string text;
  bool final = true;    ///< Not an interim one.
  bool closes = false;  ///< The end of the connection ends it.
  bool tunnels = false;
};

inline std::string_view odd_response(Dice& dice) {
  constexpr std::array<std::string_view, 10> kTexts{
      "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\nabcd",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
      "HTTP/1.1 099 No\r\n\r\n",
      "HTTP/2.0 200 OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n",
      "HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n",
      "HTTP/1.1 101 Surprise\r\nconnection: upgrade\r\nupgrade: t\r\n\r\n",
      "SSH-2.0-OpenSSH\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"};
  return kTexts[dice.below(kTexts.size())];
}

/// `tag` says whose response it is, the body is `pattern(id, ...)`.
class AnswerWriter {
 public:
  AnswerWriter(Dice& dice, const Sent& sent, std::string tag)
      : dice_(dice), sent_(sent), tag_(std::move(tag)) {}

  Answer write() {
    if (sent_.upgrade && dice_.below(2) == 0) {
      return switching();
    }
    const auto kind = dice_.below(24);
    switch (kind) {
      case 0:
      case 1:
        return interim();
      case 2:
        return switching();
      case 3:
        return {.text = std::string{odd_response(dice_)}, .closes = true};
      case 4:
        return bodiless("204 No Content", "");
      case 5:
        return bodiless("304 Not Modified", "content-length: 77\r\n");
      case 6:
      case 7:
        return framed("503 Unavailable", "retry-after: 1\r\n");
      case 8:
        return framed("429 Too Many", "fusegate-retry: other\r\n");
      case 9:
        return framed("500 Broken", dice_.below(2) == 0 ? "grpc-retry-pushback-ms: 5\r\n" : "");
      case 10:
        return framed("401 Who", "www-authenticate: Negotiate\r\n");
      case 11:
        return framed(sent_.repeatable ? "421 Misdirected" : "502 Bad Gateway", "");
      case 12:
        return framed("200 OK", "x-noise: " + noise(dice_) + "\r\n");
      case 13:
        return framed("200 OK", "connection: close\r\n");
      case 14:
        return framed("504 Timeout", "fusegate-retry: never\r\n");
      default:
        return framed("200 OK", "");
    }
  }

 private:
  std::string start(std::string_view status) const {
    return "HTTP/1.1 " + std::string{status} + "\r\nx-tag: " + tag_ + "\r\n";
  }
  Answer interim() {
    Answer answer{.final = false};
    const auto count = dice_.below(8) == 0 ? 60 : 1;
    for (int i = 0; i < count; ++i) {
      answer.text += start(dice_.below(2) == 0 ? "100 Continue" : "103 Early Hints") + "\r\n";
    }
    return answer;
  }
  Answer switching() const {
    if (!sent_.upgrade) {
      return bodiless("204 No Content", "");
    }
    return {.text = start("101 Switching") + "connection: upgrade\r\nupgrade: t\r\n\r\n",
            .tunnels = true};
  }
  Answer bodiless(std::string_view status, std::string_view fields) const {
    return {.text = start(status) + "x-size: 0\r\n" + std::string{fields} + "\r\n"};
  }
  Answer framed(std::string_view status, const std::string& fields) {
    const std::size_t size = body_size(dice_);
    const std::string body = pattern(sent_.id, size);
    const auto framing = dice_.below(8);
    std::string head = start(status) + fields;
    head += std::string{framing > 0 ? "x-framed: 1\r\n" : ""} +
            "x-size: " + std::to_string(sent_.is_head() ? 0 : size) + "\r\n";
    if (framing == 0) {
      return {.text = head + "\r\n" + (sent_.is_head() ? "" : body), .closes = true};
    }
    if (framing <= 3) {
      head += "transfer-encoding: chunked\r\n\r\n";
      return {.text = head + (sent_.is_head() ? "" : chunked(body, dice_))};
    }
    head += "content-length: " + std::to_string(size) + "\r\n\r\n";
    return {.text = head + (sent_.is_head() ? "" : body)};
  }

  Dice& dice_;
  const Sent& sent_;
  std::string tag_;
};

}  // namespace fusegate::test
