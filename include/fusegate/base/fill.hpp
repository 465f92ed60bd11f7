#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace fusegate {

inline std::string as_text(std::string_view text) { return std::string(text); }
template <std::integral Number>
std::string as_text(Number number) {
  return std::to_string(number);
}

/// `pattern` with each `{}` replaced by the next of `values`; other braces stay. The compiler has
/// no <format> yet, and this is all that messages need.
inline std::string fill_with(std::string_view pattern, std::initializer_list<std::string> values) {
  std::string result;
  for (const std::string& value : values) {
    const auto place = pattern.find("{}");
    result.append(pattern.substr(0, place)).append(value);
    pattern.remove_prefix(place == std::string_view::npos ? pattern.size() : place + 2);
  }
  return result.append(pattern);
}

template <class... Values>
std::string fill(std::string_view pattern, const Values&... values) {
  return fill_with(pattern, {as_text(values)...});
}

}  // namespace fusegate
