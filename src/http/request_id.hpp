#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fusegate::http {

inline constexpr std::size_t kRequestIdSize = 36;
inline constexpr std::size_t kRequestIdMax = 128;  ///< Of one that is kept, in bytes.

/// A version 4 UUID (RFC 9562 section 5.4) of 122 of the 128 given random bits, in lower case.
/// `out` has kRequestIdSize bytes; returns the text in it.
std::string_view make_request_id(std::uint64_t high, std::uint64_t low, char* out);

/// May an x-request-id of a client be kept? Visible ASCII, 1 to kRequestIdMax bytes.
bool valid_request_id(std::string_view id);

}  // namespace fusegate::http
