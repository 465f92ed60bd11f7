// When another upstream may be asked for a request that this one has failed, and when not.
#include "support/core_rig.hpp"

#include <gtest/gtest.h>

namespace fusegate::test {
namespace {

Decision refused_for(RejectReason reason) {
  return {.kind = Decision::Kind::Reject, .reason = reason};
}

class FallbackTest : public testing::Test {
 protected:
  FallbackTest() {
    rig_.policy.retries = 0;
    rig_.start({"a:80"});
  }
  /// The last word about a request that got `code` and no retry.
  bool falls_back_after(unsigned code) {
    Call call{rig_, at(0s)};
    (void)call.begin(at(0s));
    const Decision decision = call.status(code, at(1ms));
    return call.exchange.may_fall_back(decision, at(1ms));
  }

  Rig rig_;
};

TEST_F(FallbackTest, AFailedAnswerMayBeAskedForElsewhereAndAGoodOneNot) {
  EXPECT_TRUE(falls_back_after(503));
  EXPECT_FALSE(falls_back_after(200));
  EXPECT_FALSE(falls_back_after(404));
}

TEST_F(FallbackTest, AConnectionThatFailedMayBeAskedForElsewhere) {
  Call call{rig_, at(0s)};
  (void)call.begin(at(0s));
  const Decision decision = call.failure(refused(), at(1ms));
  EXPECT_EQ(decision.kind, Kind::Reject);
  EXPECT_TRUE(call.exchange.may_fall_back(decision, at(1ms)));
}

TEST_F(FallbackTest, WhatMayHaveBeenAppliedIsNotAskedForElsewhere) {
  rig_.traits.repeatable = false;
  Call call{rig_, at(0s)};
  (void)call.begin(at(0s));
  EXPECT_FALSE(call.exchange.may_fall_back(call.failure(reset(), at(1ms)), at(1ms)));
}

TEST_F(FallbackTest, NothingIsAskedForElsewhereWhenALayerAboveRetries) {
  rig_.traits.coordinated = true;
  EXPECT_FALSE(falls_back_after(503));
}

TEST_F(FallbackTest, NothingIsAskedForElsewhereWithoutTheBodyOrTheTimeForIt) {
  Call without_body{rig_, at(0s)};
  (void)without_body.begin(at(0s));
  without_body.exchange.on_not_replayable();
  EXPECT_FALSE(without_body.exchange.may_fall_back(without_body.status(503, at(1ms)), at(1ms)));
  Call late{rig_, at(0s)};
  (void)late.begin(at(0s));
  const Decision decision = late.status(503, at(1ms));
  EXPECT_TRUE(late.exchange.may_fall_back(decision, at(1ms)));
  EXPECT_FALSE(late.exchange.may_fall_back(decision, late.exchange.deadline()));
}

TEST_F(FallbackTest, TheFallbackItselfHasNone) {
  exchange::Report report;
  Exchange first{rig_.policy, *rig_.state, rig_.traits, report, at(0s)};
  (void)first.begin(&first, at(0s));
  (void)first.on_failure(refused(), at(1ms));
  (void)first.leave(Ending::Rejected, at(1ms));
  report.denied.reset();
  Exchange second{rig_.policy, *rig_.state, rig_.traits, report, at(0s), true};
  (void)second.begin(&second, at(1ms));
  EXPECT_FALSE(second.may_fall_back(second.on_failure(refused(), at(2ms)), at(2ms)));
  (void)second.end(Ending::Rejected, at(2ms));
  (void)first.end(Ending::Rejected, at(2ms));
}

TEST_F(FallbackTest, OnlyWordsThatMeanAFailedUpstreamCount) {
  Call call{rig_, at(0s)};
  (void)call.begin(at(0s));
  const auto may = [&](const Decision& decision) {
    return call.exchange.may_fall_back(decision, at(1ms));
  };
  EXPECT_TRUE(may(refused_for(RejectReason::BreakerOpen)));
  EXPECT_TRUE(may(refused_for(RejectReason::Reset)));
  EXPECT_TRUE(may(refused_for(RejectReason::TryTimeout)));
  EXPECT_FALSE(may(refused_for(RejectReason::Draining))) << "no upstream has failed";
  EXPECT_FALSE(may(refused_for(RejectReason::BadRequest)));
  EXPECT_FALSE(may(refused_for(RejectReason::BodyTooLarge)));
  for (const Kind kind : {Kind::Attempt, Kind::Wait, Kind::Queue, Kind::Continue}) {
    EXPECT_FALSE(may({.kind = kind})) << "it is not over";
  }
}

}  // namespace
}  // namespace fusegate::test
