#pragma once

#include <fusegate/base/time.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace fusegate::telemetry {

/// Builds one line of a log in a buffer of the caller's. Whatever does not fit any more is left
/// out, so the caller checks the room once and not for every piece.
class Line {
 public:
  Line(char* buffer, std::size_t capacity) : begin_(buffer), at_(buffer), end_(buffer + capacity) {}

  /// Trusted text: constants and numbers.
  void raw(std::string_view text) {
    if (text.size() <= room()) [[likely]] {
      std::memcpy(at_, text.data(), text.size());
      at_ += text.size();
    }
  }
  void raw(char character) { raw(std::string_view(&character, 1)); }

  /// Any bytes, as a JSON string with its quotes. Controls (also DEL and C1, which terminals obey)
  /// are escaped; a byte that is no valid UTF-8 becomes \ufffd. Text that needs more than `max`
  /// bytes is cut between characters and ends in \u2026.
  void quoted(std::string_view text, std::size_t max);
  /// As `quoted`, but without quotes where nothing in the text asks for them: for people.
  void word(std::string_view text, std::size_t max);

  void integer(std::int64_t number);
  /// Finite: the shortest decimal that reads back the same; else null.
  void number(double number);
  /// Milliseconds with up to three decimals: 212.4, 0.063, 15. Negative counts as 0.
  void milliseconds(Duration time);

  std::size_t room() const { return static_cast<std::size_t>(end_ - at_); }
  std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }
  std::string_view text() const { return {begin_, size()}; }
  /// Takes back what was written after the line had `size` bytes.
  void rewind(std::size_t size) { at_ = begin_ + size; }

 private:
  char* begin_;
  char* at_;
  char* end_;
};

/// Keeps the last formatted second, since a busy log writes many lines within one.
class Timestamp {
 public:
  /// RFC 3339 in UTC with milliseconds, e.g. 2026-11-23T18:01:38.508Z.
  void append(Line& line, WallTime at);

 private:
  std::int64_t second_ = INT64_MIN;
  char text_[20] = {};  ///< "2026-11-23T18:01:38."
};

}  // namespace fusegate::telemetry
