#include "support/core_rig.hpp"

#include <gtest/gtest.h>

namespace fusegate::test {
namespace {

TEST(Exchange, ForwardsAGoodResponseOfTheFirstAttempt) {
  Rig rig;
  auto& state = rig.start({"a:80"});
  Call call{rig, at(0s)};
  const Decision begun = call.begin(at(0s));
  ASSERT_EQ(begun.kind, Kind::Attempt);
  EXPECT_EQ(begun.endpoint->name, "a:80");
  EXPECT_FALSE(begun.fresh_connection);
  EXPECT_EQ(call.status(200, at(10ms)).kind, Kind::Forward);
  EXPECT_EQ(begun.endpoint->in_flight, 1U) << "the body is still coming";
  EXPECT_EQ(call.report.attempts, 1);
  EXPECT_EQ(call.report.try_count, 1);
  EXPECT_EQ(call.report.tries[0].duration, 10ms);
  EXPECT_EQ(call.report.tries[0].status, 200);
  EXPECT_EQ(call.report.tries[0].result, AttemptResult::Ok);
  EXPECT_EQ(call.report.tries[0].kind, AttemptKind::First);
  EXPECT_FALSE(call.report.denied);
  EXPECT_EQ(call.end(Ending::Delivered, at(20ms)), nullptr);
  EXPECT_EQ(state.attempts_in_flight(), 0U);
  EXPECT_EQ(state.limiter().in_flight(), 0U);
  EXPECT_EQ(state.endpoints()[0]->pins, 0U);
}

TEST(Exchange, DeadlineIsTheSmallerOfTimeoutAndThePeersTimeLeft) {
  Rig rig;
  rig.start({"a:80"});
  Call ours{rig, at(0s)};
  EXPECT_EQ(ours.exchange.deadline(), at(15s));
  rig.traits.time_left = 2s;
  Call theirs{rig, at(1s)};
  EXPECT_EQ(theirs.exchange.deadline(), at(3s));
  rig.traits.time_left = 60s;
  Call capped{rig, at(0s)};
  EXPECT_EQ(capped.exchange.deadline(), at(15s));
}

TEST(Exchange, StartsNoAttemptWithLessTimeThanATryNeeds) {
  Rig rig;
  auto& state = rig.start({"a:80"});
  rig.traits.time_left = policy::kMinTry - 1ns;
  Call late{rig, at(0s)};
  const Decision decision = late.begin(at(0s));
  EXPECT_EQ(decision.kind, Kind::Reject);
  EXPECT_EQ(decision.reason, RejectReason::Deadline);
  EXPECT_EQ(state.limiter().in_flight(), 0U);
  rig.traits.time_left = policy::kMinTry;
  Call just{rig, at(0s)};
  EXPECT_EQ(just.begin(at(0s)).kind, Kind::Attempt);
}

TEST(Exchange, RepeatableTriesGetAFairShareAndTheLastTryTheRest) {
  Rig rig;
  rig.policy.timeout = 3050ms;
  rig.start({"a:80", "b:80", "c:80"});
  Call call{rig, at(0s)};
  EXPECT_EQ(call.begin(at(0s)).until, at(1s)) << "(3050 ms - 2 waits of 25 ms) / 3";
  const Decision wait = call.failure(try_timeout(), at(1s));
  ASSERT_EQ(wait.kind, Kind::Wait);
  EXPECT_EQ(wait.until, at(1025ms));
  EXPECT_EQ(call.wake(at(1025ms)).until, at(2025ms)) << "half of what is left, less one wait";
  ASSERT_EQ(call.failure(try_timeout(), at(1500ms)).kind, Kind::Wait);
  EXPECT_EQ(call.wake(at(1550ms)).until, at(3050ms));
}

TEST(Exchange, FirstTryGetsTheWholeDeadlineWhenATimeoutCouldNotBeRetried) {
  Rig rig;
  rig.start({"a:80"});
  rig.traits.repeatable = false;
  Call post{rig, at(0s)};
  EXPECT_EQ(post.begin(at(0s)).until, at(15s));
  rig.traits = {.repeatable = true, .coordinated = true};
  Call inner{rig, at(0s)};
  EXPECT_EQ(inner.begin(at(0s)).until, at(15s));
  rig.traits = {.repeatable = true};
  rig.policy.retries = 0;
  Call once{rig, at(0s)};
  EXPECT_EQ(once.begin(at(0s)).until, at(15s));
  rig.policy.retries = 2;
  rig.policy.retry.on.no_response = false;
  Call unlisted{rig, at(0s)};
  EXPECT_EQ(unlisted.begin(at(0s)).until, at(15s));
}

TEST(Exchange, ExplicitTryTimeoutIsCutByTheDeadline) {
  Rig rig;
  rig.policy.per_try_timeout = 10s;
  rig.start({"a:80"});
  Call call{rig, at(0s)};
  EXPECT_EQ(call.begin(at(0s)).until, at(10s));
  ASSERT_EQ(call.failure(try_timeout(), at(10s)).kind, Kind::Wait);
  EXPECT_EQ(call.wake(at(10025ms)).until, at(15s));
}

TEST(Exchange, QueuesWhenNoSlotIsFreeAndTakesOverTheSlotThatIsGivenBack) {
  Rig rig;
  rig.upstream.concurrency.max_in_flight = 1;
  auto& state = rig.start({"a:80"});
  Call first{rig, at(0s)};
  ASSERT_EQ(first.begin(at(0s)).kind, Kind::Attempt);
  Call second{rig, at(1ms)};
  const Decision queued = second.begin(at(1ms));
  ASSERT_EQ(queued.kind, Kind::Queue);
  EXPECT_EQ(queued.until, at(51ms));
  ASSERT_EQ(first.status(200, at(5ms)).kind, Kind::Forward);
  EXPECT_EQ(first.end(Ending::Delivered, at(31ms)), &second);
  EXPECT_EQ(second.exchange.on_slot(at(31ms)).kind, Kind::Attempt);
  EXPECT_EQ(second.report.queue_wait, Duration{30ms});
  EXPECT_EQ(state.limiter().in_flight(), 1U);
  EXPECT_EQ(second.end(Ending::ClientGone, at(32ms)), nullptr);
  EXPECT_EQ(state.limiter().in_flight(), 0U);
}

TEST(Exchange, QueueTimeoutRejectsAndAFullQueueRejectsAtOnce) {
  Rig rig;
  rig.upstream.concurrency.max_in_flight = 1;
  rig.upstream.concurrency.queue.length = 1;
  auto& state = rig.start({"a:80"});
  Call first{rig, at(0s)};
  ASSERT_EQ(first.begin(at(0s)).kind, Kind::Attempt);
  Call second{rig, at(0s)};
  ASSERT_EQ(second.begin(at(0s)).kind, Kind::Queue);
  Call third{rig, at(0s)};
  const Decision full = third.begin(at(0s));
  EXPECT_EQ(full.kind, Kind::Reject);
  EXPECT_EQ(full.reason, RejectReason::QueueFull);
  EXPECT_EQ(full.retry_after, Duration{1s});
  const Decision timed_out = second.exchange.on_slot_timeout(at(50ms));
  EXPECT_EQ(timed_out.kind, Kind::Reject);
  EXPECT_EQ(timed_out.reason, RejectReason::QueueTimeout);
  EXPECT_EQ(second.report.queue_wait, Duration{50ms});
  EXPECT_EQ(second.end(Ending::Rejected, at(50ms)), nullptr);
  EXPECT_EQ(state.limiter().waiting(), 0U);
  EXPECT_EQ(state.limiter().in_flight(), 1U);
}

TEST(Exchange, SlotGrantedInTheMomentOfTheTimeoutIsUsed) {
  Rig rig;
  rig.upstream.concurrency.max_in_flight = 1;
  rig.start({"a:80"});
  Call first{rig, at(0s)};
  (void)first.begin(at(0s));
  Call second{rig, at(0s)};
  ASSERT_EQ(second.begin(at(0s)).kind, Kind::Queue);
  EXPECT_EQ(first.end(Ending::ClientGone, at(50ms)), &second);
  EXPECT_EQ(second.exchange.on_slot_timeout(at(50ms)).kind, Kind::Attempt);
}

TEST(Exchange, ClientGoneWhileQueuedLeavesTheQueueOrPassesTheSlotOn) {
  Rig rig;
  rig.upstream.concurrency.max_in_flight = 1;
  auto& state = rig.start({"a:80"});
  Call first{rig, at(0s)};
  (void)first.begin(at(0s));
  Call second{rig, at(0s)};
  (void)second.begin(at(0s));
  Call third{rig, at(0s)};
  (void)third.begin(at(0s));
  Call fourth{rig, at(0s)};
  (void)fourth.begin(at(0s));
  EXPECT_EQ(second.end(Ending::ClientGone, at(1ms)), nullptr);
  EXPECT_EQ(first.end(Ending::ClientGone, at(2ms)), &third);
  // The third leaves before it has heard of its slot.
  EXPECT_EQ(third.end(Ending::ClientGone, at(3ms)), &fourth);
  EXPECT_EQ(fourth.exchange.on_slot(at(3ms)).kind, Kind::Attempt);
  EXPECT_EQ(fourth.end(Ending::ClientGone, at(4ms)), nullptr);
  EXPECT_EQ(state.limiter().in_flight(), 0U);
}

TEST(Exchange, OpenBreakerRejectsBeforeTheQueueWithTheTimeToWait) {
  Rig rig;
  rig.upstream.concurrency.max_in_flight = 1;
  auto& state = rig.start({"a:80"});
  for (int i = 0; i < 5; ++i) {
    settle_one(rig, 500, at(0s));
  }
  ASSERT_EQ(state.breaker().state(), BreakerState::Open);
  Call call{rig, at(2s)};
  const Decision decision = call.begin(at(2s));
  EXPECT_EQ(decision.kind, Kind::Reject);
  EXPECT_EQ(decision.reason, RejectReason::BreakerOpen);
  EXPECT_EQ(decision.retry_after, Duration{3s});
  EXPECT_EQ(state.limiter().in_flight(), 0U);
  EXPECT_EQ(call.report.try_count, 0);
}

TEST(Exchange, ProbesOneRequestAtATimeAfterTheOpenTime) {
  Rig rig;
  auto& state = rig.start({"a:80"});
  for (int i = 0; i < 5; ++i) {
    settle_one(rig, 500, at(0s));
  }
  Call probe{rig, at(5s)};
  ASSERT_EQ(probe.begin(at(5s)).kind, Kind::Attempt);
  Call other{rig, at(5s)};
  const Decision refused_one = other.begin(at(5s));
  EXPECT_EQ(refused_one.reason, RejectReason::BreakerOpen);
  ASSERT_TRUE(refused_one.retry_after);
  EXPECT_GE(*refused_one.retry_after, 0ns);
  EXPECT_EQ(state.breaker().probes_in_flight(), 1U);
  (void)probe.end(Ending::ClientGone, at(6s));
  EXPECT_EQ(state.breaker().probes_in_flight(), 0U) << "a client that leaves gives the probe back";
}

TEST(Exchange, NoEndpointAndFullEndpointsAreSaidApart) {
  Rig rig;
  rig.upstream.connections.max_per_endpoint = 1;
  auto& state = rig.start({});
  Call none{rig, at(0s)};
  EXPECT_EQ(none.begin(at(0s)).reason, RejectReason::NoEndpoint);
  state.set_endpoints({"a:80", "b:80"}, at(0s));
  state.endpoints()[0]->in_flight = 1;
  state.endpoints()[1]->in_flight = 1;
  Call full{rig, at(0s)};
  const Decision decision = full.begin(at(0s));
  EXPECT_EQ(decision.reason, RejectReason::OverLimit);
  EXPECT_EQ(decision.retry_after, Duration{1s});
  EXPECT_EQ(state.breaker().window(at(0s)).total, 0U) << "our own limit says nothing";
}

TEST(Exchange, SlotsFollowTheNumberOfEndpoints) {
  Rig rig;
  rig.upstream.connections.max_per_endpoint = 3;
  auto& state = rig.start({"a:80", "b:80"});
  EXPECT_EQ(state.limiter().limit(), 6U);
  state.set_endpoints({"a:80"}, at(1s));
  EXPECT_EQ(state.limiter().limit(), 3U);
  state.set_endpoints({}, at(2s));
  EXPECT_EQ(state.limiter().limit(), 1024U);
}

TEST(Exchange, BodyThatBreaksOffIsAFailureAfterAll) {
  Rig rig;
  auto& state = rig.start({"a:80", "b:80"});
  for (int i = 0; i < 5; ++i) {
    Call call{rig, at(0s)};
    ASSERT_EQ(call.begin(at(0s)).kind, Kind::Attempt);
    ASSERT_EQ(call.status(200, at(0s)).kind, Kind::Forward);
    (void)call.end(Ending::CutByUpstream, at(0s));
  }
  EXPECT_EQ(state.breaker().state(), BreakerState::Open);
  EXPECT_EQ(state.breaker().window(at(0s)).failed, 5U);
}

TEST(Exchange, AttemptGivenUpIsReportedAsCancelledAndNotJudged) {
  Rig rig;
  auto& state = rig.start({"a:80"});
  Call call{rig, at(0s)};
  (void)call.begin(at(0s));
  (void)call.end(Ending::ClientGone, at(300ms));
  EXPECT_EQ(call.report.tries[0].result, AttemptResult::Cancelled);
  EXPECT_EQ(call.report.tries[0].duration, 300ms);
  EXPECT_EQ(state.breaker().window(at(300ms)).total, 0U);
}

struct VerdictCase {
  unsigned status;
  std::uint32_t failed;
  std::uint32_t run;
};

TEST(Exchange, JudgesTheUpstreamByTheStatus) {
  const VerdictCase cases[] = {{200, 0, 0}, {404, 0, 0}, {499, 0, 0}, {500, 1, 1}, {501, 0, 0},
                               {502, 1, 1}, {503, 1, 1}, {504, 1, 1}, {505, 0, 0}, {599, 1, 1},
                               {429, 1, 0}, {408, 0, 0}, {301, 0, 0}};
  for (const VerdictCase& c : cases) {
    Rig rig;
    auto& state = rig.start({"a:80"});
    settle_one(rig, c.status, at(0s));
    EXPECT_EQ(state.breaker().window(at(0s)).total, 1U) << c.status;
    EXPECT_EQ(state.breaker().window(at(0s)).failed, c.failed) << c.status;
    EXPECT_EQ(state.breaker().consecutive_failures(), c.run) << c.status;
  }
}

}  // namespace
}  // namespace fusegate::test
