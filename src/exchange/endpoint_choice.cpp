// Which endpoint an attempt goes to.
#include <fusegate/balance/picker.hpp>
#include <fusegate/exchange/upstream_state.hpp>

#include <algorithm>

namespace fusegate::exchange {
namespace {

/// For how long failures count as load. Chosen: long enough that an endpoint which fails within a
/// millisecond gets no more than its share, short enough that one which has recovered without being
/// ejected is soon asked again.
constexpr Duration kFailureMemory = std::chrono::seconds{1};

bool among(const EndpointState* const* tried, std::size_t count, const EndpointState& endpoint) {
  return std::find(tried, tried + count, &endpoint) != tried + count;
}

}  // namespace

/// Would the machine of an ejected endpoint take a probe now?
bool UpstreamState::wants_probe(const EndpointState& endpoint, Instant now) const {
  switch (endpoint.ejection.state()) {
    case BreakerState::Open:
      return now >= endpoint.ejection.open_until();
    case BreakerState::HalfOpen:
      return endpoint.ejection.probes_in_flight() < ejection_settings_.half_open.probes;
    case BreakerState::Closed:
    case BreakerState::Ramp:
    case BreakerState::Disabled:
      return true;
    case BreakerState::ForcedOpen:
      break;
  }
  return false;
}

/// One pass of the search: what counts as usable in it.
struct UpstreamState::Choice {
  const UpstreamState& upstream;
  const EndpointState* const* tried;
  std::size_t tried_count;
  bool may_repeat;   ///< Endpoints tried before are usable too.
  bool may_refused;  ///< Those whose ramp has just said no are usable too.
  Instant now;
};

std::uint32_t UpstreamState::load_of(const void* context, std::uint32_t index) {
  const auto& choice = *static_cast<const Choice*>(context);
  const UpstreamState& upstream = choice.upstream;
  const EndpointState& endpoint = *upstream.endpoints_[index];
  if (endpoint.in_flight >= upstream.limit_of(endpoint)) {
    return balance::kUnusable;
  }
  const bool refused = endpoint.passed_over == upstream.choice_number_;
  if (refused && (endpoint.ejected || !choice.may_refused)) {
    return balance::kUnusable;
  }
  const bool probe = endpoint.ejection.state() == BreakerState::Open ||
                     endpoint.ejection.state() == BreakerState::HalfOpen;
  const bool due = probe && upstream.wants_probe(endpoint, choice.now);
  if (endpoint.ejected && !due) {
    return balance::kUnusable;
  }
  if (!choice.may_repeat && among(choice.tried, choice.tried_count, endpoint)) {
    return balance::kUnusable;
  }
  // A probe that is due must not be outbid for ever by busier endpoints' lower failure counts.
  const bool remembered = !due && choice.now - endpoint.last_failure < kFailureMemory;
  return endpoint.in_flight + (remembered ? endpoint.failure_run : 0);
}

std::uint32_t UpstreamState::choose(const Choice& choice) {
  const balance::Candidates candidates{.context = &choice,
                                       .count = static_cast<std::uint32_t>(endpoints_.size()),
                                       .load = &UpstreamState::load_of};
  switch (settings_.balance) {
    case config::Balance::PowerOfTwo:
      return balance::power_of_two(candidates, rng_);
    case config::Balance::LeastRequests:
      return balance::least_requests(candidates, rng_);
    case config::Balance::RoundRobin:
      return balance::round_robin(candidates, next_round_robin_);
  }
  return balance::kNone;
}

std::optional<UpstreamState::Picked> UpstreamState::search(const Choice& choice, bool repeatable,
                                                           Duration lease) {
  for (auto index = choose(choice); index != balance::kNone; index = choose(choice)) {
    EndpointState& endpoint = *endpoints_[index];
    if (endpoint.passed_over == choice_number_) {
      return Picked{Pick::Found, &endpoint, std::nullopt};
    }
    const auto permit = admit_endpoint(endpoint, repeatable, lease, choice.now);
    if (permit || (!endpoint.ejected && !endpoint.returning)) {
      return Picked{Pick::Found, &endpoint, permit};
    }
    endpoint.passed_over = choice_number_;
  }
  return std::nullopt;
}

UpstreamState::Picked UpstreamState::pick(const EndpointState* const* tried,
                                          std::size_t tried_count, bool repeatable, Duration lease,
                                          Instant now) {
  if (endpoints_.empty()) {
    return {};
  }
  ++choice_number_;
  // From best to worst: another endpoint; another one although its ramp says no; one tried before;
  // one tried before although its ramp says no.
  for (const bool may_repeat : {false, true}) {
    for (const bool may_refused : {false, true}) {
      const Choice choice{*this, tried, tried_count, may_repeat, may_refused, now};
      if (const auto found = search(choice, repeatable, lease)) {
        return *found;
      }
    }
    if (tried_count == 0) {
      break;
    }
  }
  if (ask_early(now)) {
    const Choice choice{*this, tried, tried_count, true, true, now};
    if (const auto found = search(choice, repeatable, lease)) {
      return *found;
    }
  }
  const bool full = std::ranges::all_of(endpoints_, [this](const auto& endpoint) {
    return endpoint->in_flight >= limit_of(*endpoint);
  });
  return {full ? Pick::AllFull : Pick::AllRefused, nullptr, std::nullopt};
}

std::optional<policy::Permit> UpstreamState::admit_endpoint(EndpointState& endpoint,
                                                            bool repeatable, Duration lease,
                                                            Instant now) {
  // A lone endpoint cannot be ejected, so its machine is not fed; but what it began with others
  // beside it, it finishes.
  if (endpoints_.size() == 1 && endpoint.ejection.state() == BreakerState::Closed) {
    return std::nullopt;
  }
  const auto admission = endpoint.ejection.admit(repeatable, lease, rng_, now);
  drain_endpoint(endpoint);
  return admission.permit;
}

std::optional<policy::Permit> UpstreamState::readmit(EndpointState& endpoint, bool repeatable,
                                                     Duration lease, Instant now) {
  return admit_endpoint(endpoint, repeatable, lease, now);
}

bool UpstreamState::has_untried(const EndpointState* const* tried, std::size_t tried_count,
                                Instant now) const {
  return std::ranges::any_of(endpoints_, [&](const auto& endpoint) {
    return endpoint->in_flight < limit_of(*endpoint) &&
           (!endpoint->ejected || wants_probe(*endpoint, now)) &&
           !among(tried, tried_count, *endpoint);
  });
}

}  // namespace fusegate::exchange
