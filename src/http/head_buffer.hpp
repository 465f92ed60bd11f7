#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace fusegate::http {

/// Appends to memory of the caller. What does not fit is left out and sets `overflow`, so a
/// sequence of appends is checked once, at its end.
struct HeadBuffer {
  char* data = nullptr;
  std::size_t capacity = 0;
  std::size_t size = 0;
  bool overflow = false;

  std::string_view view() const { return {data, size}; }

  /// Always inlined: for the many constants the copy then becomes one or two plain stores.
  [[gnu::always_inline]] bool append(std::string_view text) {
    if (text.size() > capacity - size) {
      overflow = true;
      return false;
    }
    // An empty view may have no address, which memcpy does not take.
    if (!text.empty()) {
      std::memcpy(data + size, text.data(), text.size());
    }
    size += text.size();
    return true;
  }
  bool append(char c) { return append(std::string_view{&c, 1}); }
  /// In decimal digits.
  bool append_number(std::uint64_t value);
  /// "name: value" and a line end.
  bool append_field(std::string_view name, std::string_view value) {
    return append(name) && append(": ") && append(value) && append("\r\n");
  }
  bool append_field(std::string_view name, std::uint64_t value) {
    return append(name) && append(": ") && append_number(value) && append("\r\n");
  }
};

}  // namespace fusegate::http
