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
  bool append_number(std::uint64_t value) {
    const std::size_t digits = digits_of(value);
    if (!fits(digits)) {
      return false;
    }
    put_number(value, digits);
    return true;
  }
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
  [[gnu::always_inline]] bool append_field(std::string_view name, std::uint64_t value) {
    const std::size_t digits = digits_of(value);
    if (!fits(name.size() + digits + 4)) {
      return false;
    }
    put(name);
    put(": ");
    put_number(value, digits);
    put("\r\n");
    return true;
  }

 private:
  static std::size_t digits_of(std::uint64_t value);
  void put_number(std::uint64_t value, std::size_t digits);
  [[gnu::always_inline]] bool fits(std::size_t bytes) {
    if (bytes <= capacity - size) {
      return true;
    }
    overflow = true;
    capacity = size;  // Nothing fits behind what did not.
    return false;
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
