#pragma once

#include <fusegate/base/time.hpp>
#include <fusegate/config/config.hpp>

#include <cstdint>
#include <optional>
#include <vector>

/// What the settings of a route and its upstream add up to. The formulas are those of the policies
/// they speak about; the property tests hold the two against each other.
namespace fusegate::advice {

struct Wait {
  Duration mean{};   ///< While the upstream is mostly well: `retry.adaptive` adds nothing.
  Duration worst{};  ///< No luck with the jitter, and `retry.adaptive` at a failure rate of 100 %.
};

/// The wait before each retry, one entry for each of `retries`.
std::vector<Wait> waits(const config::RequestPolicy& policy);

/// The time of each try when all of them use up theirs, with average waits between. Shorter than
/// `retries + 1` when the rest can never start. `repeatable`: a timeout may be followed by a retry;
/// otherwise `auto` gives the first try everything.
std::vector<Duration> try_times(const config::RequestPolicy& policy, bool repeatable);

/// The longest that a single try can take.
Duration longest_try(const config::RequestPolicy& policy);

/// Are timeouts of repeatable requests retried?
bool retries_timeouts(const config::RequestPolicy& policy);

/// Attempts for each request when every attempt fails and only the budget holds them back, never
/// more than `retries + 1`:
///   1 + percent + min_retries / (rate * window)
/// `rate` is in requests a second; nullopt = so many that the floor does not matter.
double load_factor(const config::RequestPolicy& policy, const policy::BudgetSettings& budget,
                   std::optional<double> rate);

/// The rate in requests a second up to which the floor of the budget pays for every retry; 0 when
/// there is none, infinite when the percentage alone does.
double rate_of_floor(const config::RequestPolicy& policy, const policy::BudgetSettings& budget);

/// Attempts a second below which the window never holds `min_requests`.
double breaker_rate(const policy::BreakerSettings& breaker);

/// The failures in a row that open the breaker when `share` of the attempts before them failed:
/// the smallest k >= consecutive_failures with share^k <= 1e-6. nullopt = not by a run.
std::optional<std::uint32_t> failures_in_a_row(const policy::BreakerSettings& breaker,
                                               double share);

/// The number of endpoints when the file alone says it; nullopt for a name, which may have any
/// number of addresses.
std::optional<std::uint32_t> listed_endpoints(const config::UpstreamConfig& upstream);

/// Can an endpoint leave the rotation, for failed requests or for failed checks? Not one that is
/// known to be the only one.
bool judges_endpoints(const config::UpstreamConfig& upstream);

/// How many of `endpoints` may be out of rotation at once.
std::uint32_t ejectable(const config::UpstreamConfig& upstream, std::uint32_t endpoints);

/// Attempts in flight at once that other settings leave room for; nullopt = no such bound is known.
std::optional<std::uint64_t> in_flight_room(const config::Config& config,
                                            const config::UpstreamConfig& upstream);

}  // namespace fusegate::advice
