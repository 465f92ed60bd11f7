#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace fusegate::config_file {

/// The value of an environment variable, or nullopt when it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

struct Substituted {
  std::string text;
  bool changed = false;  ///< The text held a variable or `$$`.
  bool secret = false;   ///< A variable's name holds KEY, TOKEN, SECRET or PASSWORD.
};

/// Replaces `${NAME}`, `${NAME:-default}` and `$$` in a scalar, once (a value is not looked at
/// again). Error: a sentence; an undefined variable without a default, or any other `${`.
/// A `$` before anything else stays as it is.
std::expected<Substituted, std::string> substitute(std::string_view text, const Environment& env);

}  // namespace fusegate::config_file
