#include "support/core_rig.hpp"

#include <gtest/gtest.h>

namespace fusegate::test {
namespace {

using exchange::UpstreamMemory;
using exchange::UpstreamState;

void spend(UpstreamState& state, int requests, int charges, Instant now) {
  for (int i = 0; i < requests; ++i) {
    state.budget().on_request(now);
  }
  for (int i = 0; i < charges; ++i) {
    ASSERT_TRUE(state.budget().try_charge(now));
  }
}

TEST(Memory, EndpointsAboutWhichNothingIsKnownAreLeftOut) {
  Rig rig;
  auto& state = rig.start({"a:80", "b:80", "c:80"});
  EXPECT_TRUE(state.memory(at(0s)).endpoints.empty());
  judge(state, named(state, "b:80"), policy::Verdict::Failure, 1, at(0s));
  ASSERT_EQ(state.memory(at(0s)).endpoints.size(), 1U);
  EXPECT_EQ(state.memory(at(0s)).endpoints[0].name, "b:80");
  EXPECT_TRUE(state.memory(at(100s)).endpoints.empty() ||
              state.memory(at(100s)).endpoints[0].machine.run == 1)
      << "only the run is left of it";
}

TEST(Memory, BreakerBudgetAndEjectionsGoOn) {
  Rig rig;
  auto& state = rig.start({"a:80", "b:80", "c:80"});
  spend(state, 0, 10, at(0s));
  judge(state, named(state, "b:80"), policy::Verdict::Failure, 5, at(0s));
  for (int i = 0; i < 5; ++i) {
    const auto admission = state.breaker().admit(true, 1s, state.rng(), at(1s));
    state.breaker().settle(*admission.permit, policy::Verdict::Failure, 1ms, std::nullopt,
                           state.rng(), at(1s));
  }
  state.drain_breaker();
  const UpstreamMemory memory = state.memory(at(2s));

  Rig next;
  next.state = std::make_unique<UpstreamState>(next.upstream, 9, at(3s));
  ASSERT_TRUE(next.state->restore(memory, at(60s), at(3s)));
  EXPECT_EQ(next.state->breaker().state(), BreakerState::Open);
  EXPECT_EQ(next.state->breaker().open_until(), at(6s));
  EXPECT_EQ(next.state->budget().available(at(3s)), 0U);
  next.state->set_endpoints({"a:80", "b:80", "c:80"}, at(4s));
  EXPECT_TRUE(named(*next.state, "b:80").ejected);
  EXPECT_EQ(next.state->endpoint_counts().ejected, 1U);
  ASSERT_EQ(next.state->history().size(), 2U) << "why, for people";
  EXPECT_EQ(next.state->history()[0].transition.reason, TransitionReason::ConsecutiveFailures);
  EXPECT_FALSE(next.state->has_events()) << "it was logged before";
  EXPECT_EQ(next.state->counters(at(4s)).ejections, UpstreamState::Counters{}.ejections);
}

TEST(Memory, OfARestartBeforeTheNamesAreKnownIsKeptForTheNext) {
  Rig rig;
  auto& state = rig.start({"a:80", "b:80"});
  judge(state, named(state, "b:80"), policy::Verdict::Failure, 5, at(0s));
  const UpstreamMemory memory = state.memory(at(1s));
  Rig next;
  next.state = std::make_unique<UpstreamState>(next.upstream, 9, at(2s));
  ASSERT_TRUE(next.state->restore(memory, at(60s), at(2s)));
  EXPECT_EQ(next.state->memory(at(2s)).endpoints, memory.endpoints);
  EXPECT_TRUE(next.state->memory(at(60s)).endpoints.empty()) << "but not for ever";
  next.state->set_endpoints({"a:80", "b:80"}, at(60s));
  EXPECT_FALSE(named(*next.state, "b:80").ejected);
}

TEST(Memory, ShareThatMayBeOutHoldsAndIsFilledAsEndpointsAppear) {
  Rig rig;
  auto& state = rig.start({"a:80", "b:80", "c:80", "d:80"});
  judge(state, named(state, "a:80"), policy::Verdict::Failure, 5, at(0s));
  judge(state, named(state, "b:80"), policy::Verdict::Failure, 5, at(0s));
  const UpstreamMemory memory = state.memory(at(1s));
  ASSERT_EQ(memory.endpoints.size(), 2U);

  Rig next;
  next.state = std::make_unique<UpstreamState>(next.upstream, 9, at(2s));
  ASSERT_TRUE(next.state->restore(memory, at(60s), at(2s)));
  next.state->set_endpoints({"a:80"}, at(2s));
  EXPECT_FALSE(named(*next.state, "a:80").ejected) << "the only one known";
  next.state->set_endpoints({"a:80", "b:80"}, at(2s));
  EXPECT_EQ(next.state->endpoint_counts().ejected, 1U);
  next.state->set_endpoints({"a:80", "b:80", "c:80", "d:80"}, at(2s));
  EXPECT_TRUE(named(*next.state, "a:80").ejected);
  EXPECT_TRUE(named(*next.state, "b:80").ejected);
}

TEST(Memory, DownByChecksStaysDownUntilChecksSayOtherwise) {
  Rig rig;
  rig.upstream.health_check.emplace();
  auto& state = rig.start({"a:80", "b:80"});
  const UpstreamState::DueCheck check{"a:80", named(state, "a:80").epoch};
  for (int i = 0; i < 3; ++i) {
    state.finish_check(check, "status 503", at(0s));
  }
  const UpstreamMemory memory = state.memory(at(1s));
  Rig next;
  next.upstream.health_check.emplace();
  next.state = std::make_unique<UpstreamState>(next.upstream, 9, at(2s));
  ASSERT_TRUE(next.state->restore(memory, at(60s), at(2s)));
  next.state->set_endpoints({"a:80", "b:80"}, at(2s));
  EXPECT_TRUE(named(*next.state, "a:80").ejected);
  next.state->finish_check({"a:80", named(*next.state, "a:80").epoch}, "", at(3s));
  next.state->finish_check({"a:80", named(*next.state, "a:80").epoch}, "", at(3s));
  EXPECT_FALSE(named(*next.state, "a:80").ejected);

  Rig unchecked;
  EXPECT_FALSE(unchecked.start({}).restore(memory, at(60s), at(2s))) << "nobody would free it";
}

TEST(Memory, ImpossibleStateIsRefusedWhole) {
  Rig rig;
  auto& state = rig.start({"a:80", "b:80"});
  judge(state, named(state, "a:80"), policy::Verdict::Failure, 5, at(0s));
  const UpstreamMemory good = state.memory(at(1s));
  const auto refused = [&](auto change) {
    UpstreamMemory bad = good;
    change(bad);
    Rig next;
    auto& restored = next.start({"a:80", "b:80"});
    EXPECT_FALSE(restored.restore(bad, at(60s), at(1s)));
    EXPECT_EQ(restored.endpoint_counts().healthy, 2U);
    EXPECT_TRUE(restored.memory(at(1s)).endpoints.empty());
  };
  refused([](UpstreamMemory& m) { m.breaker.state = BreakerState::Disabled; });
  refused([](UpstreamMemory& m) { m.budget.slot_length = 3s; });
  refused([](UpstreamMemory& m) { m.endpoints[0].name = ""; });
  refused([](UpstreamMemory& m) { m.endpoints[0].down = true; });
  refused([](UpstreamMemory& m) { m.endpoints[0].returning = true; });
  refused([](UpstreamMemory& m) { m.endpoints[0].machine.state = BreakerState::Closed; });
  refused([](UpstreamMemory& m) { m.endpoints[0].machine.state = BreakerState::ForcedOpen; });
}

}  // namespace
}  // namespace fusegate::test
