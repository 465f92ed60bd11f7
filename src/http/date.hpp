#pragma once

#include <fusegate/base/time.hpp>

#include <cstddef>
#include <string_view>

namespace fusegate::http {

inline constexpr std::size_t kDateSize = 29;

/// IMF-fixdate (RFC 9110 section 5.6.7), e.g. "Sun, 06 Nov 1994 08:49:37 GMT", for the years 0 to
/// 9999. `out` has kDateSize bytes; returns the text in it.
std::string_view format_date(WallTime at, char* out);

}  // namespace fusegate::http
