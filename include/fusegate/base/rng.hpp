#pragma once

#include <fusegate/base/time.hpp>

#include <cstdint>

namespace fusegate {

/// A small seeded generator (xoshiro256**, Blackman and Vigna 2018) with our own distributions:
/// the ones of the standard library differ between implementations, and a seed must give the same
/// trace everywhere. Not for secrets.
class Rng {
 public:
  explicit Rng(std::uint64_t seed);

  std::uint64_t next();

  /// Uniform in [0, 1).
  double uniform();

  /// Uniform in [0, bound); 0 when `bound` is 0. Unbiased (Lemire's method).
  std::uint64_t below(std::uint64_t bound);

  /// Uniform in [low, high]; `low` when the range is empty.
  Duration between(Duration low, Duration high);

 private:
  std::uint64_t state_[4];
};

}  // namespace fusegate
