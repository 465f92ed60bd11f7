#include "http/head_buffer.hpp"

#include <array>

namespace fusegate::http {

bool HeadBuffer::append_number(std::uint64_t value) {
  // Nearly all numbers of a head are short: digit by digit costs a third of std::to_chars and a
  // copy.
  std::array<char, 20> digits;
  char* const end = digits.data() + digits.size();
  char* begin = end;
  do {
    *--begin = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return append({begin, static_cast<std::size_t>(end - begin)});
}

}  // namespace fusegate::http
