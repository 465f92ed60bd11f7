#pragma once

#include <compare>
#include <cstdint>

namespace fusegate {

/// A share as an exact integer count of millionths: `20%` is 200'000. Shares above 100 % are valid
/// where a setting says so. Integers keep thresholds and budgets exact (a budget of 0.3 must not
/// become 0.333, as it does where a reciprocal is truncated).
struct Ratio {
  std::uint32_t millionths = 0;

  static constexpr Ratio percent(double value) {
    return Ratio{static_cast<std::uint32_t>(value * 10'000.0 + 0.5)};
  }
  /// `count` times this share, rounded down.
  constexpr std::uint64_t of(std::uint64_t count) const { return count * millionths / 1'000'000; }
  constexpr double value() const { return millionths / 1e6; }
  auto operator<=>(const Ratio&) const = default;
};

}  // namespace fusegate
