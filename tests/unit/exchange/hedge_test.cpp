#include "support/core_rig.hpp"

#include <gtest/gtest.h>

namespace fusegate::test {
namespace {

struct HedgeRig : Rig {
  HedgeRig() {
    policy.hedge.enabled = true;
    policy.hedge.after = 100ms;
    policy.hedge.max_percent = Ratio::percent(100);
    traits.hedgeable = true;
  }
};

TEST(Hedge, IsDueWhenTheAttemptIsLate) {
  HedgeRig rig;
  rig.start({"a:80", "b:80"});
  Call call{rig, at(0s)};
  const Decision first = call.begin(at(0s));
  EXPECT_EQ(first.hedge_at, at(100ms));
  const auto second = call.exchange.on_hedge_due(at(100ms));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->kind, Kind::Attempt);
  EXPECT_NE(second->endpoint, first.endpoint);
  EXPECT_EQ(rig.state->attempts_in_flight(), 2U);
  EXPECT_EQ(rig.state->limiter().in_flight(), 2U);
  EXPECT_FALSE(call.exchange.on_hedge_due(at(110ms))) << "there are two already";
}

TEST(Hedge, IsNotForOthers) {
  HedgeRig rig;
  rig.traits.hedgeable = false;
  rig.start({"a:80"});
  Call call{rig, at(0s)};
  EXPECT_EQ(call.begin(at(0s)).hedge_at, kNever);
}

TEST(Hedge, TheFirstGoodResponseEndsTheOther) {
  for (const bool hedge_wins : {true, false}) {
    HedgeRig rig;
    rig.start({"a:80", "b:80"});
    Call call{rig, at(0s)};
    (void)call.begin(at(0s));
    ASSERT_TRUE(call.exchange.on_hedge_due(at(100ms)));
    if (!hedge_wins) {
      call.exchange.switch_attempt();
    }
    EXPECT_EQ(call.status(200, at(150ms)).kind, Kind::Forward);
    EXPECT_EQ(rig.state->attempts_in_flight(), 1U);
    (void)call.end(Ending::Delivered, at(160ms));
    EXPECT_EQ(rig.state->attempts_in_flight(), 0U);
    EXPECT_EQ(rig.state->limiter().in_flight(), 0U);
    const auto& tries = call.report.tries;
    EXPECT_EQ(tries[hedge_wins ? 1 : 0].result, AttemptResult::Ok);
    EXPECT_EQ(tries[hedge_wins ? 0 : 1].result, AttemptResult::Cancelled);
    EXPECT_EQ(tries[1].kind, AttemptKind::Hedge);
    EXPECT_EQ(rig.state->breaker().window(at(200ms)).total, 1U) << "the loser counts for nothing";
    call.report.result = RequestResult::Ok;
    EXPECT_FALSE(call.report.recovered());
  }
}

TEST(Hedge, ABadOneLeavesTheOtherAlone) {
  HedgeRig rig;
  rig.start({"a:80", "b:80"});
  Call call{rig, at(0s)};
  const Decision first = call.begin(at(0s));
  ASSERT_TRUE(call.exchange.on_hedge_due(at(100ms)));
  EXPECT_EQ(call.status(503, at(120ms)).kind, Kind::Continue);
  EXPECT_FALSE(call.exchange.has_two_attempts());
  EXPECT_EQ(rig.state->limiter().in_flight(), 1U);
  const Decision end = call.status(200, at(150ms));
  EXPECT_EQ(end.kind, Kind::Forward);
  EXPECT_EQ(end.endpoint, first.endpoint);
}

TEST(Hedge, AfterTwoFailuresTheHeldResponseIsKept) {
  HedgeRig rig;
  rig.policy.retries = 1;
  rig.start({"a:80", "b:80"});
  Call call{rig, at(0s)};
  (void)call.begin(at(0s));
  ASSERT_TRUE(call.exchange.on_hedge_due(at(100ms)));
  EXPECT_EQ(call.status(503, at(120ms)).kind, Kind::Continue);
  EXPECT_EQ(call.failure(reset(), at(130ms)).kind, Kind::ForwardHeld) << "both tries are used up";
}

TEST(Hedge, TakesOneOfTheTries) {
  HedgeRig rig;
  rig.policy.retries = 2;
  rig.start({"a:80", "b:80"});
  Call call{rig, at(0s)};
  (void)call.begin(at(0s));
  ASSERT_TRUE(call.exchange.on_hedge_due(at(100ms)));
  EXPECT_EQ(call.failure(reset(), at(120ms)).kind, Kind::Continue);
  const Decision wait = call.failure(reset(), at(130ms));
  ASSERT_EQ(wait.kind, Kind::Wait);
  EXPECT_EQ(call.wake(wait.until).kind, Kind::Attempt);
  EXPECT_EQ(call.failure(reset(), wait.until + 1ms).kind, Kind::Reject);
  EXPECT_EQ(call.report.attempts, 3);
}

TEST(Hedge, NeedsBudgetShareSlotAndACalmBreaker) {
  const auto due = [](const auto& change) {
    HedgeRig rig;
    change(rig);
    rig.start({"a:80", "b:80"});
    Call call{rig, at(0s)};
    (void)call.begin(at(0s));
    const bool made = call.exchange.on_hedge_due(at(100ms)).has_value();
    (void)call.end(Ending::ClientGone, at(110ms));
    EXPECT_EQ(rig.state->attempts_in_flight(), 0U);
    EXPECT_EQ(rig.state->limiter().in_flight(), 0U);
    return made;
  };
  EXPECT_TRUE(due([](Rig&) {}));
  EXPECT_FALSE(due([](Rig& rig) { rig.policy.hedge.max_percent = Ratio::percent(50); }));
  EXPECT_FALSE(due([](Rig& rig) { rig.upstream.concurrency.max_in_flight = 1; }));
  EXPECT_FALSE(due([](Rig& rig) {
    rig.upstream.retry_budget.min_retries = 0;
    rig.upstream.retry_budget.percent = {};
  }));
  EXPECT_FALSE(due([](Rig& rig) { rig.policy.timeout = 105ms; })) << "no time for it";
}

TEST(Hedge, AClientThatLeavesEndsBothWithoutBlame) {
  HedgeRig rig;
  rig.start({"a:80", "b:80"});
  Call call{rig, at(0s)};
  (void)call.begin(at(0s));
  ASSERT_TRUE(call.exchange.on_hedge_due(at(100ms)));
  (void)call.end(Ending::ClientGone, at(120ms));
  EXPECT_EQ(call.report.tries[0].result, AttemptResult::Cancelled);
  EXPECT_EQ(call.report.tries[1].result, AttemptResult::Cancelled);
  EXPECT_EQ(rig.state->breaker().window(at(200ms)).total, 0U);
}

TEST(Hedge, WaitsForTheLiveQuantile) {
  HedgeRig rig;
  rig.policy.hedge.after.reset();
  rig.policy.hedge.quantile = 90;
  rig.start({"a:80", "b:80"});
  const auto one = [&](Duration start) {
    Call call{rig, at(start)};
    const Decision first = call.begin(at(start));
    (void)call.status(200, at(start + 10ms));
    (void)call.end(Ending::Delivered, at(start + 10ms));
    return first.hedge_at;
  };
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(one(i * 20ms), kNever) << "it is not known yet";
  }
  const Instant due = one(2s);
  EXPECT_GE(due, at(2s + 10ms));
  EXPECT_LE(due, at(2s + 13ms));
}

}  // namespace
}  // namespace fusegate::test
