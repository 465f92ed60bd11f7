#include <fusegate/route/coverage.hpp>
#include <fusegate/route/expression.hpp>
#include <fusegate/route/path.hpp>

#include "route/host.hpp"
#include "route/prefix.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace fusegate::route {
namespace {

using config::PathMatch;
using config::RouteMatch;

/// Is every host that `narrow` stands for one of `wide`? Both are names or "*." and a name.
bool host_covers(std::string_view wide, std::string_view narrow) {
  if (wide == narrow) {
    return true;
  }
  // "*.a.b" holds x.a.b and *.x.a.b, but neither a.b nor anything of *.b.
  return is_wildcard(wide) && narrow.size() > wide.size() - 1 && narrow.ends_with(wide.substr(1));
}

bool hosts_cover(const std::vector<std::string>& wide, const std::string* host) {
  return wide.empty() || (host != nullptr && std::ranges::any_of(wide, [&](const auto& pattern) {
                            return host_covers(pattern, *host);
                          }));
}

bool methods_cover(const std::vector<std::string>& wide, const std::string* method) {
  return wide.empty() || (method != nullptr && std::ranges::find(wide, *method) != wide.end());
}

bool headers_cover(const RouteMatch& wide, const RouteMatch& narrow) {
  return std::ranges::all_of(wide.headers, [&](const auto& header) {
    return std::ranges::find(narrow.headers, header) != narrow.headers.end();
  });
}

/// A pointer to each, or one null pointer for "any".
std::vector<const std::string*> each_or_any(const std::vector<std::string>& values) {
  std::vector<const std::string*> result;
  for (const std::string& value : values) {
    result.push_back(&value);
  }
  if (result.empty()) {
    result.push_back(nullptr);
  }
  return result;
}

/// Each host with each method.
std::vector<std::pair<const std::string*, const std::string*>> pairs(const RouteMatch& match) {
  std::vector<std::pair<const std::string*, const std::string*>> result;
  for (const std::string* host : each_or_any(match.hosts)) {
    for (const std::string* method : each_or_any(match.methods)) {
      result.emplace_back(host, method);
    }
  }
  return result;
}

/// Comparisons of a host and method of one route with the hosts of those before it, at most.
std::uint64_t work_of(const config::Config& config) {
  std::uint64_t work = 0;
  std::uint64_t hosts_before = 0;
  for (const auto& route : config.routes) {
    const RouteMatch& match = route.match;
    work += std::max<std::size_t>(match.hosts.size(), 1) *
            std::max<std::size_t>(match.methods.size(), 1) * hosts_before;
    hosts_before += 1 + match.hosts.size();
  }
  return work;
}

}  // namespace

struct Coverage::Paths {
  struct Expression {
    std::unique_ptr<RE2> regex;  ///< Empty unless the route has one.
    std::string low;             ///< All paths it matches lie between these two; both empty when
    std::string high;            ///< nothing is known.
  };
  std::vector<Expression> expressions;
  bool too_many = false;  ///< To be compared with each other.

  bool prefix_covers(std::string_view prefix, const RouteMatch& narrow,
                     std::uint16_t narrow_index) const;
  bool regex_covers(const RouteMatch& wide, std::uint16_t wide_index,
                    const RouteMatch& narrow) const;
  bool cover(const RouteMatch& wide, std::uint16_t wide_index, const RouteMatch& narrow,
             std::uint16_t narrow_index) const;
};

bool Coverage::Paths::prefix_covers(std::string_view prefix, const RouteMatch& narrow,
                                    std::uint16_t narrow_index) const {
  std::string scratch;
  const std::string_view bare = without_parameters(narrow.path, scratch);
  switch (narrow.path_kind) {
    case PathMatch::Prefix:
      return lies_under(without_slash(narrow.path), prefix) ||
             lies_under(without_slash(bare), prefix);
    case PathMatch::Exact:
      return lies_under(narrow.path, prefix) || lies_under(bare, prefix);
    case PathMatch::Regex:
      break;
  }
  // What lies between two texts that begin alike begins like them.
  const Expression& expression = expressions[narrow_index];
  const std::string below = std::string(prefix) + "/";
  return prefix.empty() ||
         (expression.low.starts_with(below) && expression.high.starts_with(below));
}

