#pragma once

#include "config_file/document.hpp"

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace fusegate::config_file {

/// The value of an environment variable, or nullopt when it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

/// Variables that name long values can make a short file a large one.
inline constexpr std::string_view kTooMuchText =
    "more than 4 MiB of text, with every variable written out";

struct Substituted {
  std::string text;
  std::size_t bytes = 0;  ///< Of the values of variables in it.
  bool changed = false;   ///< The text held a variable or `$$`.
  bool secret = false;    ///< A variable's name holds KEY, TOKEN, SECRET or PASSWORD.
};

/// Replaces `${NAME}`, `${NAME:-default}` and `$$` in a scalar, once (a value is not looked at
/// again). Error: a sentence; an undefined variable without a default, any other `${`, or more
/// than `most` bytes of values.
/// A `$` before anything else stays as it is.
std::expected<Substituted, std::string> substitute(std::string_view text, const Environment& env,
                                                   std::size_t most = kTextBytesMax);

}  // namespace fusegate::config_file
