#include <fusegate/advice/arithmetic.hpp>
#include <fusegate/policy/deadline.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace fusegate::advice {
namespace {

using policy::BackoffKind;
using policy::BackoffSettings;
using policy::Jitter;

/// As Breaker: a run of failures less likely than this is an outage.
constexpr double kImprobable = 1e-6 * (1.0 + 1e-12);

Duration times(Duration value, double factor) {
  return Duration{static_cast<Duration::rep>(static_cast<double>(value.count()) * factor)};
}

Duration capped(Duration value, double factor, Duration max) {
  const double product = static_cast<double>(value.count()) * factor;
  return product < static_cast<double>(max.count()) ? times(value, factor) : max;
}

double fibonacci(unsigned n) {
  double previous = 0.0;
  double current = 1.0;
  for (unsigned i = 1; i < n; ++i) {
    const double next = previous + current;
    previous = current;
    current = next;
  }
  return current;
}

double growth(const BackoffSettings& backoff, unsigned retry) {
  switch (backoff.kind) {
    case BackoffKind::Exponential:
      return std::pow(backoff.factor, static_cast<double>(retry - 1));
    case BackoffKind::Linear:
      return retry;
    case BackoffKind::Fibonacci:
      return fibonacci(retry);
    case BackoffKind::Constant:
    case BackoffKind::Decorrelated:
      break;
  }
  return 1.0;
}

Duration mean_of(Jitter jitter, Duration base) {
  switch (jitter) {
    case Jitter::Full:
      return base / 2;
    case Jitter::Equal:
      return base * 3 / 4;
    case Jitter::None:
      break;
  }
  return base;
}

/// The mean takes the mean of the wait before, which is exact below the cap.
Wait decorrelated(const BackoffSettings& backoff, const Wait& before) {
  const Duration from = std::min(backoff.initial, backoff.max);
  const Duration mean_high = capped(std::max(before.mean, backoff.initial), 3.0, backoff.max);
  const Duration high = capped(std::max(before.worst, backoff.initial), 3.0, backoff.max);
  return {(from + mean_high) / 2, high};
}

}  // namespace

std::vector<Wait> waits(const config::RequestPolicy& policy) {
  const BackoffSettings& backoff = policy.retry.backoff;
  std::vector<Wait> result;
  for (unsigned retry = 1; retry <= policy.retries; ++retry) {
    if (backoff.initial <= Duration::zero() || backoff.max <= Duration::zero()) {
      result.push_back({});
    } else if (backoff.kind == BackoffKind::Decorrelated) {
      result.push_back(decorrelated(backoff, result.empty() ? Wait{} : result.back()));
    } else {
      const Duration base = capped(backoff.initial, growth(backoff, retry), backoff.max);
      result.push_back({mean_of(backoff.jitter, base), base});
    }
  }
  if (policy.retry.adaptive) {
    for (Wait& wait : result) {
      wait.worst *= 2;
    }
  }
  return result;
}

bool retries_timeouts(const config::RequestPolicy& policy) {
  return policy.retries > 0 && policy.retry.on.no_response &&
         policy.idempotent != policy::Idempotency::Never;
}

std::vector<Duration> try_times(const config::RequestPolicy& policy, bool repeatable) {
  const Instant begin{};
  const Instant deadline = begin + policy.timeout;
  const auto pauses = waits(policy);
  const unsigned tries = repeatable && retries_timeouts(policy) ? policy.retries + 1 : 1;
  std::vector<Duration> result;
  Instant now = begin;
  for (unsigned number = 1; number <= tries && deadline - now >= policy::kMinTry; ++number) {
    const Instant end = policy.per_try_timeout
                            ? std::min(after(now, *policy.per_try_timeout), deadline)
                            : policy::fair_try_deadline(deadline, tries - number + 1,
                                                        policy.retry.backoff.initial, now);
    result.push_back(end - now);
    now = number < tries ? after(end, pauses[number - 1].mean) : end;
  }
  return result;
}

Duration longest_try(const config::RequestPolicy& policy) {
  return std::min(policy.per_try_timeout.value_or(policy.timeout), policy.timeout);
}

double load_factor(const config::RequestPolicy& policy, const policy::BudgetSettings& budget,
                   std::optional<double> rate) {
  const double seconds = std::chrono::duration<double>(budget.window).count();
  const double floor = rate && *rate > 0 ? budget.min_retries / (*rate * seconds)
                       : rate            ? std::numeric_limits<double>::infinity()
                                         : 0.0;
  return std::min(1.0 + policy.retries, 1.0 + budget.percent.value() + floor);
}

double rate_of_floor(const config::RequestPolicy& policy, const policy::BudgetSettings& budget) {
  const double uncovered = policy.retries - budget.percent.value();
  if (policy.retries == 0) {
    return 0;
  }
  return uncovered <= 0 ? std::numeric_limits<double>::infinity()
                        : budget.min_retries /
                              (std::chrono::duration<double>(budget.window).count() * uncovered);
}

double breaker_rate(const policy::BreakerSettings& breaker) {
  return breaker.failure_rate.min_requests /
         std::chrono::duration<double>(breaker.failure_rate.window).count();
}

std::optional<std::uint32_t> failures_in_a_row(const policy::BreakerSettings& breaker,
                                               double share) {
  if (breaker.consecutive_failures == 0) {
    return std::nullopt;
  }
  std::uint32_t run = breaker.consecutive_failures;
  while (std::pow(share, run) > kImprobable) {
    if (share >= 0.999) {
      return std::nullopt;
    }
    ++run;
  }
  return run;
}

std::optional<std::uint32_t> listed_endpoints(const config::UpstreamConfig& upstream) {
  const auto count = static_cast<std::uint32_t>(upstream.endpoints.size());
  if (!upstream.by_url || count == 0) {
    return count;
  }
  const config::Endpoint& only = upstream.endpoints[0];
  const bool v6 = only.host.find(':') != std::string::npos;
  const bool v4 = only.host.find_first_not_of("0123456789.") == std::string::npos;
  return v4 || v6 ? std::optional<std::uint32_t>(1) : std::nullopt;
}

bool judges_endpoints(const config::UpstreamConfig& upstream) {
  return (upstream.ejection.enabled || upstream.health_check) && listed_endpoints(upstream) != 1;
}

std::uint32_t ejectable(const config::UpstreamConfig& upstream, std::uint32_t endpoints) {
  if (!judges_endpoints(upstream) || endpoints < 2) {
    return 0;
  }
  const auto allowed = static_cast<std::uint32_t>(upstream.ejection.max_percent.of(endpoints));
  return std::min(allowed, endpoints - 1);
}

std::optional<std::uint64_t> in_flight_room(const config::Config& config,
                                            const config::UpstreamConfig& upstream) {
  // HTTP/1.1: a client connection carries one request at a time.
  const std::uint64_t clients = config.runtime.max_connections;
  const auto endpoints = listed_endpoints(upstream);
  return endpoints ? std::min<std::uint64_t>(
                         clients, std::uint64_t{*endpoints} * upstream.connections.max_per_endpoint)
                   : clients;
}

}  // namespace fusegate::advice
