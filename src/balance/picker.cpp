#include <fusegate/balance/picker.hpp>

#include <utility>

namespace fusegate::balance {
namespace {

/// Two different numbers below `count`, which is at least 2.
std::pair<std::uint32_t, std::uint32_t> draw_two(std::uint32_t count, Rng& rng) {
  const auto first = static_cast<std::uint32_t>(rng.below(count));
  const auto second = static_cast<std::uint32_t>(rng.below(count - 1));
  return {first, second < first ? second : second + 1};
}

/// Index of the usable candidate number `position`, which exists.
std::uint32_t usable_at(const Candidates& candidates, std::uint32_t position) {
  std::uint32_t index = 0;
  for (;; ++index) {
    if (candidates[index] != kUnusable && position-- == 0) {
      return index;
    }
  }
}

/// The draw among the usable ones only, when two blind draws have missed them.
std::uint32_t two_of_usable(const Candidates& candidates, Rng& rng) {
  std::uint32_t usable = 0;
  for (std::uint32_t index = 0; index < candidates.count; ++index) {
    usable += candidates[index] != kUnusable ? 1 : 0;
  }
  if (usable == 0) {
    return kNone;
  }
  if (usable == 1) {
    return usable_at(candidates, 0);
  }
  const auto [first_position, second_position] = draw_two(usable, rng);
  const std::uint32_t first = usable_at(candidates, first_position);
  const std::uint32_t second = usable_at(candidates, second_position);
  return candidates[second] < candidates[first] ? second : first;
}

}  // namespace

std::uint32_t power_of_two(const Candidates& candidates, Rng& rng) {
  if (candidates.count < 2) {
    return candidates.count == 1 && candidates[0] != kUnusable ? 0 : kNone;
  }
  const auto [first, second] = draw_two(candidates.count, rng);
  const std::uint32_t first_load = candidates[first];
  const std::uint32_t second_load = candidates[second];
  if (first_load == kUnusable && second_load == kUnusable) {
    return candidates.count == 2 ? kNone : two_of_usable(candidates, rng);
  }
  // An unusable one carries the greatest load of all, so it loses by the same comparison.
  return second_load < first_load ? second : first;
}

std::uint32_t least_requests(const Candidates& candidates, Rng& rng) {
  std::uint32_t best = kNone;
  std::uint32_t best_load = kUnusable;
  std::uint32_t equals = 0;
  for (std::uint32_t index = 0; index < candidates.count; ++index) {
    const std::uint32_t load = candidates[index];
    if (load == kUnusable || load > best_load) {
      continue;
    }
    equals = load < best_load ? 1 : equals + 1;
    best_load = load;
    // Reservoir of one: each of the equals so far stays with the same probability.
    if (equals == 1 || rng.below(equals) == 0) {
      best = index;
    }
  }
  return best;
}

std::uint32_t round_robin(const Candidates& candidates, std::uint32_t& cursor) {
  std::uint32_t index = cursor < candidates.count ? cursor : 0;
  for (std::uint32_t looked = 0; looked < candidates.count; ++looked) {
    const std::uint32_t next = index + 1 < candidates.count ? index + 1 : 0;
    if (candidates[index] != kUnusable) {
      cursor = next;
      return index;
    }
    index = next;
  }
  return kNone;
}

}  // namespace fusegate::balance
