// Routes, upstreams and listeners that nothing reaches, or anything.
#include <fusegate/route/coverage.hpp>
#include <fusegate/route/path.hpp>

#include "advice/rules.hpp"

#include <algorithm>

namespace fusegate::advice {
namespace {

/// What is wrong with a path that requests are compared with in their canonical form; empty =
/// nothing.
std::string path_problem(const config::RouteMatch& match, std::string& canonical) {
  std::string scratch;
  const auto result = route::canonical_path(match.path, scratch);
  if (!result) {
    return fill("such requests are refused with 400: {}", result.error().detail);
  }
  canonical = *result;
  const bool same = canonical == match.path;
  return same ? std::string()
              : fill("requests are compared in their canonical form, which is \"{}\" for this",
                     canonical);
}

void unreachable_path(const Study& study, std::size_t index) {
  const auto& match = study.config.routes[index].match;
  if (match.path_kind == config::PathMatch::Regex) {
    return;
  }
  std::string canonical;
  const auto problem = path_problem(match, canonical);
  if (!problem.empty()) {
    study.add(Code::RoutePathUnreachable, Section::Route, index,
              {"match.path", "match.path_prefix", "match"}, "never used; " + problem,
              canonical.empty() ? "take the route out" : fill("write \"{}\"", canonical));
  }
}

void shadowed(const Study& study, const route::Coverage& coverage, std::size_t index) {
  const auto& routes = study.config.routes;
  const auto before = coverage.shadowing(static_cast<std::uint16_t>(index));
  if (before.empty()) {
    return;
  }
  std::vector<std::string> names;
  for (const auto earlier : before) {
    names.push_back("\"" + routes[earlier].name + "\"");
  }
  study.add(Code::RouteShadowed, Section::Route, index, {},
            fill("never used; {} before it {} every such request", listed(names),
                 names.size() == 1 ? "matches" : "match together"),
            "the first match wins: put the narrower route first");
}

bool is_served(const config::Config& config, std::size_t index) {
  return std::ranges::any_of(config.listeners, [&](const auto& listener) {
    return listener.routes.empty() ||
           std::ranges::find(listener.routes, index) != listener.routes.end();
  });
}

}  // namespace

void study_routes(const Study& study) {
  const config::Config& config = study.config;
  const route::Coverage coverage(config);
  std::vector<bool> used(config.upstreams.size());
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    used[config.routes[i].upstream] = true;
    const config::Fallback& fallback = config.routes[i].policy.fallback;
    if (fallback.kind == config::Fallback::Kind::Upstream) {
      used[fallback.upstream] = true;
    }
    unreachable_path(study, i);
    shadowed(study, coverage, i);
    if (!is_served(config, i)) {
      study.add(Code::RouteUnserved, Section::Route, i, {},
                "never used; no listener names it among its routes",
                "add it to the routes of a listener, or leave that list out");
    }
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) {
      study.add(Code::UpstreamUnused, Section::Upstream, i, {}, "no route leads to it",
                "add a route, or take it out");
    }
  }
}

void study_listeners(const Study& study) {
  for (std::size_t i = 0; i < study.config.listeners.size(); ++i) {
    const auto everyone = [](const config::Network& network) { return network.prefix == 0; };
    if (std::ranges::any_of(study.config.listeners[i].trust, everyone)) {
      study.add(Code::TrustEveryone, Section::Listener, i, {"trust"},
                "it holds every address, so any client may forge x-forwarded-for and switch off "
                "retries with fusegate-attempt",
                "name the networks of your proxies");
    }
  }
}

}  // namespace fusegate::advice
