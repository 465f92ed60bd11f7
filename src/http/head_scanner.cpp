#include "http/head_scanner.hpp"

#include "http/chars.hpp"
#include "http/scan.hpp"

#include <algorithm>

namespace fusegate::http {

HeadScanner::Result HeadScanner::scan(std::string_view buffer, std::size_t limit,
                                      std::size_t max_count) {
  const std::size_t size = std::min(buffer.size(), limit);
  for (;;) {
    const char* const begin = buffer.data();
    at_ = static_cast<std::size_t>(find_control(begin, begin + at_, begin + size) - begin);
    if (at_ >= size) {
      break;
    }
    if (buffer[at_] != '\r') {
      detail_ = buffer[at_] == '\n' ? "a line ends with LF instead of CRLF"
                                    : "a control character in the head";
      return Result::Bad;
    }
    if (at_ + 1 >= size) {
      break;
    }
    if (buffer[at_ + 1] != '\n') {
      detail_ = "a CR that is not followed by LF";
      return Result::Bad;
    }
    switch (end_line(buffer, at_)) {
      case Line::Next:
        if (fields_ > max_count) {  // Whoever sends lines without end is not read up to `limit`.
          return Result::TooMany;
        }
        continue;
      case Line::HeadEnd:
        return Result::End;
      case Line::Bad:
        return Result::Bad;
    }
  }
  return buffer.size() >= limit ? Result::TooLarge : Result::More;
}

HeadScanner::Line HeadScanner::end_line(std::string_view buffer, std::size_t cr) {
  const std::size_t begin = line_start_;
  at_ = line_start_ = cr + 2;
  if (begin == cr) {
    if (start_line_end_ != 0) {
      return Line::HeadEnd;
    }
    if (skip_empty_line_ && begin == 0) {
      begin_ = line_start_;
      return Line::Next;
    }
    detail_ = "an empty line where the head should begin";
    return Line::Bad;
  }
  if (start_line_end_ == 0) {
    start_line_end_ = cr;
  } else if (is_blank(buffer[begin])) {
    detail_ = "a field line that begins with a blank (line folding)";
    return Line::Bad;
  } else {
    ++fields_;
  }
  return Line::Next;
}

}  // namespace fusegate::http
