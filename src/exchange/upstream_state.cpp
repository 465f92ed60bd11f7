// The set of endpoints of an upstream, and the results of attempts at them.
#include <fusegate/exchange/upstream_state.hpp>

#include <algorithm>

namespace fusegate::exchange {
namespace {

/// The machine of an endpoint: the breaker's rules. Whether it is in force is said by
/// `ejection.enabled` alone, so that `breaker.mode` does not silently switch ejection off too.
policy::BreakerSettings ejection_settings(const config::UpstreamConfig& settings) {
  policy::BreakerSettings result = settings.breaker;
  result.mode = settings.ejection.enabled ? policy::BreakerMode::Open : policy::BreakerMode::Off;
  return result;
}

std::unique_ptr<EndpointState> take_named(std::vector<std::unique_ptr<EndpointState>>& from,
                                          std::string_view name) {
  const auto found = std::ranges::find_if(
      from, [name](const auto& endpoint) { return endpoint && endpoint->name == name; });
  if (found == from.end()) {
    return nullptr;
  }
  auto endpoint = std::move(*found);
  from.erase(found);
  return endpoint;
}

bool holds_name(const std::vector<std::unique_ptr<EndpointState>>& endpoints,
                std::string_view name) {
  return std::ranges::any_of(endpoints,
                             [name](const auto& endpoint) { return endpoint->name == name; });
}

}  // namespace

UpstreamState::UpstreamState(const config::UpstreamConfig& settings, std::uint64_t seed,
                             Instant now)
    : settings_(settings),
      ejection_settings_(ejection_settings(settings)),
      rng_(seed),
      breaker_(settings.breaker, now),
      budget_(settings.retry_budget),
      limiter_(settings.concurrency),
      last_transition_(now) {}

void UpstreamState::set_endpoints(const std::vector<std::string>& names, Instant now) {
  std::vector<std::unique_ptr<EndpointState>> before = std::move(endpoints_);
  endpoints_.clear();
  endpoints_.reserve(names.size());
  std::vector<const std::string*> added;
  for (const std::string& name : names) {
    if (holds_name(endpoints_, name)) {
      continue;
    }
    auto endpoint = take_named(before, name);
    if (!endpoint) {
      // Back before its last attempt ended: the same endpoint, so that its attempts stay counted.
      endpoint = take_named(retired_, name);
    }
    if (endpoint) {
      endpoint->retired = false;
      endpoints_.push_back(std::move(endpoint));
    } else if (std::ranges::none_of(added, [&](const auto* known) { return *known == name; })) {
      added.push_back(&name);
    }
  }
  for (auto& endpoint : before) {
    if (endpoint->pins > 0) {
      endpoint->retired = true;
      endpoint->ejected = false;
      endpoint->returning = false;
      retired_.push_back(std::move(endpoint));
    }
  }
  // Slots last: those of the endpoints that have just vanished are free again.
  for (const std::string* name : added) {
    endpoints_.push_back(std::make_unique<EndpointState>(
        *name, free_slot(), ejection_settings_, settings_.connections.max_per_endpoint, now));
    endpoints_.back()->epoch = next_epoch_++;
    if (settings_.health_check) {
      endpoints_.back()->health.emplace(*settings_.health_check, rng_, now);
    }
    adopt_memory(*endpoints_.back(), now);
  }
  return_surplus();
  take_out_again();
  update_limit(now);
}

std::uint32_t UpstreamState::free_slot() const {
  const auto used = [this](std::uint32_t slot) {
    const auto has_slot = [slot](const auto& endpoint) { return endpoint->slot == slot; };
    return std::ranges::any_of(endpoints_, has_slot) || std::ranges::any_of(retired_, has_slot);
  };
  std::uint32_t slot = 0;
  while (used(slot)) {
    ++slot;
  }
  return slot;
}

void UpstreamState::settle(EndpointState& endpoint, std::optional<policy::Permit> endpoint_permit,
                           std::optional<policy::Permit> breaker_permit, policy::Verdict verdict,
                           Duration latency, std::optional<Duration> retry_after, Instant now) {
  if (breaker_permit) {
    // A burst can meet one dead endpoint many times in a row before any other one has answered:
    // that is what ejection is for. Such failures count in the rate, not in the breaker's run.
    const bool local = verdict == policy::Verdict::Failure && another_is_well(endpoint);
    breaker_.settle(*breaker_permit, local ? policy::Verdict::Overload : verdict, latency,
                    retry_after, rng_, now);
    drain_breaker();
  }
  if (endpoint_permit) {
    endpoint.ejection.settle(*endpoint_permit, verdict, latency, retry_after, rng_, now);
    drain_endpoint(endpoint);
  }
  switch (verdict) {
    case policy::Verdict::Success:
      endpoint.failure_run = 0;
      on_answer(endpoint, latency, now);
      break;
    case policy::Verdict::Failure:
    case policy::Verdict::Overload:
      ++endpoint.failure_run;
      endpoint.last_failure = now;
      break;
    case policy::Verdict::Ignored:
      break;
  }
}

/// Another endpoint is in rotation, has not failed since its last success, and is not known to be
/// down.
bool UpstreamState::another_is_well(const EndpointState& endpoint) const {
  return std::ranges::any_of(endpoints_, [&](const auto& other) {
    return other.get() != &endpoint && !other->ejected && !other->is_down() &&
           other->failure_run == 0;
  });
}

void UpstreamState::settle_cut(EndpointState& endpoint,
                               std::optional<policy::Permit> endpoint_permit,
                               std::optional<policy::Permit> breaker_permit, Instant now) {
  if (breaker_permit) {
    breaker_.record_failure(*breaker_permit, rng_, now);
    drain_breaker();
  }
  if (endpoint_permit) {
    endpoint.ejection.record_failure(*endpoint_permit, rng_, now);
    drain_endpoint(endpoint);
  }
  ++endpoint.failure_run;
  endpoint.last_failure = now;
}

Duration UpstreamState::lengthened(Duration backoff, Instant now) {
  const auto seen = breaker_.window(now);
  if (seen.total == 0 || seen.total < settings_.breaker.failure_rate.min_requests) {
    return backoff;
  }
  const double share = static_cast<double>(seen.failed) / static_cast<double>(seen.total);
  const double extra = static_cast<double>(backoff.count()) * share;
  return backoff + Duration{static_cast<Duration::rep>(extra)};
}

policy::LatencyQuantile& UpstreamState::latencies(std::uint32_t percent) {
  for (auto& [known, quantile] : latencies_) {
    if (known == percent) {
      return quantile;
    }
  }
  return latencies_.emplace_back(percent, policy::LatencyQuantile{percent}).second;
}

void UpstreamState::unpin(EndpointState& endpoint) {
  --endpoint.pins;
  if (endpoint.retired && endpoint.pins == 0) {
    std::erase_if(retired_, [&](const auto& held) { return held.get() == &endpoint; });
  }
}

std::uint32_t UpstreamState::attempts_in_flight() const {
  std::uint32_t sum = 0;
  for (const auto& endpoint : endpoints_) {
    sum += endpoint->in_flight;
  }
  for (const auto& endpoint : retired_) {
    sum += endpoint->in_flight;
  }
  return sum;
}

}  // namespace fusegate::exchange
