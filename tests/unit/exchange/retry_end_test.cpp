// What a retry that does not happen, or happens for free, leaves behind.
#include "support/core_rig.hpp"

#include <gtest/gtest.h>

namespace fusegate::test {
namespace {

TEST(RetryEnd, StaleConnectionOfARepeatableRequestReconnectsOnceForFree) {
  Rig rig;
  rig.policy.retries = 0;
  rig.upstream.retry_budget.min_retries = 0;
  auto& state = rig.start({"a:80", "b:80"});
  Call call{rig, at(0s)};
  const Decision first = call.begin(at(0s));
  call.exchange.on_connection(true);
  const Decision again = call.failure(stale(), at(1ms));
  ASSERT_EQ(again.kind, Kind::Attempt);
  EXPECT_EQ(again.endpoint, first.endpoint);
  EXPECT_TRUE(again.fresh_connection);
  EXPECT_EQ(call.report.attempts, 1);
  EXPECT_EQ(call.report.try_count, 2);
  EXPECT_TRUE(call.report.tries[0].reused);
  EXPECT_EQ(call.report.tries[1].kind, AttemptKind::Retry) << "the upstream gets it again";
  EXPECT_EQ(first.endpoint->in_flight, 1U);
  EXPECT_EQ(state.breaker().window(at(1ms)).total, 0U) << "a kept connection may close any time";
  const Decision end = call.failure(stale(), at(2ms));
  EXPECT_EQ(end.kind, Kind::Reject) << "only once";
  EXPECT_EQ(call.report.denied, DenyReason::Exhausted);
}

TEST(RetryEnd, AfterAStaleConnectionKeptOnesAreNotUsedForASecond) {
  // A server that breaks every kept connection would otherwise get each request twice.
  Rig rig;
  rig.start({"a:80"});
  Call broken{rig, at(0s)};
  EXPECT_FALSE(broken.begin(at(0s)).fresh_connection);
  EXPECT_TRUE(broken.failure(stale(), at(1ms)).fresh_connection);
  Call soon{rig, at(1000ms)};
  EXPECT_TRUE(soon.begin(at(1000ms)).fresh_connection);
  Call later{rig, at(1001ms)};
  EXPECT_FALSE(later.begin(at(1001ms)).fresh_connection);
}

TEST(RetryEnd, StaleConnectionReconnectsForANonRepeatableRequestOnlyWhenNothingWasWritten) {
  Rig rig;
  rig.traits.repeatable = false;
  rig.start({"a:80"});
  Call written{rig, at(0s)};
  (void)written.begin(at(0s));
  EXPECT_EQ(written.failure(stale(), at(0s)).kind, Kind::Reject);
  Call unwritten{rig, at(0s)};
  (void)unwritten.begin(at(0s));
  auto facts = stale();
  facts.nothing_written = true;
  EXPECT_EQ(unwritten.failure(facts, at(0s)).kind, Kind::Attempt);
}

TEST(RetryEnd, BodyThatOutgrewItsBoundIsNotRepeatedUnlessNothingWasWritten) {
  Rig rig;
  rig.start({"a:80", "b:80"});
  Call call{rig, at(0s)};
  (void)call.begin(at(0s));
  call.exchange.on_not_replayable();
  EXPECT_TRUE(call.report.replay_overflow);
  EXPECT_EQ(call.failure(reset(), at(0s)).kind, Kind::Reject);
  EXPECT_EQ(call.report.denied, DenyReason::NotReplayable);
  Call unsent{rig, at(0s)};
  (void)unsent.begin(at(0s));
  unsent.exchange.on_not_replayable();
  EXPECT_EQ(unsent.failure(refused(), at(0s)).kind, Kind::Wait);
}

TEST(RetryEnd, MisdirectedOnAKeptConnectionWasNeverSent) {
  Rig rig;
  rig.traits.repeatable = false;
  rig.start({"a:80"});
  Call call{rig, at(0s)};
  (void)call.begin(at(0s));
  call.exchange.on_connection(true);
  ASSERT_EQ(call.status(421, at(0s)).kind, Kind::Wait);
  EXPECT_EQ(call.exchange.last_failure(), FailureClass::NeverSent);
  EXPECT_TRUE(call.wake(at(25ms)).fresh_connection);
  call.exchange.on_connection(false);
  EXPECT_EQ(call.status(421, at(25ms)).kind, Kind::Forward) << "a new connection's word stands";
}

TEST(RetryEnd, TimeoutOfTheTotalDeadlineIsNamedSo) {
  Rig rig;
  rig.traits.repeatable = false;
  rig.start({"a:80"});
  Call whole{rig, at(0s)};
  (void)whole.begin(at(0s));
  EXPECT_EQ(whole.failure(try_timeout(), at(15s)).reason, RejectReason::Deadline);
  rig.policy.per_try_timeout = 1s;
  Call one{rig, at(20s)};
  (void)one.begin(at(20s));
  EXPECT_EQ(one.failure(try_timeout(), at(21s)).reason, RejectReason::TryTimeout);
}

TEST(RetryEnd, LateWakeupGivesUpAndRefunds) {
  Rig rig;
  rig.policy.timeout = 100ms;
  auto& state = rig.start({"a:80"});
  Call call{rig, at(0s)};
  (void)call.begin(at(0s));
  const auto before = state.budget().available(at(1ms));
  ASSERT_EQ(call.failure(reset(), at(1ms)).kind, Kind::Wait);
  EXPECT_EQ(state.budget().available(at(1ms)), before - 1);
  const Decision late = call.wake(at(95ms));
  EXPECT_EQ(late.kind, Kind::Reject);
  EXPECT_EQ(late.reason, RejectReason::Reset);
  EXPECT_EQ(call.report.denied, DenyReason::Deadline);
  EXPECT_EQ(state.budget().available(at(95ms)), before);
  (void)call.end(Ending::Rejected, at(95ms));
  EXPECT_EQ(state.budget().available(at(95ms)), before) << "not refunded twice";
}

TEST(RetryEnd, ClientThatLeavesDuringTheBackoffGivesTheChargeBack) {
  Rig rig;
  auto& state = rig.start({"a:80"});
  Call call{rig, at(0s)};
  (void)call.begin(at(0s));
  const auto before = state.budget().available(at(1ms));
  ASSERT_EQ(call.failure(reset(), at(1ms)).kind, Kind::Wait);
  (void)call.end(Ending::ClientGone, at(11ms));
  EXPECT_EQ(state.budget().available(at(11ms)), before);
  EXPECT_EQ(call.report.backoff, 10ms);
  EXPECT_EQ(state.limiter().in_flight(), 0U);
}

TEST(RetryEnd, BurstAtOneDeadEndpointDoesNotOpenTheBreaker) {
  Rig rig;
  auto& state = rig.start({"a:80", "b:80", "c:80"});
  auto& dead = *state.endpoints().front();
  const auto fail = [&] {
    const auto permit = state.breaker().admit(true, 1s, state.rng(), at(1ms)).permit;
    state.settle(dead, std::nullopt, permit, policy::Verdict::Failure, 1ms, std::nullopt, at(1ms));
  };
  for (int i = 0; i < 12; ++i) {
    fail();
  }
  EXPECT_EQ(state.breaker().state(), BreakerState::Closed) << "ejection is for this";
  EXPECT_EQ(state.breaker().consecutive_failures(), 0U);
  EXPECT_EQ(state.breaker().window(at(1ms)).failed, 12U) << "the rate still knows";
}

TEST(RetryEnd, BreakerThatOpensDuringTheBackoffStopsTheRetryAndRefunds) {
  Rig rig;
  auto& state = rig.start({"a:80"});
  Call call{rig, at(0s)};
  (void)call.begin(at(0s));
  ASSERT_EQ(call.status(503, at(0s)).kind, Kind::Wait);
  const auto before = state.budget().available(at(0s));
  for (int i = 0; i < 4; ++i) {
    settle_one(rig, 500, at(1ms));
  }
  ASSERT_EQ(state.breaker().state(), BreakerState::Open);
  const auto now = state.budget().available(at(1ms));
  EXPECT_GE(now, before);
  EXPECT_EQ(call.wake(at(25ms)).kind, Kind::ForwardHeld);
  EXPECT_EQ(call.report.denied, DenyReason::BreakerOpen);
  EXPECT_EQ(state.budget().available(at(25ms)), now + 1);
}

TEST(RetryEnd, CancelledAttemptIsNeitherJudgedNorRepeated) {
  Rig rig;
  auto& state = rig.start({"a:80"});
  Call call{rig, at(0s)};
  (void)call.begin(at(0s));
  const Decision end = call.failure({.failure = FailureClass::NoResponse,
                                     .result = AttemptResult::Cancelled,
                                     .reason = RejectReason::Draining},
                                    at(0s));
  EXPECT_EQ(end.kind, Kind::Reject);
  EXPECT_EQ(end.reason, RejectReason::Draining);
  EXPECT_EQ(state.breaker().window(at(0s)).total, 0U);
}

TEST(RetryEnd, OurOwnWantIsRepeatedButNotTheUpstreamsFault) {
  Rig rig;
  auto& state = rig.start({"a:80"});
  auto want = refused();
  want.ours = true;
  for (int i = 0; i < 20; ++i) {
    const Instant now = at(i * 10ms);
    Call call{rig, now};
    ASSERT_EQ(call.begin(now).kind, Kind::Attempt);
    const Decision next = call.failure(want, now);
    EXPECT_TRUE(next.kind == Kind::Wait || call.report.denied == DenyReason::Budget);
  }
  EXPECT_EQ(state.breaker().window(at(200ms)).total, 0U);
  EXPECT_EQ(state.breaker().state(), BreakerState::Closed);
}

TEST(RetryEnd, EndpointThatLeftIsKeptUntilItsRequestEnds) {
  Rig rig;
  auto& state = rig.start({"a:80"});
  Call call{rig, at(0s)};
  const Decision first = call.begin(at(0s));
  state.set_endpoints({"b:80"}, at(1ms));
  EXPECT_TRUE(first.endpoint->retired);
  ASSERT_EQ(call.failure(reset(), at(2ms)).kind, Kind::Wait);
  const Decision second = call.wake(at(27ms));
  EXPECT_EQ(second.endpoint->name, "b:80");
  EXPECT_NE(second.endpoint->slot, first.endpoint->slot) << "the old one is still in use";
  EXPECT_EQ(call.report.tries[0].endpoint->name, "a:80");
  (void)call.end(Ending::ClientGone, at(30ms));
  state.set_endpoints({"b:80", "c:80"}, at(31ms));
  EXPECT_EQ(state.endpoints()[1]->slot, 0U) << "free again";
  EXPECT_GT(state.endpoints()[1]->epoch, state.endpoints()[0]->epoch);
}

TEST(RetryEnd, RetryThatBeganStaysPaidFor) {
  Rig rig;
  auto& state = rig.start({"a:80", "b:80"});
  Call call{rig, at(0s)};
  (void)call.begin(at(0s));
  const auto before = state.budget().available(at(0s));
  ASSERT_EQ(call.failure(reset(), at(0s)).kind, Kind::Wait);
  ASSERT_EQ(call.wake(at(25ms)).kind, Kind::Attempt);
  ASSERT_EQ(call.status(200, at(30ms)).kind, Kind::Forward);
  (void)call.end(Ending::Delivered, at(40ms));
  EXPECT_EQ(state.budget().available(at(40ms)), before - 1);
}

}  // namespace
}  // namespace fusegate::test