bool Coverage::Paths::regex_covers(const RouteMatch& wide, std::uint16_t wide_index,
                                   const RouteMatch& narrow) const {
  const RE2& regex = *expressions[wide_index].regex;
  switch (narrow.path_kind) {
    case PathMatch::Exact:
      return regex.ok() && RE2::FullMatch(narrow.path, regex);
    case PathMatch::Regex:
      return wide.path == ".*" || wide.path == narrow.path;
    case PathMatch::Prefix:
      // All paths begin with a slash, except "*" (OPTIONS *), which only the prefix "/" takes.
      return wide.path == ".*" || (wide.path == "/.*" && !without_slash(narrow.path).empty());
  }
  return false;
}

bool Coverage::Paths::cover(const RouteMatch& wide, std::uint16_t wide_index,
                            const RouteMatch& narrow, std::uint16_t narrow_index) const {
  switch (wide.path_kind) {
    case PathMatch::Prefix:
      return prefix_covers(without_slash(wide.path), narrow, narrow_index);
    case PathMatch::Exact:
      return narrow.path_kind == PathMatch::Exact && narrow.path == wide.path;
    case PathMatch::Regex:
      return regex_covers(wide, wide_index, narrow);
  }
  return false;
}

Coverage::Coverage(const config::Config& config)
    : config_(config), paths_(std::make_unique<Paths>()) {
  constexpr int kRangeBytes = 256;
  paths_->too_many = work_of(config) > kWorkMax;
  for (const auto& route : config.routes) {
    auto& expression = paths_->expressions.emplace_back();
    if (route.match.path_kind != PathMatch::Regex) {
      continue;
    }
    expression.regex = std::make_unique<RE2>(route.match.path, expression_options());
    if (!expression.regex->ok() ||
        !expression.regex->PossibleMatchRange(&expression.low, &expression.high, kRangeBytes)) {
      expression.low.clear();
      expression.high.clear();
    }
  }
}

Coverage::~Coverage() = default;

std::vector<std::uint16_t> Coverage::shadowing(std::uint16_t route) const {
  if (paths_->too_many) {
    return {};
  }
  const RouteMatch& narrow = config_.routes[route].match;
  const auto serves = [](const config::ListenerConfig& listener, std::uint16_t index) {
    return listener.routes.empty() ||
           std::ranges::find(listener.routes, index) != listener.routes.end();
  };
  // The candidates first: most routes share neither path nor headers with the others.
  std::vector<std::uint16_t> wide;
  for (std::uint16_t i = 0; i < route; ++i) {
    const RouteMatch& match = config_.routes[i].match;
    if (paths_->cover(match, i, narrow, route) && headers_cover(match, narrow)) {
      wide.push_back(i);
    }
  }
  std::vector<std::uint16_t> found;
  const auto atoms = pairs(narrow);
  const auto first_taker = [&](const config::ListenerConfig& listener, const std::string* host,
                               const std::string* method) {
    return std::ranges::find_if(wide, [&](std::uint16_t i) {
      const RouteMatch& match = config_.routes[i].match;
      return serves(listener, i) && hosts_cover(match.hosts, host) &&
             methods_cover(match.methods, method);
    });
  };
  for (const auto& listener : config_.listeners) {
    if (wide.empty() || !serves(listener, route)) {
      continue;
    }
    for (const auto& [host, method] : atoms) {
      const auto taker = first_taker(listener, host, method);
      if (taker == wide.end()) {
        return {};
      }
      found.push_back(*taker);
    }
  }
  std::ranges::sort(found);
  const auto rest = std::ranges::unique(found);
  found.erase(rest.begin(), rest.end());
  return found;
}

}  // namespace fusegate::route
