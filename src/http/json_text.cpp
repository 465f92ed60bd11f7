#include "http/json_text.hpp"

#include <cstdint>

namespace fusegate::http {
namespace {

/// The length of the valid UTF-8 sequence at the start of `text` (RFC 3629), or 0.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [text](std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  const auto follows = [byte](std::size_t at) { return (byte(at) & 0xc0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xc2 && lead <= 0xdf) {
    return follows(1) ? 2 : 0;
  }
  // The second byte excludes overlong forms, surrogates and what lies above U+10FFFF.
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool second = !(lead == 0xe0 && byte(1) < 0xa0) && !(lead == 0xed && byte(1) > 0x9f);
    return second && follows(1) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool second = !(lead == 0xf0 && byte(1) < 0x90) && !(lead == 0xf4 && byte(1) > 0x8f);
    return second && follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

void append_control(char c, HeadBuffer& out) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out.append("\\u00");
  out.append(kDigits[byte >> 4]);
  out.append(kDigits[byte & 15]);
}

}  // namespace

void append_json_string(std::string_view text, HeadBuffer& out) {
  out.append('"');
  while (!text.empty()) {
    const char c = text.front();
    const std::size_t length = utf8_length(text);
    if (c == '"' || c == '\\') {
      out.append('\\');
      out.append(c);
    } else if (length == 0) {
      out.append("\xef\xbf\xbd");
    } else if (length == 1 && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)) {
      append_control(c, out);
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out.append('"');
}

}  // namespace fusegate::http
