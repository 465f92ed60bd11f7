#include "route/route_index.hpp"

#include "route/host.hpp"
#include "route/prefix.hpp"

#include <algorithm>
#include <utility>

namespace fusegate::route {
namespace {

/// So few are tried sooner than looked up.
constexpr std::size_t kFew = 8;

/// What a path and all prefixes that it lies under begin with, but for the prefix "/".
std::string_view first_segment(std::string_view path) { return path.substr(0, path.find('/', 1)); }

bool any_path(const config::RouteMatch& match) {
  return match.path_kind == config::PathMatch::Regex ||
         (match.path_kind == config::PathMatch::Prefix && without_slash(match.path).empty());
}

bool any_host(const config::RouteMatch& match) {
  return match.hosts.empty() || std::ranges::any_of(match.hosts, is_wildcard);
}

}  // namespace

std::size_t RouteIndex::Hash::operator()(std::string_view text) const {
  // FNV-1a, 64 bits. The names in the index are the configuration's own: nobody outside can make
  // them collide.
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(lower(c))) * 0x100000001b3;
  }
  return hash;
}

bool RouteIndex::Equal::operator()(std::string_view a, std::string_view b) const {
  return std::ranges::equal(a, b, {}, lower, lower);
}

Candidates RouteIndex::Group::find(std::string_view name) const {
  const auto found = named.find(name);
  return {.named = found == named.end() ? std::span<const std::uint16_t>{} : found->second,
          .any = any};
}

RouteIndex::RouteIndex(const config::Config& config, std::vector<std::uint16_t> served)
    : served_(std::move(served)) {
  if (served_.size() <= kFew) {
    return;
  }
  for (const std::uint16_t index : served_) {
    const config::RouteMatch& match = config.routes[index].match;
    auto& paths = any_path(match) ? by_segment_.any
                                  : by_segment_.named[std::string{first_segment(match.path)}];
    paths.push_back(index);
    if (any_host(match)) {
      by_host_.any.push_back(index);
      continue;
    }
    for (const std::string& host : match.hosts) {
      by_host_.named[host].push_back(index);
    }
  }
}

Candidates RouteIndex::candidates(std::string_view path, std::string_view host) const {
  if (served_.size() <= kFew) {
    return {.named = served_, .any = {}};
  }
  const Candidates by_path = by_segment_.find(first_segment(path));
  if (by_path.size() <= kFew) {
    return by_path;
  }
  const Candidates by_host = by_host_.find(host);
  return by_host.size() < by_path.size() ? by_host : by_path;
}

}  // namespace fusegate::route
