// What active checks do to the endpoints of an upstream.
#include <fusegate/exchange/upstream_state.hpp>

#include <algorithm>

namespace fusegate::exchange {

std::vector<UpstreamState::DueCheck> UpstreamState::start_checks(std::size_t limit, Instant now) {
  std::vector<EndpointState*> due;
  for (const auto& endpoint : endpoints_) {
    if (endpoint->health && endpoint->health->due() <= now) {
      due.push_back(endpoint.get());
    }
  }
  std::ranges::stable_sort(due, {}, [](const EndpointState* each) { return each->health->due(); });
  due.resize(std::min(due.size(), limit));
  std::vector<DueCheck> started;
  started.reserve(due.size());
  for (EndpointState* const endpoint : due) {
    endpoint->health->start(now);
    started.push_back({endpoint->name, endpoint->epoch});
  }
  return started;
}

UpstreamState::CheckResult UpstreamState::finish_check(const DueCheck& check,
                                                       std::string_view problem, Instant now) {
  const auto found = std::ranges::find_if(endpoints_, [&](const auto& endpoint) {
    return endpoint->epoch == check.epoch && endpoint->name == check.endpoint && endpoint->health;
  });
  if (found == endpoints_.end()) {
    return {};
  }
  EndpointState& endpoint = **found;
  endpoint.health_detail = problem;
  const auto change = endpoint.health->finish(problem.empty(), rng_, now);
  switch (change) {
    case policy::Health::Change::None:
      break;
    case policy::Health::Change::WentDown:
      endpoint.ejection.take_out(TransitionReason::HealthCheck, now);
      break;
    case policy::Health::Change::CameUp:
      endpoint.ejection.let_back(TransitionReason::HealthCheck, now);
      break;
  }
  drain_endpoint(endpoint);
  return {change, !endpoint.ejected, endpoint.health->run()};
}

}  // namespace fusegate::exchange
