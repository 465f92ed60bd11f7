#include "admin/gate.hpp"
#include "admin/json.hpp"
#include "admin/pages.hpp"
#include "admin/probes.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>

namespace fusegate::admin {
namespace {

namespace json = boost::json;

constexpr std::string_view kIndex =
    "fusegate admin\n"
    "\n"
    "GET  /upstreams          breakers, budgets, limits and endpoints (JSON)\n"
    "GET  /upstreams/NAME     one of them\n"
    "GET  /routes             effective policy and counters (JSON)\n"
    "GET  /transitions        the last breaker and ejection events (JSON)\n"
    "GET  /config             the active configuration, ?defaults=1: the built-in defaults\n"
    "GET  /server_info        version, uptime and state (JSON)\n"
    "GET  /metrics            Prometheus text\n"
    "GET  /livez, /readyz     health, /readyz?verbose with every check\n"
    "\n"
    "POST /upstreams/NAME/breaker/open    refuse everything, ?for=5m: for so long\n"
    "POST /upstreams/NAME/breaker/close   refuse nothing, ?for=5m: for so long\n"
    "POST /upstreams/NAME/breaker/auto    judge again, from an empty window\n";

Response json_page(const json::value& value) {
  return {.type = Response::kJson, .body = pretty(value)};
}

template <class Item>
json::array list_of(const std::vector<Item>& items) {
  json::array array;
  for (const Item& item : items) {
    array.push_back(to_json(item));
  }
  return array;
}

Response upstream_page(std::string_view segment, const Sources& sources) {
  const std::string name = percent_decoded(segment);
  for (const telemetry::UpstreamSnapshot& upstream : sources.upstreams()) {
    if (upstream.name == name) {
      return json_page(to_json(upstream));
    }
  }
  return not_found("no upstream has this name; /upstreams lists them");
}

Response config_page(const Request& request, const Sources& sources) {
  const ServerInfo info = sources.server_info();
  json::object body{{"hash", info.config_hash},
                    {"loaded", rfc3339(info.config_loaded)},
                    {"file", info.config_file}};
  boost::system::error_code error;
  body["config"] = json::parse(sources.config(request.query("defaults") == "1"), error);
  return json_page(body);
}

std::optional<Response> read_page(const Request& request, const Sources& sources) {
  constexpr std::string_view kUpstreams = "/upstreams/";
  const std::string_view path = request.path();
  if (path == "/") {
    return Response{.body = std::string(kIndex)};
  }
  if (path == "/upstreams") {
    return json_page(json::object{{"upstreams", list_of(sources.upstreams())}});
  }
  if (path.starts_with(kUpstreams)) {
    return upstream_page(path.substr(kUpstreams.size()), sources);
  }
  if (path == "/routes") {
    return json_page(json::object{{"routes", list_of(sources.routes())}});
  }
  if (path == "/transitions") {
    return json_page(json::object{{"transitions", list_of(sources.transitions())}});
  }
  if (path == "/config") {
    return config_page(request, sources);
  }
  if (path == "/server_info") {
    return json_page(to_json(sources.server_info(), sources.wall_now()));
  }
  return probe_page(request, sources);
}

/// Paths that change something: contract, "Admin listener".
bool is_changing(std::string_view path) {
  constexpr std::string_view kPaths[] = {"/reload", "/log-level", "/drain", "/quitquitquit"};
  return std::ranges::find(kPaths, path) != std::end(kPaths) ||
         (path.starts_with("/upstreams/") && path.find("/breaker/") != std::string_view::npos);
}

}  // namespace

Response admin_page(const Request& request, const Sources& sources) {
  if (auto refusal = refuse_foreign(request)) {
    return *std::move(refusal);
  }
  if (is_changing(request.path())) {
    return request.method == "POST" ? change_page(request, sources) : method_not_allowed("POST");
  }
  const bool reads = request.method == "GET" || request.method == "HEAD";
  auto page = read_page(request, sources);
  if (!page) {
    return not_found("there is no such page; / lists them");
  }
  return reads ? *std::move(page) : method_not_allowed("GET, HEAD");
}

}  // namespace fusegate::admin
