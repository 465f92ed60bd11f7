#include "config_file/sections.hpp"

#include "config_file/fill.hpp"

#include <algorithm>

namespace fusegate::config_file {
namespace {

constexpr std::size_t kUpstreamsMax = 1000;
constexpr std::size_t kRoutesMax = 10'000;
constexpr std::size_t kNameMax = 64;
constexpr std::size_t kRouteNameMax = 200;

bool is_upstream_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

const Cursor* cursor_of(const Draft& draft, std::string_view section) {
  const auto found = draft.root.set.find(section);
  return found == draft.root.set.end() ? nullptr : &found->second.cursor;
}

void read_upstream(Reader& reader, const Reader::Entry& entry, Draft& draft) {
  if (!is_upstream_name(entry.name)) {
    reader.error(entry.key, fill("upstreams: {} is not a name; a name has 1 to {} letters, digits, "
                                 "\"-\", \"_\" and \".\"",
                                 quoted(entry.name), kNameMax));
  }
  Scope scope = draft.root;
  scope.upstream.name = entry.name;
  if (entry.value.node->kind == Node::Kind::Map) {
    reader.settings(entry.value, "", kUpstreamLevels, scope);
    const bool url = find(*entry.value.node, "url") != nullptr;
    const bool endpoints = find(*entry.value.node, "endpoints") != nullptr;
    if (url == endpoints) {
      reader.error(entry.key, fill("{}: {}", entry.value.path,
                                   url ? "has both url and endpoints; keep one of them"
                                       : "has no url; write url: http://host:port, or endpoints"));
    }
  } else {
    const bool text = entry.value.node->kind == Node::Kind::Scalar;
    reader.error(text ? entry.value : entry.key,
                 fill("{}: expected a map of keys with url or endpoints", entry.value.path),
                 text ? fill("write { url: {} }", entry.value.node->text) : "");
  }
  draft.upstream_places.try_emplace(entry.name, draft.upstreams.size());
  draft.upstreams.push_back(std::move(scope));
  draft.upstream_keys.push_back(Cursor{entry.key.node, entry.value.path});
}

/// The index of the upstream a route names, without reporting anything.
std::optional<std::size_t> upstream_index(const Draft& draft, std::string_view name) {
  const auto found = draft.upstream_places.find(std::string(name));
  return found == draft.upstream_places.end() ? std::nullopt : std::optional(found->second);
}

std::string meant_upstream(const Reader& reader, std::string_view name, const Draft& draft) {
  std::vector<std::string_view> names;
  for (const Scope& upstream : draft.upstreams) {
    names.push_back(upstream.upstream.name);
  }
  const auto near = reader.meant(name, names);
  return near.empty() ? "" : fill("did you mean {}?", quoted(near));
}

void check_upstream_reference(Reader& reader, const Cursor& at, Scope& scope, const Draft& draft) {
  const auto found = scope.set.find("upstream");
  if (found == scope.set.end()) {
    if (find(*at.node, "upstream") == nullptr) {
      reader.error(at, fill("{}: has no upstream; name the one that serves the route", at.path));
    }
    return;
  }
  if (const auto index = upstream_index(draft, scope.route_upstream)) {
    scope.route.upstream = static_cast<std::uint16_t>(*index);
    return;
  }
  reader.error(
      found->second.cursor,
      fill("{}: there is no upstream {}", found->second.cursor.path, quoted(scope.route_upstream)),
      meant_upstream(reader, scope.route_upstream, draft));
}

/// `fallback: { upstream: NAME }` of a route, wherever it was inherited from.
void resolve_fallback(Reader& reader, Scope& scope, const Draft& draft) {
  config::Fallback& fallback = scope.route.policy.fallback;
  const auto place = scope.set.find("fallback");
  if (fallback.kind != config::Fallback::Kind::Upstream || place == scope.set.end()) {
    return;
  }
  const Cursor& at = place->second.cursor;
  const auto index = upstream_index(draft, fallback.upstream_name);
  if (!index) {
    reader.error(at, fill("{}: there is no upstream {}", at.path, quoted(fallback.upstream_name)),
                 meant_upstream(reader, fallback.upstream_name, draft));
  } else if (*index == scope.route.upstream) {
    reader.error(at, fill("{}: {} is the route's own upstream; name another one, or write off",
                          at.path, quoted(fallback.upstream_name)));
  } else {
    fallback.upstream = static_cast<std::uint16_t>(*index);
  }
}

/// Documented in docs/configuration.md under `routes[].name`.
std::string derived_name(const config::RouteMatch& match) {
  std::string name;
  for (const auto& method : match.methods) {
    name += (name.empty() ? "" : ",") + method;
  }
  name += name.empty() ? "" : " ";
  name += match.hosts.empty() ? "" : match.hosts.front();
  return name + match.path;
}

/// Remembers what was tried for the same base: ten thousand unnamed routes that match alike would
/// else try every number for every one of them.
std::string free_name(const std::string& base, Draft& draft) {
  const auto found = draft.route_names.find(base);
  if (found == draft.route_names.end()) {
    return base;
  }
  std::string name;
  do {
    name = fill("{}#{}", base, found->second++);
  } while (draft.route_names.contains(name));
  return name;
}

void name_route(Reader& reader, Scope& scope, Draft& draft) {
  const auto given = scope.set.find("name");
  if (given == scope.set.end()) {
    scope.route.name = free_name(derived_name(scope.route.match), draft);
    return;
  }
  const Cursor& place = given->second.cursor;
  const auto& name = scope.route.name;
  if (name.empty() || name.size() > kRouteNameMax) {
    reader.error(place, fill("{}: a name has 1 to {} bytes", place.path, kRouteNameMax));
  } else if (draft.route_names.contains(name)) {
    reader.error(place, fill("{}: another route is already called {}", place.path, quoted(name)));
  }
}

void read_route(Reader& reader, const Cursor& at, Draft& draft) {
  if (at.node->kind != Node::Kind::Map) {
    reader.error(at,
                 fill("{}: expected a map of keys such as { match: /, upstream: NAME }", at.path));
    return;
  }
  const Node* const named = find(*at.node, "upstream");
  const auto index = named == nullptr ? std::nullopt : upstream_index(draft, reader.peek(*named));
  Scope scope = index ? draft.upstreams[*index] : draft.root;
  // Not a route's business, and many: a copy for each route would not fit into memory.
  scope.upstream.endpoints.clear();
  scope.upstream.endpoints.shrink_to_fit();
  scope.set.erase("name");
  scope.route.name.clear();
  reader.settings(at, "", kRouteLevels, scope);
  check_upstream_reference(reader, at, scope, draft);
  resolve_fallback(reader, scope, draft);
  if (find(*at.node, "match") == nullptr) {
    reader.error(at, fill("{}: has no match; write match: / for everything", at.path));
  }
  name_route(reader, scope, draft);
  draft.route_names.try_emplace(scope.route.name, 2);
  draft.routes.push_back(std::move(scope));
  draft.route_places.push_back(at);
}

}  // namespace

void read_upstreams(Reader& reader, const Cursor& file, Draft& draft) {
  const Cursor* const section = cursor_of(draft, "upstreams");
  if (section == nullptr) {
    if (find(*file.node, "upstreams") == nullptr) {
      reader.error(file, "upstreams is missing; a configuration needs at least one upstream",
                   "add upstreams: { app: { url: http://host:port } }");
    }
    return;
  }
  const auto entries = reader.map(*section, "a map of upstreams by name");
  if (section->node->kind == Node::Kind::Map &&
      (entries.empty() || entries.size() > kUpstreamsMax)) {
    reader.error(*section,
                 fill("upstreams: needs 1 to {} upstreams, got {}", kUpstreamsMax, entries.size()));
    return;
  }
  for (const auto& entry : entries) {
    read_upstream(reader, entry, draft);
  }
}

void read_routes(Reader& reader, const Cursor& file, Draft& draft) {
  if (const Cursor* const section = cursor_of(draft, "routes")) {
    const auto items = reader.list(*section, "a list of routes");
    if (section->node->kind == Node::Kind::List && (items.empty() || items.size() > kRoutesMax)) {
      reader.error(*section, fill("routes: needs 1 to {} routes, got {}; leave it out to send "
                                  "everything to the only upstream",
                                  kRoutesMax, items.size()));
      return;
    }
    for (const Cursor& item : items) {
      read_route(reader, item, draft);
    }
    return;
  }
  if (draft.upstreams.size() > 1) {
    reader.error(
        Cursor{cursor_of(draft, "upstreams")->node, "routes"},
        fill("routes is missing; with {} upstreams each request needs a route",
             draft.upstreams.size()),
        fill("add routes: [{ match: /, upstream: {} }]", draft.upstreams[0].upstream.name));
    return;
  }
  if (draft.upstreams.size() == 1) {
    Scope scope = draft.upstreams[0];
    scope.route.name = scope.upstream.name;
    resolve_fallback(reader, scope, draft);
    draft.routes.push_back(std::move(scope));
    draft.route_places.push_back(draft.upstream_keys.empty() ? file : draft.upstream_keys[0]);
  }
}

}  // namespace fusegate::config_file
