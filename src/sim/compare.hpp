#pragma once

#include <fusegate/config/config.hpp>

#include "sim/outcome.hpp"

#include <cstdint>
#include <vector>

namespace fusegate::sim {

/// The route's policy and, with `compare`, beside it: Fusegate's defaults, no retries at all, and
/// naive ones (the same number of tries at once, without budget, breaker or ejection).
std::vector<Outcome> play_all(const config::UpstreamConfig& upstream,
                              const config::RequestPolicy& policy, const Scenario& scenario,
                              const Model& model, std::uint64_t seed, bool compare);

}  // namespace fusegate::sim
