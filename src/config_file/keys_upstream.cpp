#include "config_file/custom.hpp"
#include "config_file/keys.hpp"

namespace fusegate::config_file {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kBalances[]{"p2c", "least_requests", "round_robin"};
constexpr std::string_view kFamilies[]{"any", "ipv4", "ipv6"};
constexpr std::string_view kModes[]{"open", "shed", "shadow", "off"};

std::vector<Key> connection_keys() {
  return {
      {Level::Upstream, "connect_timeout",
       DurationField{[](Scope& s) -> auto& { return s.upstream.connect_timeout; }, 1ms, 5min},
       "Time for a new connection, its TLS handshake included; part of the attempt's time."},
      {Level::Upstream, "balance",
       word_field<[](Scope& s) -> auto& { return s.upstream.balance; }>(kBalances),
       "`p2c` (the less busy of two drawn at random), `least_requests` or `round_robin`."},
      {Level::Upstream, "connections.max_per_endpoint",
       IntegerField{[](Scope& s) -> auto& { return s.upstream.connections.max_per_endpoint; }, 1,
                    65'535},
       "Connections to one endpoint."},
      {Level::Upstream, "connections.max_idle",
       IntegerField{[](Scope& s) -> auto& { return s.upstream.connections.max_idle; }, 0, 65'535},
       "Idle connections kept for each endpoint beside those used within the last second; 0 = "
       "every request has its own."},
      {Level::Upstream, "connections.idle_timeout",
       DurationField{[](Scope& s) -> auto& { return s.upstream.connections.idle_timeout; }, 1ms,
                     24h},
       "An idle connection is closed after this long."},
      {Level::Upstream, "dns.refresh",
       DurationField{[](Scope& s) -> auto& { return s.upstream.dns.refresh; }, 100ms, 24h},
       "How often names are resolved again."},
      {Level::Upstream, "dns.family",
       word_field<[](Scope& s) -> auto& { return s.upstream.dns.family; }>(kFamilies),
       "Which addresses of a name are used: `any`, `ipv4` or `ipv6`."},
      {Level::Upstream, "dns.keep_last_good",
       BoolField{[](Scope& s) -> auto& { return s.upstream.dns.keep_last_good; }},
       "Keep the last addresses while a name cannot be resolved."},
      {Level::Upstream, "tls.ca_file",
       TextField{[](Scope& s) -> auto& { return s.upstream.tls.ca_file; }},
       "File of the authorities that `https` servers are believed to be certified by, and of "
       "revocation lists if wanted; empty = the system's authorities."},
      {Level::Upstream, "tls.certificate",
       TextField{[](Scope& s) -> auto& { return s.upstream.tls.certificate; }},
       "File of the certificate chain that is shown to a server that asks for one; empty = none."},
      {Level::Upstream, "tls.key", TextField{[](Scope& s) -> auto& { return s.upstream.tls.key; }},
       "File of its private key."},
      {Level::Upstream, "tls.server_name",
       TextField{[](Scope& s) -> auto& { return s.upstream.tls.server_name; }},
       "The name the server must prove to be, and is asked for (SNI); empty = the host of the url "
       "or endpoint."},
      {Level::Upstream, "tls.verify",
       BoolField{[](Scope& s) -> auto& { return s.upstream.tls.verify; }},
       "Check the server's certificate; without it anybody on the way can read and change "
       "everything."},
      {Level::Upstream, "retry_budget.percent",
       PercentField{[](Scope& s) -> auto& { return s.upstream.retry_budget.percent; }},
       "Retries and hedges together, as a share of the requests in the window."},
      {Level::Upstream, "retry_budget.window",
       DurationField{[](Scope& s) -> auto& { return s.upstream.retry_budget.window; }, 1s, 10min},
       "The window."},
      {Level::Upstream, "retry_budget.min_retries",
       IntegerField{[](Scope& s) -> auto& { return s.upstream.retry_budget.min_retries; }, 0,
                    100'000},
       "Retries per window that are always allowed."},
  };
}

std::vector<Key> breaker_keys() {
  return {
      {Level::Upstream, "breaker.mode",
       word_field<[](Scope& s) -> auto& { return s.upstream.breaker.mode; }>(kModes),
       "`open` = refuse while open; `shed` = refuse the share that the upstream does not accept; "
       "`shadow` = only tell what `open` would do; `off` = no breaker."},
      {Level::Upstream, "breaker.consecutive_failures",
       IntegerField{[](Scope& s) -> auto& { return s.upstream.breaker.consecutive_failures; }, 0,
                    10'000},
       "A run of failures that opens it, if so long a run is improbable at the rate seen before; "
       "0 = not by this."},
      {Level::Upstream, "breaker.failure_rate.threshold",
       PercentField{[](Scope& s) -> auto& { return s.upstream.breaker.failure_rate.threshold; }},
       "The share of failures in the window that opens it; 0% = not by this."},
      {Level::Upstream, "breaker.failure_rate.min_requests",
       IntegerField{[](Scope& s) -> auto& { return s.upstream.breaker.failure_rate.min_requests; },
                    1, 1'000'000},
       "With fewer results in the window the rate says nothing."},
      {Level::Upstream, "breaker.failure_rate.window",
       DurationField{[](Scope& s) -> auto& { return s.upstream.breaker.failure_rate.window; }, 1s,
                     10min},
       "The window."},
      {Level::Upstream, "breaker.slow_rate.threshold",
       PercentField{[](Scope& s) -> auto& { return s.upstream.breaker.slow_rate.threshold; }},
       "The share of slow responses that opens it; 0% = not by this. Same window and volume as the "
       "failure rate."},
      {Level::Upstream, "breaker.slow_rate.slower_than",
       DurationField{[](Scope& s) -> auto& { return s.upstream.breaker.slow_rate.slower_than; },
                     1ms, 1h},
       "A response whose head takes longer is slow."},
      {Level::Upstream, "breaker.open.initial",
       DurationField{[](Scope& s) -> auto& { return s.upstream.breaker.open.initial; }, 10ms, 1h},
       "How long it stays open the first time."},
      {Level::Upstream, "breaker.open.max",
       DurationField{[](Scope& s) -> auto& { return s.upstream.breaker.open.max; }, 10ms, 24h},
       "It never stays open longer at a stretch."},
      {Level::Upstream, "breaker.open.factor",
       NumberField{[](Scope& s) -> auto& { return s.upstream.breaker.open.factor; }, 1, 10},
       "Growth of the open time when it opens again."},
      {Level::Upstream, "breaker.open.jitter",
       word_field<[](Scope& s) -> auto& { return s.upstream.breaker.open.jitter; }>(kJitters),
       "`full` = anything from 0 to the open time, `equal` = from half of it, `none` = exactly "
       "it."},
      {Level::Upstream, "breaker.half_open.probes",
       IntegerField{[](Scope& s) -> auto& { return s.upstream.breaker.half_open.probes; }, 1, 16},
       "Probes in flight at once."},
      {Level::Upstream, "breaker.half_open.successes",
       IntegerField{[](Scope& s) -> auto& { return s.upstream.breaker.half_open.successes; }, 1,
                    1000},
       "Successful probes needed before traffic returns."},
      {Level::Upstream, "breaker.ramp.from",
       PercentField{[](Scope& s) -> auto& { return s.upstream.breaker.ramp.from; }},
       "The share of requests let through when traffic returns."},
      {Level::Upstream, "breaker.ramp.over",
       DurationField{[](Scope& s) -> auto& { return s.upstream.breaker.ramp.over; }, 0s, 1h},
       "Time until all are let through again; 0s = at once."},
  };
}

std::vector<Key> endpoint_keys() {
  return {
      {Level::Upstream, "ejection.enabled",
       BoolField{[](Scope& s) -> auto& { return s.upstream.ejection.enabled; }},
       "The breaker's machine for each endpoint: a failing one is left out for a while."},
      {Level::Upstream, "ejection.max_percent",
       PercentField{[](Scope& s) -> auto& { return s.upstream.ejection.max_percent; }},
       "The most endpoints ejected at once, counted after the ejection; the last is never "
       "ejected."},
      {Level::Upstream, "concurrency.max_in_flight",
       IntegerField{[](Scope& s) -> auto& { return s.upstream.concurrency.max_in_flight; }, 1,
                    1'000'000},
       "Attempts in flight at once."},
      {Level::Upstream, "concurrency.adaptive",
       BoolField{[](Scope& s) -> auto& { return s.upstream.concurrency.adaptive; }},
       "Learn from the answers how much each endpoint can take, and refuse what is over it at once "
       "instead of letting work pile up whose callers have left; `max_in_flight` stays the bound."},
      {Level::Upstream, "concurrency.queue.length",
       IntegerField{[](Scope& s) -> auto& { return s.upstream.concurrency.queue.length; }, 0,
                    100'000},
       "Requests that may wait for a place; 0 = none."},
      {Level::Upstream, "concurrency.queue.wait",
       DurationField{[](Scope& s) -> auto& { return s.upstream.concurrency.queue.wait; }, 0s, 5min},
       "How long one waits at most."},
      {Level::Upstream, "health_check",
       CustomField{
           read_health_check, write_health_check,
           R"({"anyOf": [{"const": "off"}, {"type": "object", "additionalProperties": false, )"
           R"("patternProperties": {"^x-": {}}, "properties": {"path": {"type": "string"}, )"
           R"("interval": {"$ref": "#/definitions/duration"}, )"
           R"("timeout": {"$ref": "#/definitions/duration"}, )"
           R"("healthy": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 100}, )"
           R"({"$ref": "#/definitions/variable"}]}, )"
           R"("unhealthy": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 100}, )"
           R"({"$ref": "#/definitions/variable"}]}}}]})"},
       "Active checks of each endpoint: `off`, or a map of `path`, `interval`, `timeout`, "
       "`healthy` "
       "and `unhealthy`."},
  };
}

}  // namespace

std::vector<Key> upstream_keys() {
  std::vector<Key> all = connection_keys();
  const std::vector<Key> own{
      {Level::UpstreamOwn, "url",
       CustomField{read_url, write_url, R"({"$ref": "#/definitions/text"})"},
       "`http://host[:port]`, `https://host[:port]` or `unix:/path`. Every address the name has is "
       "an endpoint."},
      {Level::UpstreamOwn, "endpoints",
       CustomField{read_endpoints, write_endpoints, R"({"$ref": "#/definitions/texts"})"},
       "Instead of `url`: a list of urls or `host:port`, each an endpoint; all of them `https`, or "
       "none."},
  };
  for (const auto& part : {breaker_keys(), endpoint_keys(), own}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace fusegate::config_file
