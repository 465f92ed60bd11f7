#pragma once

#include <string_view>

/// What this program was built from. Set by the build; the same for the whole process.
namespace fusegate {

std::string_view version();   ///< E.g. "0.1.0".
std::string_view revision();  ///< The commit, or "unknown".
std::string_view compiler();  ///< E.g. "gcc 12.2.0".
std::string_view boost();     ///< E.g. "1.81".

}  // namespace fusegate
