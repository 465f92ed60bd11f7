#pragma once

#include "telemetry/give_way.hpp"

#include <cstddef>
#include <streambuf>
#include <string>
#include <utility>

namespace fusegate::telemetry {

/// A page that is written through a stream, in memory, by a thread that gives way meanwhile.
class PageText final : public std::streambuf {
 public:
  /// `expected` bytes need no second allocation.
  explicit PageText(std::size_t expected) { text_.reserve(expected); }
  std::string take() { return std::move(text_); }

 protected:
  int_type overflow(int_type c) override {
    if (c != traits_type::eof()) {
      text_.push_back(traits_type::to_char_type(c));
    }
    return traits_type::not_eof(c);
  }
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    text_.append(data, static_cast<std::size_t>(size));
    if (text_.size() - looked_at_ >= kLook) {
      looked_at_ = text_.size();
      give_way();
    }
    return size;
  }

 private:
  /// Bytes between two looks at the clock, about 20 us of writing.
  static constexpr std::size_t kLook = 2048;

  std::string text_;
  std::size_t looked_at_ = 0;
};

}  // namespace fusegate::telemetry
