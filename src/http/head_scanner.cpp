#include "http/head_scanner.hpp"

#include <algorithm>
#include <bit>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "http/chars.hpp"

namespace fusegate::http {
namespace {

/// The index of the first control character other than tab at or behind `at`, or `size`.
std::size_t find_control(const char* data, std::size_t at, std::size_t size) {
#if defined(__SSE2__)
  // Adding -128 turns the unsigned comparison with 0x20 into the signed one that SSE2 has.
  const __m128i bias = _mm_set1_epi8(-128);
  const __m128i space = _mm_set1_epi8(static_cast<char>(0x20 - 128));
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; at + 16 <= size; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + at));
    const __m128i low = _mm_cmplt_epi8(_mm_add_epi8(bytes, bias), space);
    const __m128i control =
        _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), low), _mm_cmpeq_epi8(bytes, del));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(control));
    if (mask != 0) {
      return at + static_cast<std::size_t>(std::countr_zero(mask));
    }
  }
#endif
  while (at < size && !is_control(data[at])) {
    ++at;
  }
  return at;
}

}  // namespace

HeadScanner::Result HeadScanner::scan(std::string_view buffer, std::size_t limit) {
  const std::size_t size = std::min(buffer.size(), limit);
  for (;;) {
    at_ = find_control(buffer.data(), at_, size);
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
  }
  return Line::Next;
}

}  // namespace fusegate::http
