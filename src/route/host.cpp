#include "route/host.hpp"

#include <algorithm>

namespace fusegate::route {
namespace {

/// `lowered` is lower case already.
bool equal_ignoring_case(std::string_view text, std::string_view lowered) {
  return std::ranges::equal(text, lowered, {}, lower);
}

}  // namespace

std::string_view host_name(std::string_view authority) {
  if (authority.starts_with('[')) {
    return authority.substr(0, authority.find(']') + 1);
  }
  std::string_view name = authority.substr(0, authority.find(':'));
  if (name.ends_with('.')) {
    name.remove_suffix(1);
  }
  return name;
}

bool host_matches(std::string_view pattern, std::string_view name) {
  if (!is_wildcard(pattern)) {
    return equal_ignoring_case(name, pattern);
  }
  const std::string_view suffix = pattern.substr(1);  // ".example.org"
  return name.size() > suffix.size() &&
         equal_ignoring_case(name.substr(name.size() - suffix.size()), suffix);
}

}  // namespace fusegate::route
