#pragma once

#include "http/chars.hpp"

#include <bit>
#include <cstddef>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// Searches through heads, sixteen bytes at a time where the processor has SSE2 (every x86-64).
namespace fusegate::http {

#if defined(__SSE2__)
namespace detail {

inline constexpr std::ptrdiff_t kBlock = 16;

inline __m128i load_block(const char* data) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
}

/// All ones where the unsigned byte lies in [first, first + count): SSE2 compares signed bytes
/// only, so the range is moved to the lower end of those.
inline __m128i in_range(__m128i bytes, char first, int count) {
  const __m128i moved = _mm_add_epi8(bytes, _mm_set1_epi8(static_cast<char>(-128 - first)));
  return _mm_cmplt_epi8(moved, _mm_set1_epi8(static_cast<char>(-128 + count)));
}

inline unsigned bits(__m128i mask) { return static_cast<unsigned>(_mm_movemask_epi8(mask)); }

/// Bit i is set when byte i is_control().
inline unsigned control_bits(const char* data) {
  const __m128i bytes = load_block(data);
  const __m128i low = in_range(bytes, 0, 0x20);
  const __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
  const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
  return bits(_mm_or_si128(_mm_andnot_si128(tab, low), del));
}

/// Bit i is set when byte i is neither letter, digit nor hyphen.
inline unsigned unusual_bits(const char* data) {
  const __m128i bytes = load_block(data);
  const __m128i letter = in_range(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 26);
  const __m128i digit = in_range(bytes, '0', 10);
  const __m128i hyphen = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
  return ~bits(_mm_or_si128(_mm_or_si128(letter, digit), hyphen)) & 0xffffU;
}

}  // namespace detail
#endif

/// The first control character other than the tab in [at, end), or `end`. The bytes from `begin` on
/// are looked at once more where that spares a look at each of the last ones.
inline const char* find_control([[maybe_unused]] const char* begin, const char* at,
                                const char* end) {
#if defined(__SSE2__)
  for (; end - at >= detail::kBlock; at += detail::kBlock) {
    const unsigned found = detail::control_bits(at);
    if (found != 0) {
      return at + std::countr_zero(found);
    }
  }
  if (end - begin >= detail::kBlock) {
    const char* const block = end - detail::kBlock;
    const unsigned found = detail::control_bits(block) >> (at - block);
    return found == 0 ? end : at + std::countr_zero(found);
  }
#endif
  while (at != end && !is_control(*at)) {
    ++at;
  }
  return at;
}

/// The CR of the CRLF that ends the line at `at`; nullptr when it is not there or when another
/// control character is before it. `begin` as above.
inline const char* find_line_end(const char* begin, const char* at, const char* end) {
  at = find_control(begin, at, end);
  return end - at >= 2 && at[0] == '\r' && at[1] == '\n' ? at : nullptr;
}

/// Skips letters, digits and hyphens, of which nearly all field names consist. May stop early, at
/// the latest at `end`: whoever calls it looks at what comes next.
inline const char* skip_usual(const char* at, const char* end) {
#if defined(__SSE2__)
  while (end - at >= detail::kBlock) {
    const unsigned stop = detail::unusual_bits(at);
    if (stop != 0) {
      return at + std::countr_zero(stop);
    }
    at += detail::kBlock;
  }
#endif
  return at;
}

}  // namespace fusegate::http
