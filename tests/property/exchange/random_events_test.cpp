#include "property/exchange/world.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fusegate::test {
namespace {

class RandomEvents : public testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomEvents, HoldTheInvariantsAndLeaveNothingBehind) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  World world{GetParam()};
  for (int i = 0; i < 10'000 && !HasFailure(); ++i) {
    world.step();
  }
  world.finish();
  world.recover();
}

TEST_P(RandomEvents, SameSeedGivesTheSameTrace) {
  const auto play = [](std::uint64_t seed) {
    World world{seed};
    for (int i = 0; i < 3'000; ++i) {
      world.step();
    }
    world.finish();
    return world.trace();
  };
  EXPECT_EQ(play(GetParam()), play(GetParam()));
  EXPECT_NE(play(GetParam()), play(GetParam() + 1000));
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomEvents, testing::Range<std::uint64_t>(1, 31));

TEST(RandomEvents, LocalRefusalsCancelsAndClientErrorsMoveNothing) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rig rig;
    rig.upstream.concurrency.max_in_flight = 2;
    rig.upstream.concurrency.queue.length = 1;
    auto& state = rig.start({"a:80", "b:80"}, seed);
    Rng dice{seed};
    for (int i = 0; i < 2'000; ++i) {
      const Instant now = at(i * 1ms);
      Call busy{rig, now};
      Call busy_too{rig, now};
      Call queued{rig, now};
      Call overflow{rig, now};
      (void)busy.begin(now);
      (void)busy_too.begin(now);
      (void)queued.begin(now);
      EXPECT_EQ(overflow.begin(now).reason, RejectReason::QueueFull);
      (void)queued.exchange.on_slot_timeout(now);
      (void)busy.status(400 + static_cast<unsigned>(dice.below(29)), now);
      (void)busy_too.end(Ending::ClientGone, now);
    }
    EXPECT_EQ(state.breaker().window(at(2s)).failed, 0U);
    EXPECT_TRUE(state.history().empty());
    EXPECT_EQ(state.endpoint_counts().healthy, 2U);
  }
}

}  // namespace
}  // namespace fusegate::test
