#pragma once

#include <fusegate/base/rng.hpp>

#include <cstdint>
#include <span>

namespace fusegate::test {

/// Random choices: from a seed, or from the bytes of a fuzzer, so that it can steer each of them.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : rng_(seed) {}
  explicit Dice(std::span<const std::uint8_t> bytes) : rng_(1), bytes_(bytes), steered_(true) {}

  std::uint64_t below(std::uint64_t bound) {
    if (!steered_) {
      return rng_.below(bound);
    }
    std::uint64_t drawn = 0;
    for (std::uint64_t reach = 1; reach < bound && !bytes_.empty() && reach < 1ULL << 56;
         reach *= 256) {
      drawn = drawn * 256 + bytes_.front();
      bytes_ = bytes_.subspan(1);
    }
    return bound == 0 ? 0 : drawn % bound;
  }

  double uniform() {
    return steered_ ? static_cast<double>(below(1U << 16U)) / (1U << 16U) : rng_.uniform();
  }

  Duration between(Duration low, Duration high) {
    if (!steered_) {
      return rng_.between(low, high);
    }
    return low + Duration{static_cast<Duration::rep>(uniform() *
                                                     static_cast<double>((high - low).count()))};
  }

  /// All bytes have been used; what follows is always the first choice.
  bool used_up() const { return steered_ && bytes_.empty(); }

 private:
  Rng rng_;
  std::span<const std::uint8_t> bytes_;
  bool steered_ = false;
};

}  // namespace fusegate::test
