#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace fusegate::http {

/// Appends to memory of the caller. What does not fit sets `overflow` and is left out like all
/// behind it, so a sequence of appends is checked once, at its end.
struct HeadBuffer {
  char* data = nullptr;
  std::size_t capacity = 0;
  std::size_t size = 0;
  bool overflow = false;

  std::string_view view() const { return {data, size}; }

  // Always inlined: for the many constants the copy then becomes one or two plain stores.
  [[gnu::always_inline]] bool append(std::string_view text) {
    if (!fits(text.size())) {
      return false;
    }
    put(text);
    return true;
  }
  bool append(char c) { return append(std::string_view{&c, 1}); }
  /// In decimal digits.
  bool append_number(std::uint64_t value);
  /// "name: value" and a line end, or nothing.
  [[gnu::always_inline]] bool append_field(std::string_view name, std::string_view value) {
    if (!fits(name.size() + value.size() + 4)) {
      return false;
    }
    put(name);
    put(": ");
    put(value);
    put("\r\n");
    return true;
  }
  bool append_field(std::string_view name, std::uint64_t value) {
    return append(name) && append(": ") && append_number(value) && append("\r\n");
  }

 private:
  [[gnu::always_inline]] bool fits(std::size_t bytes) {
    overflow = overflow || bytes > capacity - size;
    return !overflow;
  }
  [[gnu::always_inline]] void put(std::string_view text) {
    // An empty view may have no address, which memcpy does not take.
    if (!text.empty()) {
      std::memcpy(data + size, text.data(), text.size());
    }
    size += text.size();
  }
};

}  // namespace fusegate::http
