#include "property/proxy/world.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fusegate::test {
namespace {

class RandomPeers : public testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomPeers, NeverGetWhatIsNotTheirsAndLeaveNothingBehind) {
  for (std::uint64_t round = 0; round < 10 && !HasFailure(); ++round) {
    const std::uint64_t seed = GetParam() * 1000 + round;
    SCOPED_TRACE("seed " + std::to_string(seed));
    WireWorld world{Dice{seed}, seed};
    for (int i = 0; i < 400 && !HasFailure(); ++i) {
      world.step();
    }
    world.finish();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomPeers, testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace fusegate::test
