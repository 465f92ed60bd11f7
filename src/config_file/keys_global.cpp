#include "config_file/custom.hpp"
#include "config_file/keys.hpp"

namespace fusegate::config_file {
namespace {

using namespace std::chrono_literals;
using config::Bytes;
constexpr Bytes kKiB = 1024;
constexpr Bytes kMiB = 1024 * kKiB;
constexpr Bytes kGiB = 1024 * kMiB;

constexpr std::string_view kText = R"({"$ref": "#/definitions/text"})";

std::vector<Key> listener_keys() {
  return {
      {Level::Global, "listen", CustomField{read_listen, write_listen, kText},
       "Short form of one listener: `host:port`, `[v6]:port` or `unix:/path`."},
      {Level::Global, "listeners",
       SectionField{
           R"({"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/listener"}})"},
       "Long form, instead of `listen`: a list of listeners."},
      {Level::Listener, "name", TextField{[](Scope& s) -> auto& { return s.listener.name; }},
       "The name in logs and metrics; unique."},
      {Level::Listener, "address", CustomField{read_listen, write_listen, kText},
       "`host:port`, `[v6]:port` or `unix:/path`; required."},
      {Level::Listener, "tls.certificate",
       TextField{[](Scope& s) -> auto& { return s.listener.tls.certificate; }},
       "File of the certificate chain, the listener's own first; empty = plain text."},
      {Level::Listener, "tls.key", TextField{[](Scope& s) -> auto& { return s.listener.tls.key; }},
       "File of its private key."},
      {Level::Listener, "tls.client_ca",
       TextField{[](Scope& s) -> auto& { return s.listener.tls.client_ca; }},
       "File of the authorities of client certificates, and of revocation lists if wanted; not "
       "empty = clients must show a certificate."},
      {Level::Listener, "trust",
       CustomField{read_trust, write_trust, R"({"$ref": "#/definitions/texts"})"},
       "Networks of the peers whose `x-forwarded-*`, deadline and `fusegate-*` request headers are "
       "believed. The peers of a unix socket are trusted unless the list is empty."},
      {Level::Listener, "routes",
       CustomField{read_listener_routes, write_listener_routes,
                   R"({"$ref": "#/definitions/texts"})"},
       "Names of the routes of this listener; absent = all routes, in file order."},
  };
}

std::vector<Key> process_keys() {
  return {
      {Level::Global, "status.listen", CustomField{read_status_listen, write_status_listen, kText},
       "Address of the read-only status listener (`/livez`, `/readyz`, `/startupz`, `/metrics`), "
       "which the kubelet and Prometheus reach on the pod's address; `off` = none."},
      {Level::Global, "admin.listen", CustomField{read_admin_listen, write_admin_listen, kText},
       "Address of the admin listener: loopback or a unix socket; `off` = none."},
      {Level::Global, "runtime.workers",
       IntegerField{[](Scope& s) -> auto& { return s.global.runtime.workers; }, 1, 64},
       "Event loops. Breakers, budgets and limits are exact across them."},
      {Level::Global, "runtime.max_connections",
       IntegerField{[](Scope& s) -> auto& { return s.global.runtime.max_connections; }, 1,
                    1'000'000},
       "Client connections of all listeners together."},
      {Level::Global, "shutdown.delay",
       DurationField{[](Scope& s) -> auto& { return s.global.shutdown.delay; }, 0s, 1h},
       "Keep accepting this long after SIGTERM."},
      {Level::Global, "shutdown.drain_timeout",
       DurationField{[](Scope& s) -> auto& { return s.global.shutdown.drain_timeout; }, 0s, 1h},
       "After SIGTERM and the delay: how long running requests may take before they are cut."},
      {Level::Global, "reload.watch",
       BoolField{[](Scope& s) -> auto& { return s.global.reload_watch; }},
       "Watch the directory of the file and load it again when it changes. Takes effect with hot "
       "reload, which this version does not have yet."},
  };
}

std::vector<Key> limit_keys() {
  return {
      {Level::Global, "limits.request_head",
       SizeField{[](Scope& s) -> auto& { return s.global.limits.request_head; }, kKiB, kMiB},
       "First line and fields of a request; over it: 431 (414 for the first line alone)."},
      {Level::Global, "limits.header_count",
       IntegerField{[](Scope& s) -> auto& { return s.global.limits.header_count; }, 1, 10'000},
       "Fields of a request; over it: 431."},
      {Level::Global, "limits.request_body",
       SizeField{[](Scope& s) -> auto& { return s.global.limits.request_body; }, 0, 1024 * kGiB},
       "Bytes of a request body; over it: 413. `0B` = no limit: bodies are streamed, not held."},
      {Level::Global, "limits.response_head",
       SizeField{[](Scope& s) -> auto& { return s.global.limits.response_head; }, kKiB, kMiB},
       "Bytes of a response's first line and fields; over it: 502."},
      {Level::Global, "limits.head_timeout",
       DurationField{[](Scope& s) -> auto& { return s.global.limits.head_timeout; }, 10ms, 1h},
       "From the first byte of a request to the end of its head; over it: 408. A TLS handshake may "
       "take as long; over it: closed."},
      {Level::Global, "limits.keepalive_timeout",
       DurationField{[](Scope& s) -> auto& { return s.global.limits.keepalive_timeout; }, 10ms,
                     24h},
       "A client's connection between requests; over it: closed."},
      {Level::Global, "limits.body_timeout",
       DurationField{[](Scope& s) -> auto& { return s.global.limits.body_timeout; }, 10ms, 1h},
       "A body that stops moving, in either direction: 408 or a cut, never a hang."},
      {Level::Global, "limits.replay_memory",
       SizeField{[](Scope& s) -> auto& { return s.global.limits.replay_memory; }, 0, 64 * kGiB},
       "All replay buffers of the process together."},
      {Level::Global, "defaults", SectionField{R"({"$ref": "#/definitions/defaults"})"},
       "What upstreams and routes inherit: every key marked [request] or [upstream]."},
      {Level::Global, "upstreams",
       SectionField{
           R"({"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/definitions/upstream"}})"},
       "The servers behind, by name; at least one."},
      {Level::Global, "routes",
       SectionField{R"({"type": "array", "items": {"$ref": "#/definitions/route"}})"},
       "A list; the first match wins, in file order. Absent with one upstream = everything goes to "
       "it."},
  };
}

}  // namespace

std::vector<Key> global_keys() {
  auto all = listener_keys();
  for (const auto& part : {process_keys(), limit_keys()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace fusegate::config_file
