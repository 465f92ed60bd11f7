#include "http/request_id.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace fusegate::http {

namespace {

/// Both digits of every byte, so that a number takes half as many steps.
constexpr auto kPairs = [] {
  std::array<char, 512> pairs{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    pairs[2 * byte] = "0123456789abcdef"[byte >> 4];
    pairs[2 * byte + 1] = "0123456789abcdef"[byte & 15];
  }
  return pairs;
}();

/// The lowest `count` (even) hex digits of `value`.
inline void put_digits(std::uint64_t value, int count, char* out) {
  for (int at = count - 2; at >= 0; at -= 2) {
    std::memcpy(out + at, kPairs.data() + 2 * (value & 0xff), 2);
    value >>= 8;
  }
}

}  // namespace

std::string_view make_request_id(std::uint64_t high, std::uint64_t low, char* out) {
  high = (high & ~std::uint64_t{0xf000}) | 0x4000;                     // Version 4.
  low = (low & ~(std::uint64_t{3} << 62)) | (std::uint64_t{1} << 63);  // Variant 10.
  // Groups of 8, 4, 4, 4 and 12 digits.
  put_digits(high >> 32, 8, out);
  put_digits(high >> 16, 4, out + 9);
  put_digits(high, 4, out + 14);
  put_digits(low >> 48, 4, out + 19);
  put_digits(low, 12, out + 24);
  out[8] = out[13] = out[18] = out[23] = '-';
  return {out, kRequestIdSize};
}

bool valid_request_id(std::string_view id) {
  return !id.empty() && id.size() <= kRequestIdMax &&
         std::ranges::all_of(id, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace fusegate::http
