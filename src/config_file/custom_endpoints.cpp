#include "config_file/address.hpp"
#include "config_file/custom.hpp"
#include "config_file/fill.hpp"
#include "config_file/reader.hpp"

#include <algorithm>

/// Where an upstream is: its URL, or its list of endpoints.
namespace fusegate::config_file {
namespace {

constexpr std::size_t kEndpointsMax = 1000;

std::optional<config::Endpoint> read_server(Reader& reader, const Cursor& at,
                                            Parsed<config::Endpoint> (*parse)(std::string_view)) {
  const auto text = reader.text(at);
  if (!text) {
    return std::nullopt;
  }
  auto endpoint = parse(*text);
  if (!endpoint) {
    reader.error(at, fill("{}: {}", at.path, endpoint.error()));
    return std::nullopt;
  }
  return *endpoint;
}

}  // namespace

void read_url(Reader& reader, const Cursor& at, Scope& scope) {
  if (auto endpoint = read_server(reader, at, parse_url)) {
    scope.upstream.by_url = true;
    scope.upstream.endpoints = {std::move(*endpoint)};
  }
}
std::optional<Value> write_url(Scope& scope) {
  const auto& upstream = scope.upstream;
  if (!upstream.by_url || upstream.endpoints.empty()) {
    return std::nullopt;
  }
  return Value::string(format_endpoint(upstream.endpoints[0]));
}

void read_endpoints(Reader& reader, const Cursor& at, Scope& scope) {
  std::vector<config::Endpoint> endpoints;
  const auto items = reader.list(at, "a list such as [10.0.0.7:8080]");
  if (items.size() > kEndpointsMax || (items.empty() && at.node->kind == Node::Kind::List)) {
    reader.error(at,
                 fill("{}: needs 1 to {} endpoints, got {}", at.path, kEndpointsMax, items.size()));
    return;
  }
  for (const Cursor& item : items) {
    auto endpoint = read_server(reader, item, parse_endpoint);
    if (endpoint && std::ranges::find(endpoints, *endpoint) != endpoints.end()) {
      reader.error(item, fill("{}: {} is listed twice", item.path, format_endpoint(*endpoint)));
    } else if (endpoint && !endpoints.empty() && endpoint->https != endpoints.front().https) {
      reader.error(item,
                   fill("{}: {} and {} in one upstream; write https:// before all of them, or "
                        "before none",
                        item.path, format_endpoint(endpoints.front()), format_endpoint(*endpoint)));
    } else if (endpoint) {
      endpoints.push_back(std::move(*endpoint));
    }
  }
  scope.upstream.by_url = false;
  scope.upstream.endpoints = std::move(endpoints);
}
std::optional<Value> write_endpoints(Scope& scope) {
  if (scope.upstream.by_url) {
    return std::nullopt;
  }
  Value list = Value::list();
  for (const auto& endpoint : scope.upstream.endpoints) {
    list.items.push_back(Value::string(format_endpoint(endpoint)));
  }
  return list;
}

}  // namespace fusegate::config_file
