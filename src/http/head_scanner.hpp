#pragma once

#include <cstddef>
#include <string_view>

namespace fusegate::http {

/// Finds the end of a head in bytes that arrive piece by piece, and refuses what no head may
/// contain as soon as it is seen: control characters, bare CR or LF, folded lines. Each byte is
/// looked at once. A head that arrives whole and is good does not need it.
class HeadScanner {
 public:
  /// `skip_empty_line`: one empty line before the head is let pass (RFC 9112 section 2.2).
  explicit HeadScanner(bool skip_empty_line) : skip_empty_line_(skip_empty_line) {}

  enum class Result { End, More, TooLarge, TooMany, Bad };

  /// `buffer` begins with the bytes of the previous call. At most `limit` bytes and `max_count`
  /// fields are accepted.
  Result scan(std::string_view buffer, std::size_t limit, std::size_t max_count);

  std::size_t begin() const { return begin_; }                    ///< Where the start line begins.
  std::size_t start_line_end() const { return start_line_end_; }  ///< Its CR. Valid after End.
  std::size_t end() const { return at_; }              ///< Behind the empty line. Valid after End.
  std::string_view detail() const { return detail_; }  ///< After Bad: the rule, in plain words.

  bool is_new() const { return at_ == 0; }  ///< Nothing has been scanned since the last reset.
  void reset() { *this = HeadScanner(skip_empty_line_); }

 private:
  enum class Line { Next, HeadEnd, Bad };
  Line end_line(std::string_view buffer, std::size_t cr);

  bool skip_empty_line_;
  std::size_t at_ = 0;  ///< The next byte to look at.
  std::size_t begin_ = 0;
  std::size_t line_start_ = 0;
  std::size_t start_line_end_ = 0;  ///< 0 = still inside it.
  std::size_t fields_ = 0;
  std::string_view detail_;
};

}  // namespace fusegate::http
