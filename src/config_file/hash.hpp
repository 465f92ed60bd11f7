#pragma once

#include <string>
#include <string_view>

namespace fusegate::config_file {

/// SHA-256 as 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view text);

}  // namespace fusegate::config_file
