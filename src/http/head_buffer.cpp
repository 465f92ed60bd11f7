#include "http/head_buffer.hpp"

#include <array>
#include <charconv>

namespace fusegate::http {

bool HeadBuffer::append_number(std::uint64_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return append({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

}  // namespace fusegate::http
