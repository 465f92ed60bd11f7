#pragma once

#include <re2/re2.h>

#include <cstddef>

namespace fusegate::route {

/// Memory that one `path_regex` may take: its program when it is compiled, and the states that
/// matching makes up as it goes, which clients choose by their paths. RE2 alone would allow 8 MiB
/// for each.
inline constexpr int kExpressionBytesMax = 256 * 1024;
/// Instructions of all expressions of a configuration together (`RE2::ProgramSize`). A path such
/// as "/orders/[0-9]+/items" has twenty.
inline constexpr std::size_t kExpressionsSizeMax = 200'000;

/// How every `path_regex` is compiled: checked, looked at for shadowing, and matched.
inline RE2::Options expression_options() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_max_mem(kExpressionBytesMax);
  return options;
}

}  // namespace fusegate::route
