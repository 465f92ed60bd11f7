// Which endpoints are out of rotation, and the record of what the machines did.
#include <fusegate/exchange/upstream_state.hpp>

#include <algorithm>

namespace fusegate::exchange {

std::uint32_t UpstreamState::ejections_allowed() const {
  const std::uint64_t count = endpoints_.size();
  if (count < 2) {
    return 0;
  }
  // Counted with the new one included, and never the last: no rule may empty the rotation.
  return static_cast<std::uint32_t>(std::min(settings_.ejection.max_percent.of(count), count - 1));
}

std::uint32_t UpstreamState::ejected_now() const {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(endpoints_, [](const auto& endpoint) { return endpoint->ejected; }));
}

void UpstreamState::follow_ejection(EndpointState& endpoint, const policy::Transition& transition) {
  endpoint.was_out = false;
  switch (transition.to) {
    case BreakerState::Open:
    case BreakerState::ForcedOpen:
      endpoint.returning = false;
      if (!endpoint.ejected && ejected_now() + 1 <= ejections_allowed()) {
        endpoint.ejected = true;
        ++counters_.ejections[static_cast<std::size_t>(transition.reason)];
      }
      break;
    case BreakerState::HalfOpen:
      break;  // Still out, but for the probes.
    case BreakerState::Ramp:
      // One that kept its traffic although its machine was open must not be cut down to the start
      // of the ramp now that it is well.
      endpoint.returning = endpoint.ejected;
      endpoint.ejected = false;
      take_out_again();
      break;
    case BreakerState::Closed:
    case BreakerState::Disabled:
      endpoint.returning = false;
      endpoint.ejected = false;
      take_out_again();
      break;
  }
}

void UpstreamState::return_surplus() {
  // One that is known to be down is returned last.
  const auto due = [](const EndpointState& endpoint) {
    return endpoint.is_down() ? kNever : endpoint.ejection.open_until();
  };
  for (std::uint32_t out = ejected_now(); out > ejections_allowed(); --out) {
    EndpointState* first_due = nullptr;
    for (const auto& endpoint : endpoints_) {
      if (endpoint->ejected && (first_due == nullptr || due(*endpoint) < due(*first_due))) {
        first_due = endpoint.get();
      }
    }
    first_due->ejected = false;
  }
}

/// There may be room now for one that was kept only because too many others were out.
void UpstreamState::take_out_again() {
  for (const auto& endpoint : endpoints_) {
    if (ejected_now() + 1 > ejections_allowed()) {
      return;
    }
    if (!endpoint->ejected && endpoint->is_down()) {
      endpoint->ejected = true;
      ++counters_.ejections[static_cast<std::size_t>(TransitionReason::HealthCheck)];
    } else if (!endpoint->ejected && endpoint->was_out) {
      endpoint->ejected = true;
    }
  }
}

void UpstreamState::tick(Instant now) {
  breaker_.tick(rng_, now);
  for (const auto& endpoint : endpoints_) {
    endpoint->ejection.tick(rng_, now);
  }
  drain_transitions(now);
}

void UpstreamState::force_breaker(policy::Forced how, Instant until, Instant now) {
  breaker_.force(how, until, rng_, now);
  drain_breaker();
}

void UpstreamState::drain_transitions(Instant /*now*/) {
  drain_breaker();
  for (const auto& endpoint : endpoints_) {
    drain_endpoint(*endpoint);
  }
}

void UpstreamState::drain_breaker() {
  while (const auto transition = breaker_.take_transition()) {
    const auto from = static_cast<std::size_t>(transition->from);
    const auto to = static_cast<std::size_t>(transition->to);
    ++counters_.transitions[from][to][static_cast<std::size_t>(transition->reason)];
    // A transition that time made is dated when it was due, which may be before the last one was
    // noticed; time in a state never runs backwards.
    const Instant at = std::max(transition->at, last_transition_);
    counters_.time_in_state[from] += at - last_transition_;
    last_transition_ = at;
    remember({}, *transition);
  }
}

void UpstreamState::drain_endpoint(EndpointState& endpoint) {
  while (const auto transition = endpoint.ejection.take_transition()) {
    if (endpoint.retired) {
      continue;  // It is out of use; what its last attempts do to it is nobody's news.
    }
    follow_ejection(endpoint, *transition);
    remember(endpoint.name, *transition);
  }
}

void UpstreamState::remember(std::string_view endpoint, const policy::Transition& transition) {
  for (std::deque<Event>* const events : {&history_, &unlogged_}) {
    if (events->size() == kHistoryMax) {
      events->pop_front();
    }
    events->push_back({std::string{endpoint}, transition});
  }
}

std::optional<Event> UpstreamState::take_event() {
  if (unlogged_.empty()) {
    return std::nullopt;
  }
  Event oldest = std::move(unlogged_.front());
  unlogged_.pop_front();
  return oldest;
}

UpstreamState::Counters UpstreamState::counters(Instant now) const {
  Counters result = counters_;
  result.time_in_state[static_cast<std::size_t>(breaker_.state())] +=
      std::max(now - last_transition_, Duration::zero());
  return result;
}

UpstreamState::EndpointCounts UpstreamState::endpoint_counts() const {
  EndpointCounts counts;
  for (const auto& endpoint : endpoints_) {
    if (endpoint->ejected) {
      const bool probing = endpoint->ejection.state() == BreakerState::HalfOpen;
      ++(probing ? counts.probing : counts.ejected);
    } else {
      ++(endpoint->returning ? counts.ramping : counts.healthy);
    }
  }
  return counts;
}

}  // namespace fusegate::exchange
