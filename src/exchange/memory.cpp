// What an upstream remembers over a restart.
#include <fusegate/exchange/upstream_state.hpp>

#include <algorithm>

namespace fusegate::exchange {
namespace {

std::optional<policy::Transition> last_move(const std::deque<Event>& history,
                                            std::string_view endpoint) {
  const auto found = std::find_if(history.rbegin(), history.rend(),
                                  [&](const Event& event) { return event.endpoint == endpoint; });
  return found == history.rend() ? std::nullopt : std::optional{found->transition};
}

/// Is there a move to tell about? Spares the search for most endpoints.
bool moved(const policy::Breaker::Snapshot& machine) {
  return machine.state != BreakerState::Closed || machine.opened > 0;
}

/// In rotation, nothing counted, nothing running: like a new one.
bool is_blank(const EndpointState& endpoint, const policy::Breaker::Snapshot& machine) {
  const bool at_home =
      machine.state == BreakerState::Closed || machine.state == BreakerState::Disabled;
  const auto empty = [](const policy::RollingWindow::Counts& slot) {
    return slot == policy::RollingWindow::Counts{};
  };
  return at_home && !endpoint.is_down() && machine.opened == 0 && machine.run == 0 &&
         std::ranges::all_of(machine.window.slots, empty);
}

}  // namespace

UpstreamMemory UpstreamState::memory(Instant now) {
  tick(now);
  UpstreamMemory memory{.breaker = breaker_.snapshot(now),
                        .budget = budget_.snapshot(now),
                        .last = last_move(history_, {}),
                        .endpoints = {}};
  for (const auto& endpoint : endpoints_) {
    const auto machine = endpoint->ejection.snapshot(now);
    if (is_blank(*endpoint, machine)) {
      continue;
    }
    memory.endpoints.push_back(
        {.name = endpoint->name,
         .ejected = endpoint->ejected,
         .returning = endpoint->returning,
         .down = endpoint->is_down(),
         .machine = machine,
         .last = moved(machine) ? last_move(history_, endpoint->name) : std::nullopt});
  }
  // Those that have not appeared yet may do so after the next restart.
  for (const EndpointMemory& awaited : awaited_) {
    if (now < awaited_until_) {
      memory.endpoints.push_back(awaited);
    }
  }
  return memory;
}

bool UpstreamState::may_restore(const EndpointMemory& memory, Instant now) const {
  policy::Breaker trial{ejection_settings_, now};
  if (!trial.restore(memory.machine, now) || memory.name.empty()) {
    return false;
  }
  const BreakerState state = memory.machine.state;
  const bool forced = state == BreakerState::ForcedOpen;
  const bool may_be_out = forced || state == BreakerState::Open || state == BreakerState::HalfOpen;
  return (!memory.ejected || may_be_out) && (!memory.returning || state == BreakerState::Ramp) &&
         memory.down == forced && (!forced || settings_.health_check);
}

bool UpstreamState::restore(UpstreamMemory memory, Instant expires, Instant now) {
  const bool forced = memory.breaker.forced != policy::Forced::No;
  if (memory.breaker.state == BreakerState::ForcedOpen && !forced) {
    return false;  // Only endpoints are taken out by checks; nothing would ever let this one back.
  }
  policy::Breaker breaker{settings_.breaker, now};
  policy::Budget budget{settings_.retry_budget};
  const auto possible = [&](const EndpointMemory& each) { return may_restore(each, now); };
  if (!breaker.restore(memory.breaker, now) || !budget.restore(memory.budget, now) ||
      !std::ranges::all_of(memory.endpoints, possible)) {
    return false;
  }
  breaker_ = breaker;
  budget_ = budget;
  remember_last({}, memory.last);
  awaited_ = std::move(memory.endpoints);
  awaited_until_ = expires;
  for (const auto& endpoint : endpoints_) {
    adopt_memory(*endpoint, now);
  }
  return_surplus();
  take_out_again();
  return true;
}

void UpstreamState::adopt_memory(EndpointState& endpoint, Instant now) {
  const auto found = std::ranges::find(awaited_, endpoint.name, &EndpointMemory::name);
  if (found == awaited_.end()) {
    return;
  }
  const EndpointMemory memory = std::move(*found);
  awaited_.erase(found);
  if (now >= awaited_until_ || !endpoint.ejection.restore(memory.machine, now)) {
    return;
  }
  endpoint.ejected = memory.ejected;
  endpoint.was_out = memory.ejected;
  endpoint.returning = memory.returning;
  if (memory.down) {
    endpoint.health->restore_down();
  }
  remember_last(endpoint.name, memory.last);
}

/// For `/transitions` and the reasons shown; it was logged and counted by the process before.
void UpstreamState::remember_last(std::string_view endpoint,
                                  const std::optional<policy::Transition>& last) {
  if (!last) {
    return;
  }
  if (history_.size() == kHistoryMax) {
    history_.pop_front();
  }
  history_.push_back({std::string{endpoint}, *last});
}

}  // namespace fusegate::exchange
