#include "admin/pages.hpp"
#include "admin/probes.hpp"

namespace fusegate::admin {

std::optional<Response> probe_page(const Request& request, const Sources& sources) {
  const std::string_view path = request.path();
  if (path == "/livez" || path == "/healthz") {
    return word_page(sources.live(), "live", "not live");
  }
  if (path == "/readyz") {
    return ready_page(sources.ready(), !request.query("verbose").empty());
  }
  if (path == "/metrics") {
    return Response{.type = telemetry::Metrics::kContentType, .body = sources.metrics()};
  }
  return std::nullopt;
}

Response word_page(bool good, std::string_view yes, std::string_view no) {
  return {.status = good ? 200u : 503u, .body = std::string(good ? yes : no) + '\n'};
}

Response ready_page(const std::vector<Check>& checks, bool verbose) {
  std::string list;
  std::string failing;
  for (const Check& check : checks) {
    list += (check.ok ? "[+]" : "[-]") + check.name + (check.ok ? " ok\n" : " failed\n");
    if (!check.ok) {
      failing += (failing.empty() ? "" : ", ") + check.name;
    }
  }
  const bool ready = failing.empty();
  const std::string verdict = ready ? "ready\n" : "not ready: " + failing + '\n';
  return {.status = ready ? 200u : 503u, .body = verbose ? list + verdict : verdict};
}

Response status_page(const Request& request, const Sources& sources) {
  const std::string_view path = request.path();
  const bool known = path == "/livez" || path == "/healthz" || path == "/readyz" ||
                     path == "/startupz" || path == "/metrics";
  if (!known) {
    return not_found("here are /livez, /readyz, /startupz and /metrics");
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return method_not_allowed("GET, HEAD");
  }
  if (path == "/startupz") {
    return word_page(sources.started(), "started", "starting");
  }
  return *probe_page(request, sources);
}

}  // namespace fusegate::admin
