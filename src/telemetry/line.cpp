#include "telemetry/line.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

namespace fusegate::telemetry {
namespace {

constexpr std::string_view kReplacement = "\\ufffd";
constexpr std::string_view kEllipsis = "\\u2026";

/// True for the bytes that a JSON string and a terminal take as they are.
constexpr std::array<bool, 256> plain_bytes() {
  std::array<bool, 256> plain{};
  for (int byte = 0x20; byte < 0x7f; ++byte) {
    plain[static_cast<std::size_t>(byte)] = byte != '"' && byte != '\\';
  }
  return plain;
}
constexpr auto kPlain = plain_bytes();

bool is_plain(char byte) { return kPlain[static_cast<unsigned char>(byte)]; }

/// Bytes of the valid UTF-8 character of two to four bytes that `text` begins with, or 0. Rejects
/// overlong forms, surrogates and what lies above U+10FFFF (RFC 3629 section 4).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                             : lead >= 0xe0 && lead <= 0xef ? 3
                             : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                            : 0;
  if (length == 0 || text.size() < length) {
    return 0;
  }
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
  low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : low;
  high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : high;
  if (byte(1) < low || byte(1) > high) {
    return 0;
  }
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  return length;
}

/// How the first character of a text is written.
struct Escaped {
  std::size_t consumed;
  std::size_t size;
  char text[6];
};

Escaped unicode_escape(std::size_t consumed, unsigned code) {
  constexpr char kHex[] = "0123456789abcdef";
  return {consumed, 6, {'\\', 'u', '0', '0', kHex[code >> 4 & 15], kHex[code & 15]}};
}

Escaped escape(std::string_view text) {
  const char first = text[0];
  switch (first) {
    case '"':
      return {1, 2, {'\\', '"'}};
    case '\\':
      return {1, 2, {'\\', '\\'}};
    case '\n':
      return {1, 2, {'\\', 'n'}};
    case '\r':
      return {1, 2, {'\\', 'r'}};
    case '\t':
      return {1, 2, {'\\', 't'}};
    default:
      break;
  }
  const auto code = static_cast<unsigned char>(first);
  if (code < 0x80) {
    return unicode_escape(1, code);
  }
  const std::size_t length = utf8_length(text);
  if (length == 2 && code == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0) {
    return unicode_escape(2, static_cast<unsigned char>(text[1]));
  }
  Escaped result{1, kReplacement.size(), {}};
  if (length == 0) {
    std::memcpy(result.text, kReplacement.data(), kReplacement.size());
    return result;
  }
  result = {length, length, {}};
  std::memcpy(result.text, text.data(), length);
  return result;
}

}  // namespace

void Line::quoted(std::string_view text, std::size_t max) {
  if (room() < 2 + kEllipsis.size()) {
    return;
  }
  *at_++ = '"';
  char* const limit = at_ + std::min(max, room() - 1 - kEllipsis.size());
  while (!text.empty()) {
    std::size_t run = 0;
    while (run < text.size() && is_plain(text[run])) {
      ++run;
    }
    const std::size_t taken = std::min(run, static_cast<std::size_t>(limit - at_));
    std::memcpy(at_, text.data(), taken);
    at_ += taken;
    text.remove_prefix(taken);
    if (text.empty()) {
      break;
    }
    const Escaped next = taken < run ? Escaped{0, SIZE_MAX, {}} : escape(text);
    if (next.size > static_cast<std::size_t>(limit - at_)) {
      raw(kEllipsis);
      break;
    }
    std::memcpy(at_, next.text, next.size);
    at_ += next.size;
    text.remove_prefix(next.consumed);
  }
  *at_++ = '"';
}

void Line::word(std::string_view text, std::size_t max) {
  bool plain = !text.empty() && text.size() <= max;
  for (const char byte : text) {
    plain = plain && is_plain(byte) && byte != ' ' && byte != '=';
  }
  plain ? raw(text) : quoted(text, max);
}

void Line::integer(std::int64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  raw({digits, static_cast<std::size_t>(end - digits)});
}

void Line::number(double number) {
  if (!std::isfinite(number)) {
    return raw("null");
  }
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  raw({digits, static_cast<std::size_t>(end - digits)});
}

void Line::milliseconds(Duration time) {
  const std::int64_t micros = time.count() <= 0 ? 0 : (time.count() + 500) / 1000;
  integer(micros / 1000);
  const auto rest = static_cast<int>(micros % 1000);
  if (rest == 0) {
    return;
  }
  const char decimals[4] = {'.', static_cast<char>('0' + rest / 100),
                            static_cast<char>('0' + rest / 10 % 10),
                            static_cast<char>('0' + rest % 10)};
  const std::size_t length = rest % 10 != 0 ? 4 : rest % 100 != 0 ? 3 : 2;
  raw({decimals, length});
}

void Timestamp::append(Line& line, WallTime at) {
  using std::chrono::floor;
  const auto second = floor<std::chrono::seconds>(at);
  if (second.time_since_epoch().count() != second_) {
    second_ = second.time_since_epoch().count();
    const auto day = floor<std::chrono::days>(second);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{second - day};
    const auto put = [this](std::size_t place, unsigned value) {
      text_[place] = static_cast<char>('0' + value / 10 % 10);
      text_[place + 1] = static_cast<char>('0' + value % 10);
    };
    std::memcpy(text_, "0000-00-00T00:00:00.", sizeof text_);
    const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
    put(0, year / 100);
    put(2, year % 100);
    put(5, static_cast<unsigned>(date.month()));
    put(8, static_cast<unsigned>(date.day()));
    put(11, static_cast<unsigned>(time.hours().count()));
    put(14, static_cast<unsigned>(time.minutes().count()));
    put(17, static_cast<unsigned>(time.seconds().count()));
  }
  const auto millis = static_cast<unsigned>((at - second).count());
  line.raw({text_, sizeof text_});
  const char tail[4] = {static_cast<char>('0' + millis / 100),
                        static_cast<char>('0' + millis / 10 % 10),
                        static_cast<char>('0' + millis % 10), 'Z'};
  line.raw({tail, sizeof tail});
}

}  // namespace fusegate::telemetry
