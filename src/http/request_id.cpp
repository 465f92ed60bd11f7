#include "http/request_id.hpp"

#include <algorithm>

namespace fusegate::http {

std::string_view make_request_id(std::uint64_t high, std::uint64_t low, char* out) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  high = (high & ~std::uint64_t{0xf000}) | 0x4000;                     // Version 4.
  low = (low & ~(std::uint64_t{3} << 62)) | (std::uint64_t{1} << 63);  // Variant 10.
  std::size_t at = kRequestIdSize;
  for (unsigned digit = 0; digit < 32; ++digit) {
    std::uint64_t& word = digit < 16 ? low : high;
    out[--at] = kDigits[word & 15];
    word >>= 4;
    // From the back: groups of 12, 4, 4, 4 and 8 digits.
    if (digit == 11 || digit == 15 || digit == 19 || digit == 23) {
      out[--at] = '-';
    }
  }
  return {out, kRequestIdSize};
}

bool valid_request_id(std::string_view id) {
  return !id.empty() && id.size() <= kRequestIdMax &&
         std::ranges::all_of(id, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace fusegate::http
