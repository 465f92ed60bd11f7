#include "sim/compare.hpp"

#include "sim/player.hpp"

#include <algorithm>
#include <string>

namespace fusegate::sim {
namespace {

constexpr std::uint32_t kNaiveRetries = 2;

struct Contender {
  std::string name;
  config::UpstreamConfig upstream;
  config::RequestPolicy policy;
};

/// Nothing of ours: what a plain client does.
Contender bare(std::string name, Duration timeout) {
  Contender result{std::move(name), {}, {}};
  result.upstream.breaker.mode = policy::BreakerMode::Off;
  result.upstream.ejection.enabled = false;
  result.policy.timeout = timeout;
  result.policy.retries = 0;
  return result;
}

Contender naive(Duration timeout) {
  Contender result = bare("naive retries", timeout);
  result.policy.retries = kNaiveRetries;
  result.policy.retry.backoff.kind = policy::BackoffKind::Constant;
  result.policy.retry.backoff.initial = result.policy.retry.backoff.max = Duration::zero();
  result.policy.retry.adaptive = false;
  result.upstream.retry_budget.min_retries = 1'000'000'000;
  return result;
}

}  // namespace

std::vector<Outcome> play_all(const config::UpstreamConfig& upstream,
                              const config::RequestPolicy& policy, const Scenario& scenario,
                              const Model& model, std::uint64_t seed, bool compare) {
  std::vector<Contender> contenders{{"yours", upstream, policy}};
  if (compare) {
    contenders.push_back({"defaults", {}, {}});
    contenders.push_back(bare("no retries", policy.timeout));
    contenders.push_back(naive(policy.timeout));
  }
  std::vector<Outcome> outcomes;
  for (const Contender& contender : contenders) {
    Player player(contender.upstream, contender.policy, scenario, model, seed);
    outcomes.push_back(player.play());
    outcomes.back().policy = contender.name;
  }
  return outcomes;
}

}  // namespace fusegate::sim
