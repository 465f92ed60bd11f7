#include "telemetry/metric_list.hpp"

#include <algorithm>

namespace fusegate::telemetry {
namespace {

using enum MetricType;

constexpr MetricInfo kMetrics[] = {
    {"fusegate_requests_total", Counter, "route,upstream,code,result",
     "Client requests completed, by the status the client saw."},
    {"fusegate_request_duration_seconds", Histogram, "route,upstream",
     "Time from the last byte of the request head to the last byte of the response, all attempts "
     "included."},
    {"fusegate_requests_in_flight", Gauge, "route", "Client requests being handled now."},
    {"fusegate_rejected_total", Counter, "route,upstream,reason",
     "Requests answered by Fusegate itself without a usable upstream response."},
    {"fusegate_recovered_total", Counter, "route,upstream",
     "Requests that failed at first and succeeded on a later attempt."},
    {"fusegate_request_bytes_total", Counter, "route", "Request body bytes received from clients."},
    {"fusegate_response_bytes_total", Counter, "route", "Response body bytes sent to clients."},
    {"fusegate_attempts_total", Counter, "upstream,kind,result,code",
     "Attempts sent to an upstream, first tries, retries and hedges alike."},
    {"fusegate_attempt_duration_seconds", Histogram, "upstream",
     "Time of one attempt until the response head, or its failure."},
    {"fusegate_retries_total", Counter, "route,upstream,reason",
     "Retries started, by the failure that caused them."},
    {"fusegate_retries_denied_total", Counter, "route,upstream,reason",
     "Failed attempts that were not retried, by the rule that forbade it."},
    {"fusegate_retry_backoff_seconds_total", Counter, "route",
     "Time spent waiting between attempts."},
    {"fusegate_retry_budget_available", Gauge, "upstream",
     "Retries the budget would allow at this moment."},
    {"fusegate_retry_budget_capacity", Gauge, "upstream",
     "Retries the budget allows in the current window."},
    {"fusegate_hedges_total", Counter, "route,upstream,result",
     "Hedged attempts, by whether the hedge or the first attempt answered."},
    {"fusegate_breaker_state", Gauge, "upstream,state",
     "1 for the state the breaker is in, 0 for the others."},
    {"fusegate_breaker_state_seconds_total", Counter, "upstream,state",
     "Time the breaker has spent in each state."},
    {"fusegate_breaker_transitions_total", Counter, "upstream,from,to,reason",
     "State changes of the breaker."},
    {"fusegate_breaker_failure_ratio", Gauge, "upstream",
     "Failed share of the attempts in the breaker window, 0 to 1."},
    {"fusegate_breaker_window_attempts", Gauge, "upstream", "Attempts in the breaker window."},
    {"fusegate_breaker_open_until_timestamp_seconds", Gauge, "upstream",
     "Unix time at which the open breaker will admit a probe, 0 when it is not open."},
    {"fusegate_breaker_probes_total", Counter, "upstream,result", "Half-open probes, by result."},
    {"fusegate_breaker_info", Gauge, "upstream,mode",
     "Always 1; the label is the mode the breaker is in."},
    {"fusegate_breaker_shadow_refusals_total", Counter, "upstream",
     "Attempts that a breaker in shadow mode let through and would have refused."},
    {"fusegate_endpoints", Gauge, "upstream,state", "Resolved endpoints, by state."},
    {"fusegate_endpoint_ejections_total", Counter, "upstream,reason",
     "Endpoints taken out of rotation."},
    {"fusegate_concurrency_limit", Gauge, "upstream", "Attempts allowed in flight at once."},
    {"fusegate_attempts_in_flight", Gauge, "upstream", "Attempts in flight."},
    {"fusegate_queue_length", Gauge, "upstream", "Requests waiting for a slot."},
    {"fusegate_queue_wait_seconds", Histogram, "upstream", "Time requests waited for a slot."},
    {"fusegate_upstream_connections", Gauge, "upstream,state",
     "Upstream connections, idle or active."},
    {"fusegate_upstream_connects_total", Counter, "upstream,result",
     "Connection attempts to upstream endpoints."},
    {"fusegate_upstream_connect_duration_seconds", Histogram, "upstream",
     "TCP and TLS connect time."},
    {"fusegate_downstream_connections", Gauge, "listener", "Open client connections."},
    {"fusegate_downstream_connections_total", Counter, "listener", "Client connections accepted."},
    {"fusegate_accept_pauses_total", Counter, "listener",
     "Pauses of accepting because the system had no descriptor or memory for a connection."},
    {"fusegate_dns_lookups_total", Counter, "upstream,result", "Name resolutions."},
    {"fusegate_dns_last_success_timestamp_seconds", Gauge, "upstream",
     "Unix time of the last successful resolution."},
    {"fusegate_replay_buffer_bytes", Gauge, "", "Bytes held for replaying request bodies."},
    {"fusegate_replay_overflow_total", Counter, "route",
     "Requests whose body outgrew the replay buffer and lost retryability."},
    {"fusegate_build_info", Gauge, "version,revision,compiler,boost",
     "Always 1; the labels describe the running binary."},
    {"fusegate_config_info", Gauge, "hash",
     "Always 1; the label is the start of the hash of the active configuration."},
    {"fusegate_config_last_reload_successful", Gauge, "", "Whether the last reload was accepted."},
    {"fusegate_config_last_reload_success_timestamp_seconds", Gauge, "",
     "Unix time of the last accepted configuration."},
    {"fusegate_config_reloads_total", Counter, "result", "Reload attempts."},
    {"fusegate_ready", Gauge, "", "Whether the readiness endpoint answers 200."},
    {"fusegate_draining", Gauge, "", "Whether the process is shutting down."},
    {"fusegate_log_lines_total", Counter, "level", "Log lines emitted."},
    {"fusegate_log_dropped_total", Counter, "",
     "Log lines discarded because the log queue was full."},
    {"fusegate_event_loop_lag_seconds", Histogram, "",
     "Delay between when a timer was due and when it ran."},
    {"fusegate_metric_series", Gauge, "", "Series exported."},
    {"fusegate_metric_series_folded_total", Counter, "metric",
     "Label values folded into _other by the series limit."},
    {"process_cpu_seconds_total", Counter, "", "Total user and system CPU time spent in seconds."},
    {"process_resident_memory_bytes", Gauge, "", "Resident memory size in bytes."},
    {"process_virtual_memory_bytes", Gauge, "", "Virtual memory size in bytes."},
    {"process_open_fds", Gauge, "", "Number of open file descriptors."},
    {"process_max_fds", Gauge, "", "Maximum number of open file descriptors."},
    {"process_threads", Gauge, "", "Number of OS threads in the process."},
    {"process_start_time_seconds", Gauge, "",
     "Start time of the process since unix epoch in seconds."},
    {"fusegate_endpoint_attempts_total", Counter, "upstream,endpoint,result",
     "Attempts by endpoint; only with metrics.per_endpoint."},
    {"fusegate_endpoint_state", Gauge, "upstream,endpoint,state",
     "1 for the state the endpoint is in, 0 for the others; only with metrics.per_endpoint."},
};

}  // namespace

std::span<const MetricInfo> metric_list() { return kMetrics; }

const MetricInfo* find_metric(std::string_view name) {
  const auto* found = std::ranges::find(kMetrics, name, &MetricInfo::name);
  return found == std::end(kMetrics) ? nullptr : found;
}

}  // namespace fusegate::telemetry
