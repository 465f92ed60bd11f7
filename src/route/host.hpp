#pragma once

#include <string_view>

namespace fusegate::route {

/// An ASCII letter's lower case; everything else stays.
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

/// The name of an authority: without port, brackets kept, without the root's trailing dot.
std::string_view host_name(std::string_view authority);

/// Does `pattern`, one of a route's hosts, stand for more than one name ("*.example.org")?
constexpr bool is_wildcard(std::string_view pattern) { return pattern.starts_with("*."); }

/// `pattern` is lower case; the case of `name` is ignored.
bool host_matches(std::string_view pattern, std::string_view name);

}  // namespace fusegate::route
