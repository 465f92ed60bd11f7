#include "admin/json.hpp"

#include <boost/json/array.hpp>

namespace fusegate::admin {
namespace {

namespace json = boost::json;

double milliseconds(Duration time) { return static_cast<double>(time.count()) / 1e6; }

json::value optional_time(const std::optional<WallTime>& at) {
  return at ? json::value(rfc3339(*at)) : json::value(nullptr);
}

json::object breaker_json(const telemetry::BreakerSnapshot& breaker) {
  return {
      {"state", word(breaker.state)},
      {"reason", breaker.reason ? json::value(word(*breaker.reason)) : json::value(nullptr)},
      {"since", rfc3339(breaker.since)},
      {"until", optional_time(breaker.open_until ? breaker.open_until : breaker.forced_until)},
      {"admitted_share", breaker.admitted_share},
      {"window",
       {{"attempts", breaker.attempts},
        {"failures", breaker.failures},
        {"slow", breaker.slow},
        {"failure_ratio", breaker.failure_ratio()}}},
      {"consecutive_failures", breaker.consecutive_failures},
      {"probes_in_flight", breaker.probes_in_flight},
  };
}

json::value health_json(const std::optional<telemetry::EndpointSnapshot::Health>& health) {
  if (!health) {
    return nullptr;
  }
  const auto state = [&]() -> std::string_view {
    switch (health->state) {
      case policy::Health::State::Unknown:
        return "unknown";
      case policy::Health::State::Up:
        return "up";
      case policy::Health::State::Down:
        return "down";
    }
    return "";
  };
  return json::object{
      {"state", state()},
      {"checks_in_a_row", health->run},
      {"problem", health->problem.empty() ? json::value(nullptr) : json::value(health->problem)}};
}

std::string_view path_word(config::PathMatch kind) {
  switch (kind) {
    case config::PathMatch::Prefix:
      return "path_prefix";
    case config::PathMatch::Exact:
      return "path";
    case config::PathMatch::Regex:
      return "path_regex";
  }
  return "";
}

std::string_view idempotent_word(policy::Idempotency idempotent) {
  switch (idempotent) {
    case policy::Idempotency::Auto:
      return "auto";
    case policy::Idempotency::Always:
      return "true";
    case policy::Idempotency::Never:
      return "false";
  }
  return "";
}

json::array words_of(const std::vector<std::string>& words) {
  json::array array;
  for (const std::string& text : words) {
    array.emplace_back(text);
  }
  return array;
}

json::object match_json(const config::RouteMatch& match) {
  json::object object{{"host", words_of(match.hosts)},
                      {path_word(match.path_kind), match.path},
                      {"methods", words_of(match.methods)}};
  json::object headers;
  for (const config::HeaderMatch& header : match.headers) {
    headers[header.name] = header.value;
  }
  object["headers"] = std::move(headers);
  return object;
}

json::array retry_on_json(const policy::RetryOn& on) {
  json::array array;
  const auto add = [&](bool set, FailureClass failure) {
    if (set) {
      array.emplace_back(word(failure));
    }
  };
  add(on.never_sent, FailureClass::NeverSent);
  add(on.stale_reuse, FailureClass::StaleReuse);
  add(on.no_response, FailureClass::NoResponse);
  for (std::size_t status = 100; status < on.statuses.size(); ++status) {
    if (on.statuses.test(status)) {
      array.emplace_back(status);
    }
  }
  return array;
}

json::object policy_json(const config::RequestPolicy& policy) {
  return {
      {"timeout_ms", milliseconds(policy.timeout)},
      {"per_try_timeout_ms", policy.per_try_timeout
                                 ? json::value(milliseconds(*policy.per_try_timeout))
                                 : json::value("auto")},
      {"retries", policy.retries},
      {"idempotent", idempotent_word(policy.idempotent)},
      {"retry_on", retry_on_json(policy.retry.on)},
      {"backoff_initial_ms", milliseconds(policy.retry.backoff.initial)},
      {"backoff_max_ms", milliseconds(policy.retry.backoff.max)},
      {"max_body_replay_bytes", policy.retry.max_body_replay},
  };
}

}  // namespace

json::object to_json(const telemetry::UpstreamSnapshot& upstream) {
  json::object breaker = breaker_json(upstream.breaker);
  breaker["mode"] = word(upstream.mode);
  const auto forced = upstream.breaker.forced;
  breaker["forced"] =
      forced == policy::Forced::No ? json::value(nullptr) : json::value(word(forced));
  if (upstream.mode == policy::BreakerMode::Shadow) {
    breaker["would_have_refused"] = upstream.would_have_refused;
  }
  breaker["probes"] = {{"ok", upstream.probes.ok},
                       {"failed", upstream.probes.failed},
                       {"lost", upstream.probes.lost}};
  json::array endpoints;
  for (const telemetry::EndpointSnapshot& endpoint : upstream.endpoints) {
    endpoints.push_back(json::object{{"name", endpoint.name},
                                     {"state", endpoint.state()},
                                     {"in_flight", endpoint.in_flight},
                                     {"ejection", breaker_json(endpoint.machine)},
                                     {"health_check", health_json(endpoint.health)}});
  }
  return {
      {"name", upstream.name},
      {"breaker", std::move(breaker)},
      {"budget",
       {{"available", upstream.budget_available}, {"capacity", upstream.budget_capacity}}},
      {"limits",
       {{"max_in_flight", upstream.concurrency_limit},
        {"in_flight", upstream.attempts_in_flight},
        {"queue_length", upstream.queue_limit},
        {"queued", upstream.queued}}},
      {"endpoints", std::move(endpoints)},
  };
}

json::object to_json(const telemetry::RouteSnapshot& route) {
  json::object results;
  for (std::size_t i = 0; i < kRequestResults; ++i) {
    results[word(static_cast<RequestResult>(i))] = route.results[i];
  }
  return {
      {"name", route.settings.name},
      {"upstream", route.upstream},
      {"match", match_json(route.settings.match)},
      {"policy", policy_json(route.settings.policy)},
      {"counters",
       {{"requests", route.requests},
        {"results", std::move(results)},
        {"attempts", route.attempts},
        {"retries", route.retries},
        {"retries_denied", route.denied},
        {"rejected", route.rejected},
        {"recovered", route.recovered},
        {"in_flight", route.in_flight}}},
  };
}

json::object to_json(const telemetry::EventSnapshot& event) {
  return {
      {"at", rfc3339(event.at)},
      {"upstream", event.upstream},
      {"endpoint", event.endpoint.empty() ? json::value(nullptr) : json::value(event.endpoint)},
      {"from", word(event.from)},
      {"to", word(event.to)},
      {"reason", word(event.reason)},
  };
}

json::object to_json(const ServerInfo& info, WallTime now) {
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(now - info.started);
  return {
      {"version", info.version},
      {"revision", info.revision},
      {"compiler", info.compiler},
      {"boost", info.boost},
      {"state", info.state},
      {"started", rfc3339(info.started)},
      {"uptime_seconds", uptime.count()},
      {"workers", info.workers},
      {"listeners", words_of(info.listeners)},
      {"config",
       {{"file", info.config_file},
        {"hash", info.config_hash},
        {"loaded", rfc3339(info.config_loaded)}}},
  };
}

}  // namespace fusegate::admin
