#include "config_file/print.hpp"

#include "config_file/config_file.hpp"
#include "config_file/fill.hpp"
#include "config_file/hash.hpp"
#include "config_file/keys.hpp"

#include <algorithm>

namespace fusegate::config_file {
namespace {

constexpr std::string_view kRedacted = "(redacted)";

struct Printer {
  const std::vector<std::string>& redacted;
  Secrets secrets;

  /// Writes the keys of `level` in the order of the table; `prefix` is what `redacted` calls them.
  void keys_of(Level level, Scope& scope, const std::string& prefix, Value& out) const {
    for (const Key& key : keys()) {
      if (key.level != level) {
        continue;
      }
      auto value = write_field(key, scope);
      if (!value) {
        continue;
      }
      const auto full = prefix + std::string(key.path);
      const bool hidden =
          secrets == Secrets::Hide && std::ranges::find(redacted, full) != redacted.end();
      out.at(key.path) = hidden ? Value::string(std::string(kRedacted)) : std::move(*value);
    }
  }
};

Value print_listener(const Printer& printer, const config::Config& config, std::size_t index) {
  Scope scope;
  scope.listener = config.listeners[index];
  for (const auto route : scope.listener.routes) {
    scope.listener_routes.emplace_back(config.routes[route].name, Cursor{});
  }
  Value out;
  printer.keys_of(Level::Listener, scope, fill("listeners[{}].", index), out);
  return out;
}

Value print_route(const Printer& printer, const config::Config& config, std::size_t index) {
  Scope scope;
  scope.route = config.routes[index];
  scope.route_upstream = config.upstreams[scope.route.upstream].name;
  const auto prefix = fill("routes[{}].", index);
  Value out;
  printer.keys_of(Level::Route, scope, prefix, out);
  printer.keys_of(Level::Request, scope, prefix, out);
  return out;
}

Value print_upstream(const Printer& printer, const config::UpstreamConfig& upstream) {
  Scope scope;
  scope.upstream = upstream;
  const auto prefix = fill("upstreams.{}.", upstream.name);
  Value out;
  printer.keys_of(Level::UpstreamOwn, scope, prefix, out);
  printer.keys_of(Level::Upstream, scope, prefix, out);
  return out;
}

/// Global keys stand before `upstreams` in a file, but logs, metrics and the rest come after it.
bool is_tail(const std::string& name) {
  return name == "log" || name == "metrics" || name == "tracing" || name == "state_file";
}

void append_globals(const Value& globals, bool tail, Value& out) {
  for (const auto& entry : globals.entries) {
    if (is_tail(entry.first) == tail) {
      out.entries.push_back(entry);
    }
  }
}

Value print_globals(const Printer& printer, const config::Config& config) {
  Scope scope;
  scope.global = config;
  Value globals;
  printer.keys_of(Level::Global, scope, "", globals);
  std::erase_if(globals.entries, [](const auto& entry) { return entry.first == "listen"; });
  return globals;
}

}  // namespace

Value print(const config::Config& config, Secrets secrets) {
  const Printer printer{config.redacted, secrets};
  const Value globals = print_globals(printer, config);
  Value out;
  Value& listeners = out.at("listeners") = Value::list();
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    listeners.items.push_back(print_listener(printer, config, i));
  }
  append_globals(globals, false, out);
  Value upstreams;
  for (const auto& upstream : config.upstreams) {
    upstreams.entries.emplace_back(upstream.name, print_upstream(printer, upstream));
  }
  out.at("upstreams") = std::move(upstreams);
  Value routes = Value::list();
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    routes.items.push_back(print_route(printer, config, i));
  }
  out.at("routes") = std::move(routes);
  append_globals(globals, true, out);
  return out;
}

std::string dump(const config::Config& config, Format format) {
  const Value value = print(config, Secrets::Hide);
  return format == Format::Yaml ? to_yaml(value) : to_json(value);
}

std::string settings_hash(const config::UpstreamConfig& upstream) {
  const std::vector<std::string> nothing;
  return sha256_hex(to_json(print_upstream(Printer{nothing, Secrets::Show}, upstream)));
}

std::string dump_defaults(Format format) {
  Scope scope = default_scope();
  const std::vector<std::string> nothing;
  const Printer printer{nothing, Secrets::Hide};
  const Value globals = print_globals(printer, scope.global);
  Value out;
  out.at("listen") = Value::string(scope.listener.address.text);
  append_globals(globals, false, out);
  Value& defaults = out.at("defaults");
  printer.keys_of(Level::Request, scope, "", defaults);
  printer.keys_of(Level::Upstream, scope, "", defaults);
  out.at("upstreams.example.url") = Value::string("http://127.0.0.1:8081");
  scope.route.name = "example";
  scope.route_upstream = "example";
  Value route;
  printer.keys_of(Level::Route, scope, "", route);
  Value routes = Value::list();
  routes.items.push_back(std::move(route));
  out.at("routes") = std::move(routes);
  append_globals(globals, true, out);
  return format == Format::Yaml ? to_yaml(out) : to_json(out);
}

std::string minimal_file(std::string_view listen, std::string_view upstream_url) {
  Value out;
  out.at("listen") = Value::string(std::string(listen));
  out.at("upstreams.default.url") = Value::string(std::string(upstream_url));
  return to_yaml(out);
}

}  // namespace fusegate::config_file
