#pragma once

#include <fusegate/base/rng.hpp>

#include <cstdint>

/// The choice of one endpoint among many. Pure functions over a view: they know nothing of
/// endpoints, only how loaded each candidate is. No allocation.
namespace fusegate::balance {

/// The load of a candidate that must not be chosen.
inline constexpr std::uint32_t kUnusable = 0xffff'ffff;
/// The answer when no candidate is usable.
inline constexpr std::uint32_t kNone = 0xffff'ffff;

/// A view of `count` candidates. A plain function pointer keeps the callers' types out.
struct Candidates {
  const void* context = nullptr;
  std::uint32_t count = 0;
  /// The load of candidate `index`, in attempts in flight; `kUnusable` when it is out of question.
  /// Must not change while a choice is made.
  std::uint32_t (*load)(const void* context, std::uint32_t index) = nullptr;

  std::uint32_t operator[](std::uint32_t index) const { return load(context, index); }
};

/// Two different candidates drawn at random, the less loaded wins; the first drawn on a tie. Looks
/// at all of them only when both are unusable: then the same rule among those that are usable.
/// Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing".
std::uint32_t power_of_two(const Candidates& candidates, Rng& rng);

/// The least loaded, ties broken uniformly at random. Looks at all candidates.
std::uint32_t least_requests(const Candidates& candidates, Rng& rng);

/// The next usable one at or after `cursor`, which moves behind it. A cursor beyond the end (the
/// set has shrunk) starts over.
std::uint32_t round_robin(const Candidates& candidates, std::uint32_t& cursor);

}  // namespace fusegate::balance
