#include "support/core_rig.hpp"

#include <gtest/gtest.h>

namespace fusegate::test {
namespace {

using exchange::EndpointState;
using exchange::UpstreamState;

TEST(UpstreamState, EventsNameTheEndpointAndAreKeptUpToABound) {
  Rig rig;
  auto& state = rig.start({"a:80", "b:80"});
  EndpointState& b = named(state, "b:80");
  judge(state, b, policy::Verdict::Failure, 5, at(0s));
  ASSERT_TRUE(state.has_events());
  const auto event = state.take_event();
  EXPECT_EQ(event->endpoint, "b:80");
  EXPECT_EQ(event->transition.to, BreakerState::Open);
  EXPECT_EQ(event->transition.reason, TransitionReason::ConsecutiveFailures);
  EXPECT_FALSE(state.has_events());
  for (int round = 1; round < 300; ++round) {
    judge(state, b, policy::Verdict::Failure, 1, at(round * 100s));
  }
  EXPECT_EQ(state.history().size(), UpstreamState::kHistoryMax);
  EXPECT_LT(state.history().front().transition.at, state.history().back().transition.at);
}

TEST(UpstreamState, TimeInStateAddsUpToTheTimeThatPassed) {
  Rig rig;
  auto& state = rig.start({"a:80"});
  for (int i = 0; i < 5; ++i) {
    settle_one(rig, 500, at(3s));
  }
  state.tick(at(10s));
  const auto counters = state.counters(at(11s));
  const auto in = [&](BreakerState s) {
    return counters.time_in_state[static_cast<std::size_t>(s)];
  };
  EXPECT_EQ(in(BreakerState::Closed), 3s);
  EXPECT_EQ(in(BreakerState::Open), 5s);
  EXPECT_EQ(in(BreakerState::HalfOpen), 3s);
  EXPECT_EQ(state.history().size(), 2U);
  EXPECT_TRUE(state.history().front().endpoint.empty());
}

TEST(UpstreamState, EndpointThatReturnsBeforeItsLastAttemptEndedIsTheSame) {
  Rig rig;
  auto& state = rig.start({"a:80", "b:80"});
  EndpointState* const a = &named(state, "a:80");
  state.pin(*a);
  state.set_endpoints({"b:80"}, at(1s));
  EXPECT_TRUE(a->retired);
  state.set_endpoints({"b:80", "a:80", "a:80"}, at(2s));
  ASSERT_EQ(state.endpoints().size(), 2U);
  EXPECT_EQ(&named(state, "a:80"), a);
  EXPECT_FALSE(a->retired);
  state.unpin(*a);
  EXPECT_EQ(&named(state, "a:80"), a);
}

TEST(UpstreamState, AStuckEndpointTakesNoPlacesFromTheOthers) {
  Rig rig;
  auto& state = rig.start({"a:80", "b:80"});
  EndpointState& a = named(state, "a:80");
  Instant now = at(0s);
  for (int i = 0; i < 40; ++i) {
    state.enter(a, now);
  }
  const std::uint32_t before = state.limiter().limit();
  for (int i = 0; i < 40; ++i) {
    now += 100ms;
    state.on_drop(a, 1s, now);  // Nothing is answered; the attempts go on.
  }
  EXPECT_EQ(state.limit_of(a), 1U);
  const std::uint32_t others = state.limit_of(named(state, "b:80"));
  EXPECT_EQ(before, 2 * others);
  EXPECT_EQ(state.limiter().limit(), others + 40)
      << "what is stuck is not taken from the other one";
  for (int left = 40; left > 0; --left) {
    state.depart(a, now);
  }
  EXPECT_EQ(state.limiter().limit(), others + 1);
}

TEST(UpstreamState, NewEndpointsGiveTheQueueTheirSlots) {
  Rig rig;
  rig.upstream.connections.max_per_endpoint = 1;
  auto& state = rig.start({"a:80"});
  Call first{rig, at(0s)};
  ASSERT_EQ(first.begin(at(0s)).kind, Kind::Attempt);
  Call second{rig, at(0s)};
  ASSERT_EQ(second.begin(at(0s)).kind, Kind::Queue);
  Call third{rig, at(0s)};
  ASSERT_EQ(third.begin(at(0s)).kind, Kind::Queue);
  EXPECT_EQ(state.limiter().hand_out(at(0s)), nullptr);
  state.set_endpoints({"a:80", "b:80"}, at(1ms));
  EXPECT_EQ(state.limiter().hand_out(at(0s)), &second);
  EXPECT_EQ(state.limiter().hand_out(at(0s)), nullptr) << "two endpoints, two slots";
  EXPECT_EQ(second.exchange.on_slot(at(1ms)).kind, Kind::Attempt);
  // Back to one: the slot that comes back first is kept, the next one is handed on.
  state.set_endpoints({"b:80"}, at(2ms));
  EXPECT_EQ(first.end(Ending::ClientGone, at(3ms)), nullptr);
  EXPECT_EQ(second.end(Ending::ClientGone, at(4ms)), &third);
}

}  // namespace
}  // namespace fusegate::test
