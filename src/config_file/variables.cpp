#include "config_file/variables.hpp"

#include "config_file/diagnostic.hpp"
#include "config_file/fill.hpp"

#include <algorithm>
#include <array>

namespace fusegate::config_file {
namespace {

bool is_name(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && letter(text[0]) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || digit(c); });
}

bool names_a_secret(std::string_view name) {
  constexpr std::array<std::string_view, 4> kWords{"KEY", "TOKEN", "SECRET", "PASSWORD"};
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  return std::ranges::any_of(
      kWords, [&](std::string_view word) { return upper.find(word) != std::string::npos; });
}

/// The value of what stands between the braces.
std::expected<std::string, std::string> value_of(std::string_view inside, const Environment& env) {
  const auto colon = inside.find(":-");
  const auto name = inside.substr(0, colon);
  if (!is_name(name)) {
    return std::unexpected(
        fill("{} is not a variable; write ${NAME} or ${NAME:-default}, or $$ for a literal $",
             quoted("${" + std::string(inside) + "}")));
  }
  const auto value = env ? env(name) : std::nullopt;
  if (value && (colon == std::string_view::npos || !value->empty())) {
    return *value;
  }
  if (colon != std::string_view::npos) {
    return std::string(inside.substr(colon + 2));
  }
  return std::unexpected(
      fill("the environment variable {} is not set; set it or write ${{}:-default}", name, name));
}

}  // namespace

std::expected<Substituted, std::string> substitute(std::string_view text, const Environment& env,
                                                   std::size_t most) {
  Substituted result;
  while (!text.empty()) {
    const auto dollar = text.find('$');
    result.text += text.substr(0, dollar);
    if (dollar == std::string_view::npos) {
      break;
    }
    text.remove_prefix(dollar);
    if (text.starts_with("$$")) {
      result.text += '$';
      result.changed = true;
      text.remove_prefix(2);
      continue;
    }
    if (!text.starts_with("${")) {
      result.text += '$';
      text.remove_prefix(1);
      continue;
    }
    const auto end = text.find('}');
    if (end == std::string_view::npos) {
      return std::unexpected("\"${\" without \"}\"; write $$ for a literal $");
    }
    const auto inside = text.substr(2, end - 2);
    const auto value = value_of(inside, env);
    if (!value) {
      return std::unexpected(value.error());
    }
    result.bytes += value->size();
    if (result.bytes > most) {
      return std::unexpected(std::string(kTooMuchText));
    }
    result.text += *value;
    result.changed = true;
    result.secret = result.secret || names_a_secret(inside.substr(0, inside.find(":-")));
    text.remove_prefix(end + 1);
  }
  return result;
}

}  // namespace fusegate::config_file
