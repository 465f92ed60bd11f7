#include "config_file/fill.hpp"
#include "config_file/sections.hpp"

#include <algorithm>
#include <unordered_map>

namespace fusegate::config_file {
namespace {

constexpr std::size_t kListenersMax = 64;

void resolve_routes(Reader& reader, Scope& scope, const Draft& draft) {
  std::vector<std::string_view> names;
  std::unordered_map<std::string_view, std::uint16_t> places;
  for (const Scope& route : draft.routes) {
    places.try_emplace(route.route.name, static_cast<std::uint16_t>(names.size()));
    names.push_back(route.route.name);
  }
  for (const auto& [name, at] : scope.listener_routes) {
    const auto found = places.find(name);
    if (found != places.end()) {
      scope.listener.routes.push_back(found->second);
      continue;
    }
    const auto near = reader.meant(name, names);
    reader.error(at, fill("{}: there is no route {}", at.path, quoted(name)),
                 near.empty() ? "" : fill("did you mean {}?", quoted(near)));
  }
  // The table keeps file order, whatever the order of the names here.
  std::ranges::sort(scope.listener.routes);
  const auto rest = std::ranges::unique(scope.listener.routes);
  scope.listener.routes.erase(rest.begin(), rest.end());
}

/// Reports a listener that repeats a name or an address.
void check_unique(Reader& reader, const Cursor& at, const Scope& scope, const Draft& draft) {
  const auto place_of = [&](std::string_view key) {
    const auto found = scope.set.find(key);
    return found == scope.set.end() ? at : found->second.cursor;
  };
  for (const Scope& other : draft.listeners) {
    if (other.listener.name == scope.listener.name) {
      reader.error(place_of("name"), fill("{}: another listener is already called {}", at.path,
                                          quoted(scope.listener.name)));
    }
    const bool chosen_by_system = scope.listener.address.text.ends_with(":0");
    if (other.listener.address == scope.listener.address && !chosen_by_system) {
      reader.error(place_of("address"), fill("{}: {} is already taken by listener {}", at.path,
                                             scope.listener.address.text, other.listener.name));
    }
  }
}

void read_listener(Reader& reader, const Cursor& at, Draft& draft) {
  if (at.node->kind != Node::Kind::Map) {
    reader.error(at,
                 fill("{}: expected a map of keys such as { address: 127.0.0.1:8080 }", at.path));
    return;
  }
  Scope scope = draft.root;
  reader.settings(at, "", kListenerLevels, scope);
  if (find(*at.node, "address") == nullptr) {
    reader.error(at, fill("{}: has no address; write address: 127.0.0.1:8080", at.path));
  }
  if (scope.listener.name.empty()) {
    reader.error(at, fill("{}: the name must not be empty", at.path));
  }
  resolve_routes(reader, scope, draft);
  check_unique(reader, at, scope, draft);
  draft.listeners.push_back(std::move(scope));
  draft.listener_places.push_back(at);
}

}  // namespace

void read_listeners(Reader& reader, const Cursor& file, Draft& draft) {
  const Node* const short_form = find(*file.node, "listen");
  const auto section = draft.root.set.find("listeners");
  if (section == draft.root.set.end()) {
    draft.listeners.push_back(draft.root);
    draft.listener_places.push_back(file);
    return;
  }
  const Cursor at = section->second.cursor;
  if (short_form != nullptr) {
    reader.error(at, "listeners: the file also has listen, its short form; keep one of them");
  }
  const auto items = reader.list(at, "a list of listeners");
  if (at.node->kind == Node::Kind::List && (items.empty() || items.size() > kListenersMax)) {
    reader.error(at,
                 fill("listeners: needs 1 to {} listeners, got {}", kListenersMax, items.size()));
    return;
  }
  for (const Cursor& item : items) {
    read_listener(reader, item, draft);
  }
}

}  // namespace fusegate::config_file
