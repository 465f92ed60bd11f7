#pragma once

#include <string_view>

/// What this binary is, for `fusegate version`, `/server_info` and `fusegate_build_info`.
namespace fusegate {

std::string_view version();   ///< E.g. "0.1.0".
std::string_view revision();  ///< Of the sources, "unknown" outside a checkout.
std::string_view compiler();  ///< E.g. "gcc 12.2".
std::string_view boost();     ///< E.g. "1.81".

}  // namespace fusegate
