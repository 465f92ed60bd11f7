#include <fusegate/route/expression.hpp>
#include <fusegate/route/route_table.hpp>

#include "route/host.hpp"
#include "route/prefix.hpp"
#include "route/route_index.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace fusegate::route {
namespace {

struct Rule {
  const config::RouteMatch* match;
  std::string_view prefix;  ///< As `without_slash` gives it.
  std::unique_ptr<RE2> regex;

  bool path_matches(std::string_view path) const;
  bool matches(const RequestView& request, std::string_view host, std::string_view path) const;
};

bool Rule::path_matches(std::string_view path) const {
  switch (match->path_kind) {
    case config::PathMatch::Prefix:
      return lies_under(path, prefix);
    case config::PathMatch::Exact:
      return path == match->path;
    case config::PathMatch::Regex:
      return regex->ok() && RE2::FullMatch(re2::StringPiece{path.data(), path.size()}, *regex);
  }
  return false;
}

bool Rule::matches(const RequestView& request, std::string_view host, std::string_view path) const {
  const auto& methods = match->methods;
  if (!methods.empty() && std::ranges::find(methods, request.method) == methods.end()) {
    return false;
  }
  const auto is_host = [host](const std::string& pattern) { return host_matches(pattern, host); };
  if (!match->hosts.empty() && std::ranges::none_of(match->hosts, is_host)) {
    return false;
  }
  if (!path_matches(path)) {
    return false;
  }
  return std::ranges::all_of(match->headers, [&](const config::HeaderMatch& header) {
    return request.headers.has != nullptr &&
           request.headers.has(request.headers.head, header.name, header.value);
  });
}

Rule compile(const config::RouteMatch& match) {
  Rule rule{.match = &match, .prefix = without_slash(match.path), .regex = nullptr};
  if (match.path_kind == config::PathMatch::Regex) {
    rule.regex = std::make_unique<RE2>(match.path, expression_options());
  }
  return rule;
}

}  // namespace

struct RouteTable::Compiled {
  config::ConfigPtr config;  ///< The rules point into it.
  std::vector<Rule> rules;
  std::vector<RouteIndex> by_listener;
  bool names_hosts = false;  ///< Some route asks for a host.

  /// The first route whose rule holds for this spelling of the request's path.
  std::optional<std::uint16_t> first(const RequestView& request, std::string_view path,
                                     std::uint16_t listener) const;
};

std::optional<std::uint16_t> RouteTable::Compiled::first(const RequestView& request,
                                                         std::string_view path,
                                                         std::uint16_t listener) const {
  const std::string_view host = names_hosts ? host_name(request.host) : std::string_view{};
  for (Candidates left = by_listener[listener].candidates(path, host); left.size() > 0;) {
    const std::uint16_t index = left.pop();
    if (rules[index].matches(request, host, path)) {
      return index;
    }
  }
  return std::nullopt;
}

RouteTable::RouteTable(config::ConfigPtr config) : compiled_(std::make_unique<Compiled>()) {
  compiled_->config = std::move(config);
  const config::Config& settings = *compiled_->config;
  compiled_->rules.reserve(settings.routes.size());
  std::vector<std::uint16_t> all;
  for (const config::RouteConfig& route : settings.routes) {
    all.push_back(static_cast<std::uint16_t>(compiled_->rules.size()));
    compiled_->rules.push_back(compile(route.match));
    compiled_->names_hosts = compiled_->names_hosts || !route.match.hosts.empty();
  }
  for (const config::ListenerConfig& listener : settings.listeners) {
    std::vector<std::uint16_t> served = listener.routes.empty() ? all : listener.routes;
    std::ranges::sort(served);
    compiled_->by_listener.emplace_back(settings, std::move(served));
  }
}

RouteTable::~RouteTable() = default;

std::optional<std::uint16_t> RouteTable::match(const RequestView& request,
                                               std::uint16_t listener) const {
  if (listener >= compiled_->by_listener.size()) {
    return std::nullopt;
  }
  const auto as_it_came = compiled_->first(request, request.path, listener);
  if (request.bare_path.empty()) {
    return as_it_came;
  }
  const auto bare = compiled_->first(request, request.bare_path, listener);
  return !as_it_came || (bare && *bare < *as_it_came) ? bare : as_it_came;
}

}  // namespace fusegate::route
