#pragma once

#include <fusegate/advice/advice.hpp>

#include "config_file/keys.hpp"
#include "config_file/reader.hpp"

#include <string>
#include <unordered_map>
#include <vector>

/// The parts of a file that refer to each other: upstreams, routes and listeners.
namespace fusegate::config_file {

/// A file while it is put together. Scopes stay in the order of the file.
struct Draft {
  Scope root = default_scope();
  std::vector<Scope> upstreams;
  std::unordered_map<std::string, std::size_t> upstream_places;  ///< By name, in `upstreams`.
  std::vector<Cursor> upstream_keys;  ///< Where each upstream's name stands.
  std::vector<Scope> routes;
  /// Names of routes, each with the number that a next one derived from it begins to look at.
  std::unordered_map<std::string, int> route_names;
  std::vector<Cursor> route_places;
  std::vector<Scope> listeners;
  std::vector<Cursor> listener_places;
};

void read_upstreams(Reader& reader, const Cursor& file, Draft& draft);
/// Needs the upstreams. Resolves their names and makes up the names of unnamed routes.
void read_routes(Reader& reader, const Cursor& file, Draft& draft);
/// Needs the routes.
void read_listeners(Reader& reader, const Cursor& file, Draft& draft);

/// What no single key shows: settings that contradict each other.
void check_relations(Reader& reader, Draft& draft);

/// Warns of what the finished configuration will not do. Needs a draft without errors.
void warn(Reader& reader, const Draft& draft, const Cursor& file, const config::Config& config,
          const advice::Assumptions& given);

}  // namespace fusegate::config_file
