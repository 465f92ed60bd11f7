// What requests see of a breaker that sheds, only watches, or was told what to do.
#include "support/core_rig.hpp"

#include <gtest/gtest.h>

namespace fusegate::test {
namespace {

/// `count` requests a millisecond apart, each answered with `code`; how many were refused, and why.
struct Refusals {
  int open = 0;
  int shed = 0;
  int sent = 0;
};
Refusals send(Rig& rig, int count, unsigned code, Instant start) {
  Refusals seen;
  for (int i = 0; i < count; ++i) {
    const Instant now = start + i * 1ms;
    Call call{rig, now};
    const Decision decision = call.begin(now);
    if (decision.kind == Kind::Attempt) {
      ++seen.sent;
      (void)call.status(code, now);
      (void)call.end(Ending::Delivered, now);
      continue;
    }
    EXPECT_EQ(decision.kind, Kind::Reject);
    EXPECT_TRUE(decision.retry_after);
    ++(decision.reason == RejectReason::BreakerShed ? seen.shed : seen.open);
    (void)call.end(Ending::Rejected, now);
  }
  return seen;
}

Rig rig_of(policy::BreakerMode mode) {
  Rig rig;
  rig.upstream.breaker.mode = mode;
  rig.upstream.ejection.enabled = false;
  rig.policy.retries = 0;
  rig.start({"a"});
  return rig;
}

TEST(BreakerModes, ShedRefusesMostOfADeadUpstreamWithItsOwnReason) {
  Rig rig = rig_of(policy::BreakerMode::Shed);
  const Refusals seen = send(rig, 1'000, 500, at(0s));
  EXPECT_EQ(seen.open, 0);
  EXPECT_GT(seen.shed, 900);
  EXPECT_GT(seen.sent, 20) << "what it takes to judge";
}

TEST(BreakerModes, ShedRefusalsTakeNeitherSlotNorEndpoint) {
  Rig rig = rig_of(policy::BreakerMode::Shed);
  rig.upstream.concurrency.max_in_flight = 1;
  rig.start({"a"});
  ASSERT_GT(send(rig, 300, 500, at(0s)).shed, 0);
  EXPECT_EQ(rig.state->attempts_in_flight(), 0U);
  Call call{rig, at(2s)};
  EXPECT_EQ(call.begin(at(2s)).kind, Kind::Attempt);
}

TEST(BreakerModes, ARetryThatIsShedGivesTheClientWhatTheUpstreamSaid) {
  Rig rig = rig_of(policy::BreakerMode::Shed);
  rig.policy.retries = 1;
  rig.policy.retry.on.statuses.set(503);
  int denied = 0;
  for (int i = 0; i < 20; ++i) {
    (void)send(rig, 400, 500, at(i * 2s));
    const Instant now = at(i * 2s + 1'500ms);
    Call call{rig, now};
    ASSERT_EQ(call.begin(now).kind, Kind::Attempt) << "one a second passes";
    const std::uint64_t budget = rig.state->budget().available(now);
    const Decision wait = call.status(503, now);
    ASSERT_EQ(wait.kind, Kind::Wait);
    const Decision end = call.wake(wait.until);
    if (end.kind == Kind::ForwardHeld) {
      ++denied;
      EXPECT_EQ(call.report.denied, DenyReason::BreakerOpen);
      EXPECT_EQ(rig.state->budget().available(wait.until), budget) << "it was not made";
    }
  }
  EXPECT_GT(denied, 15);
}

TEST(BreakerModes, ShadowRefusesNothingAndCountsWhatItWouldHave) {
  Rig rig = rig_of(policy::BreakerMode::Shadow);
  const Refusals seen = send(rig, 100, 500, at(0s));
  EXPECT_EQ(seen.sent, 100);
  EXPECT_EQ(rig.state->breaker().state(), BreakerState::Open);
  EXPECT_EQ(rig.state->breaker().would_have_refused(), 95U);
}

TEST(BreakerModes, ShadowDeniesNoRetry) {
  Rig rig = rig_of(policy::BreakerMode::Shadow);
  rig.policy.retries = 1;
  rig.policy.retry.on.statuses.set(503);
  (void)send(rig, 20, 500, at(0s));
  ASSERT_EQ(rig.state->breaker().state(), BreakerState::Open);
  Call call{rig, at(1s)};
  ASSERT_EQ(call.begin(at(1s)).kind, Kind::Attempt);
  const Decision wait = call.status(503, at(1s));
  ASSERT_EQ(wait.kind, Kind::Wait);
  EXPECT_EQ(call.wake(wait.until).kind, Kind::Attempt);
}

TEST(BreakerModes, ForcedOpenRefusesFirstTriesAndRetriesUntilItsEnd) {
  Rig rig = rig_of(policy::BreakerMode::Off);
  rig.policy.retries = 1;
  rig.policy.retry.on.statuses.set(503);
  Call before{rig, at(0s)};
  Call waiting{rig, at(0s)};
  ASSERT_EQ(before.begin(at(0s)).kind, Kind::Attempt);
  ASSERT_EQ(waiting.begin(at(0s)).kind, Kind::Attempt);
  const Decision wait = waiting.status(503, at(0s));
  ASSERT_EQ(wait.kind, Kind::Wait);
  rig.state->force_breaker(policy::Forced::Open, at(10s), at(0s));
  EXPECT_EQ(waiting.wake(wait.until).kind, Kind::ForwardHeld);
  EXPECT_EQ(before.status(503, at(1s)).kind, Kind::Forward);
  EXPECT_EQ(before.report.denied, DenyReason::BreakerOpen);
  EXPECT_EQ(send(rig, 10, 200, at(9s)).open, 10);
  EXPECT_EQ(send(rig, 10, 200, at(10s)).sent, 10);
  const auto& history = rig.state->history();
  ASSERT_EQ(history.size(), 2U);
  EXPECT_EQ(history[0].transition.reason, TransitionReason::Operator);
  EXPECT_EQ(history[1].transition.at, at(10s));
}

TEST(BreakerModes, AForcedStateIsKeptOverARestart) {
  Rig rig = rig_of(policy::BreakerMode::Open);
  rig.state->force_breaker(policy::Forced::Closed, at(60s), at(0s));
  const auto memory = rig.state->memory(at(1s));
  rig.start({"a"});
  ASSERT_TRUE(rig.state->restore(memory, at(60s), at(2s)));
  EXPECT_EQ(send(rig, 100, 500, at(3s)).sent, 100);
  EXPECT_EQ(send(rig, 100, 500, at(61s)).open, 95);
}

}  // namespace
}  // namespace fusegate::test
