#pragma once

#include <string_view>

namespace fusegate::route {

/// A route's prefix as it is compared: "/" is empty, "/a/" is "/a".
constexpr std::string_view without_slash(std::string_view prefix) {
  while (prefix.ends_with('/')) {
    prefix.remove_suffix(1);
  }
  return prefix;
}

/// Whole segments only: "/a/b" lies under "/a", "/ab" does not. `prefix` as `without_slash` gives
/// it.
constexpr bool lies_under(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) &&
         (path.size() == prefix.size() || prefix.empty() || path[prefix.size()] == '/');
}

}  // namespace fusegate::route
