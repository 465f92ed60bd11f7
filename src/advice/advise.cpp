#include "advice/rules.hpp"

#include <algorithm>

namespace fusegate::advice {

std::uint32_t UpstreamView::most_retries() const {
  std::uint32_t most = 0;
  for (const auto* policy : policies) {
    most = std::max(most, policy->retries);
  }
  return most;
}

std::vector<Finding> advise(const config::Config& config, const Assumptions& given) {
  std::vector<Finding> found;
  const Study study{config, given, found};
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const config::RouteConfig& route = config.routes[i];
    const RouteView view{i, route, route.policy, config.upstreams[route.upstream]};
    for (const auto rule : {study_times, study_backoff, study_retries, study_replay, study_hedge,
                            study_faults, study_layers}) {
      rule(study, view);
    }
  }
  for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
    UpstreamView view{i, config.upstreams[i], {}};
    for (const auto& route : config.routes) {
      if (route.upstream == i) {
        view.policies.push_back(&route.policy);
      }
    }
    for (const auto rule :
         {study_budget, study_breaker, study_ejection, study_health, study_limits, study_tls}) {
      rule(study, view);
    }
  }
  for (const auto rule : {study_shutdown, study_log, study_listeners, study_routes}) {
    rule(study);
  }
  return found;
}

}  // namespace fusegate::advice
