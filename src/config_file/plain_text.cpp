#include "config_file/plain_text.hpp"

#include <cstddef>
#include <cstdint>

namespace fusegate::config_file {
namespace {

std::uint8_t byte_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

bool is_control(std::uint8_t byte) {
  return (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F;
}

}  // namespace

// Unicode 15, table 3-7: no over-long forms, no surrogates, nothing beyond U+10FFFF.
std::size_t utf8_sequence(std::string_view text) {
  const std::uint8_t first = byte_at(text, 0);
  if (first < 0x80) {
    return 1;
  }
  const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                             : first >= 0xE0 && first <= 0xEF ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 0;
  if (length == 0 || text.size() < length) {
    return 0;
  }
  const std::uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte_at(text, 1) < low || byte_at(text, 1) > high) {
    return 0;
  }
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte_at(text, i) & 0xC0U) != 0x80) {
      return 0;
    }
  }
  return length;
}

std::optional<NotText> find_not_text(std::string_view text) {
  int line = 0;
  std::size_t line_start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_sequence(text.substr(at));
    const std::uint8_t first = byte_at(text, at);
    if (length == 0 || is_control(first)) {
      const auto column = static_cast<int>(at - line_start);
      return NotText{line, column,
                     length == 0  ? "not UTF-8; a configuration is text in UTF-8"
                     : first == 0 ? "a NUL byte; a configuration is text in UTF-8"
                                  : "a control character; write it as an escape in double quotes"};
    }
    at += length;
    if (first == '\n') {
      ++line;
      line_start = at;
    }
  }
  return std::nullopt;
}

}  // namespace fusegate::config_file
