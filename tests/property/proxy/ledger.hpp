#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace fusegate::test {

/// The text that is the body of everything about the request with this number.
inline std::string pattern(std::size_t id, std::size_t size) {
  const std::string unit = std::to_string(id) + ";";
  std::string text;
  text.reserve(size + unit.size());
  while (text.size() < size) {
    text += unit;
  }
  text.resize(size);
  return text;
}

/// One request that a client has begun to send.
struct Sent {
  std::size_t id = 0;
  std::size_t client = 0;
  std::string method = "GET";
  bool repeatable = true;
  bool upgrade = false;
  bool wild = false;  ///< Holds bytes whose meaning is not known here.
  std::size_t body = 0;
  int deliveries = 0;     ///< Heads of it that servers have read.
  bool answered = false;  ///< The client has the final response.
  bool is_head() const { return method == "HEAD"; }
};

/// All requests of a world by their number, and bytes that no client may ever see.
class Ledger {
 public:
  Sent& add(std::size_t client) {
    sent_.push_back({.id = sent_.size(), .client = client});
    return sent_.back();
  }
  Sent* find(std::string_view text) {
    std::size_t id = 0;
    for (const char digit : text) {
      if (digit < '0' || digit > '9' || id > sent_.size()) {
        return nullptr;
      }
      id = id * 10 + static_cast<std::size_t>(digit - '0');
    }
    return text.empty() || id >= sent_.size() ? nullptr : &sent_[id];
  }
  Sent& operator[](std::size_t id) { return sent_[id]; }
  std::size_t size() const { return sent_.size(); }

 private:
  std::deque<Sent> sent_;
};

/// Whom a response that nobody asked for belongs to.
inline constexpr std::string_view kStray = "stray";

}  // namespace fusegate::test
