#include "state/due.hpp"

#include <algorithm>

namespace fusegate::state {
namespace {

using std::chrono::seconds;
using Window = policy::RollingWindow::Snapshot;
using Machine = policy::Breaker::Snapshot;

/// Is there a count in `after` that `before` does not have? Both lie on one lattice of slots.
bool has_more(const Window& before, const Window& after) {
  if (before.slot_length != after.slot_length || after.newest_end < before.newest_end) {
    return true;
  }
  const auto shift = (after.newest_end - before.newest_end) / after.slot_length;
  for (std::size_t age = 0; age < after.slots.size(); ++age) {
    const auto then = static_cast<Duration::rep>(age) - shift;
    const auto known =
        then < 0 ? policy::RollingWindow::Counts{} : before.slots[static_cast<std::size_t>(then)];
    if (after.slots[age] != known) {
      return true;
    }
  }
  return false;
}

bool at_rest(const Machine& machine) {
  // Without a word that could grow too old to be believed.
  return machine.forced == policy::Forced::No &&
         (machine.state == BreakerState::Closed || machine.state == BreakerState::Disabled);
}

News news(const Machine& before, const Machine& after) {
  if (before.state != after.state || before.since != after.since ||
      before.open_until != after.open_until || before.opened != after.opened ||
      before.successes != after.successes || before.forced != after.forced ||
      before.forced_until != after.forced_until) {
    return News::Moves;
  }
  const bool counted = before.run != after.run || before.ended_run != after.ended_run ||
                       before.hold_until != after.hold_until ||
                       has_more(before.window, after.window) ||
                       (before.throttle && after.throttle &&
                        has_more(before.throttle->window, after.throttle->window));
  return counted ? News::Counts : News::None;
}

News news(const exchange::EndpointMemory& before, const exchange::EndpointMemory& after) {
  if (before.ejected != after.ejected || before.returning != after.returning ||
      before.down != after.down) {
    return News::Moves;
  }
  return news(before.machine, after.machine);
}

using Endpoints = std::vector<exchange::EndpointMemory>;

const exchange::EndpointMemory* find(const Endpoints& all, const std::string& name) {
  const auto found = std::ranges::find(all, name, &exchange::EndpointMemory::name);
  return found == all.end() ? nullptr : &*found;
}

/// One that is not listed is as good as new.
News news(const Endpoints& before, const Endpoints& after) {
  News most = News::None;
  for (std::size_t i = 0; i < after.size(); ++i) {
    // Nearly always in the same place.
    const bool same_place = i < before.size() && before[i].name == after[i].name;
    const auto* const known = same_place ? &before[i] : find(before, after[i].name);
    const News fresh = at_rest(after[i].machine) ? News::Counts : News::Moves;
    most = std::max(most, known != nullptr ? news(*known, after[i]) : fresh);
  }
  const bool healed = std::ranges::any_of(before, [&](const exchange::EndpointMemory& each) {
    return !at_rest(each.machine) && find(after, each.name) == nullptr;
  });
  return healed ? News::Moves : most;
}

}  // namespace

News news(const std::vector<Section>& before, const std::vector<Section>& after) {
  if (before.size() != after.size()) {
    return News::Moves;
  }
  News most = News::None;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto& old = before[i].memory;
    const auto& now = after[i].memory;
    const News charged = has_more(old.budget, now.budget) ? News::Counts : News::None;
    most = std::max(
        {most, news(old.breaker, now.breaker), charged, news(old.endpoints, now.endpoints)});
  }
  return most;
}

bool is_calm(const std::vector<Section>& sections) {
  return std::ranges::all_of(sections, [](const Section& section) {
    return at_rest(section.memory.breaker) &&
           std::ranges::all_of(section.memory.endpoints,
                               [](const auto& endpoint) { return at_rest(endpoint.machine); });
  });
}

bool is_due(News news, bool calm, Duration since_last) {
  switch (news) {
    case News::Moves:
      return since_last >= seconds{2};
    case News::Counts:
      return since_last >= seconds{5};
    case News::None:
      break;
  }
  return !calm && since_last >= seconds{30};
}

}  // namespace fusegate::state
