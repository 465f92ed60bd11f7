#include "telemetry/snapshot.hpp"

#include "unit/telemetry/telemetry_rig.hpp"

#include <gtest/gtest.h>

namespace fusegate::telemetry {
namespace {

using namespace std::chrono_literals;
constexpr Instant kStart{1000s};

/// An upstream of one endpoint whose breaker opens at the fifth failure in a row.
class SnapshotTest : public testing::Test {
 protected:
  SnapshotTest() {
    settings_.name = "orders";
    settings_.breaker.open.jitter = policy::Jitter::None;
    state_ = std::make_unique<exchange::UpstreamState>(settings_, 1, kStart);
    state_->set_endpoints({"10.0.0.1:80", "10.0.0.2:80"}, kStart);
  }
  void fail(int times, Instant now) {
    for (int i = 0; i < times; ++i) {
      const auto admission = state_->breaker().admit(true, 1s, state_->rng(), now);
      ASSERT_TRUE(admission.permit);
      state_->breaker().settle(*admission.permit, policy::Verdict::Failure, 1ms, std::nullopt,
                               state_->rng(), now);
      state_->drain_transitions(now);
    }
  }

  config::UpstreamConfig settings_;
  std::unique_ptr<exchange::UpstreamState> state_;
};

TEST_F(SnapshotTest, TellsAFreshUpstream) {
  const UpstreamSnapshot fresh = snapshot(*state_, kStart + 3s, test::kEvening);
  EXPECT_EQ(fresh.name, "orders");
  EXPECT_EQ(fresh.breaker.state, BreakerState::Closed);
  EXPECT_FALSE(fresh.breaker.reason);
  EXPECT_FALSE(fresh.breaker.open_until);
  EXPECT_EQ(fresh.breaker.since, test::kEvening - 3s);
  EXPECT_EQ(fresh.breaker.failure_ratio(), 0.0);
  EXPECT_EQ(fresh.budget_capacity, settings_.retry_budget.min_retries);
  EXPECT_EQ(fresh.concurrency_limit, state_->limiter().limit());
  ASSERT_EQ(fresh.endpoints.size(), 2u);
  EXPECT_EQ(fresh.endpoints[0].name, "10.0.0.1:80");
  EXPECT_EQ(fresh.endpoints[0].state(), "healthy");
  EXPECT_NE(fresh.endpoints[0].epoch, fresh.endpoints[1].epoch);
}

TEST_F(SnapshotTest, TellsWhyAndUntilWhenABreakerIsOpen) {
  fail(5, kStart);
  const UpstreamSnapshot open = snapshot(*state_, kStart + 2s, test::kEvening);
  EXPECT_EQ(open.breaker.state, BreakerState::Open);
  EXPECT_EQ(open.breaker.reason, TransitionReason::ConsecutiveFailures);
  EXPECT_EQ(open.breaker.since, test::kEvening - 2s);
  EXPECT_EQ(open.breaker.open_until, test::kEvening + 3s) << "5 s after it opened";
  EXPECT_EQ(open.breaker.consecutive_failures, 5u);
}

TEST_F(SnapshotTest, TellsEventsInWallTime) {
  fail(5, kStart);
  const auto list = events(*state_, kStart + 2s, test::kEvening);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].upstream, "orders");
  EXPECT_TRUE(list[0].endpoint.empty());
  EXPECT_EQ(list[0].from, BreakerState::Closed);
  EXPECT_EQ(list[0].to, BreakerState::Open);
  EXPECT_EQ(list[0].at, test::kEvening - 2s);
}

TEST(EndpointSnapshot, NamesItsState) {
  EndpointSnapshot endpoint;
  EXPECT_EQ(endpoint.state(), "healthy");
  endpoint.ejected = true;
  endpoint.machine.state = BreakerState::Open;
  EXPECT_EQ(endpoint.state(), "ejected");
  endpoint.machine.state = BreakerState::HalfOpen;
  EXPECT_EQ(endpoint.state(), "probing");
  endpoint.ejected = false;
  endpoint.machine.state = BreakerState::Ramp;
  EXPECT_EQ(endpoint.state(), "ramping");
}

}  // namespace
}  // namespace fusegate::telemetry
