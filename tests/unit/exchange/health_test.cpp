#include "support/core_rig.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace fusegate::test {
namespace {

using exchange::UpstreamState;
using Change = policy::Health::Change;

Rig checked_rig() {
  Rig rig;
  rig.upstream.health_check.emplace();
  return rig;
}

UpstreamState::CheckResult finish(UpstreamState& state, std::string_view name,
                                  std::string_view problem, Instant now) {
  return state.finish_check({std::string{name}, named(state, name).epoch}, problem, now);
}

UpstreamState::CheckResult take_down(UpstreamState& state, std::string_view name, Instant now) {
  finish(state, name, "status 503", now);
  finish(state, name, "status 503", now);
  return finish(state, name, "status 503", now);
}

UpstreamState::CheckResult bring_back(UpstreamState& state, std::string_view name, Instant now) {
  finish(state, name, "", now);
  return finish(state, name, "", now);
}

std::map<std::string, int> spread(UpstreamState& state, int count, Instant now) {
  std::map<std::string, int> seen;
  for (int i = 0; i < count; ++i) {
    const auto picked = state.pick(nullptr, 0, true, 1s, now);
    if (picked.pick != UpstreamState::Pick::Found) {
      ++seen["none"];
      continue;
    }
    ++seen[picked.endpoint->name];
    state.settle(*picked.endpoint, picked.permit, std::nullopt, policy::Verdict::Success, 1ms,
                 std::nullopt, now);
  }
  return seen;
}

TEST(HealthChecks, NoneAreDueWhereNoneAreAskedFor) {
  Rig rig;
  auto& state = rig.start({"a:80"});
  EXPECT_TRUE(state.start_checks(10, at(100s)).empty());
  EXPECT_FALSE(named(state, "a:80").health);
}

TEST(HealthChecks, EachEndpointIsCheckedAgainAndAgainAndOneAtATime) {
  Rig rig = checked_rig();
  auto& state = rig.start({"a:80", "b:80", "c:80"});
  std::map<std::string, int> checks;
  for (Duration t{}; t < 60s; t += 50ms) {
    for (const auto& check : state.start_checks(10, at(t))) {
      ++checks[check.endpoint];
      state.finish_check(check, "", at(t));
    }
  }
  for (const char* name : {"a:80", "b:80", "c:80"}) {
    EXPECT_GE(checks[name], 11);
    EXPECT_LE(checks[name], 14);
  }
  const auto started = state.start_checks(10, at(70s));
  EXPECT_EQ(started.size(), 3U);
  EXPECT_TRUE(state.start_checks(10, at(70s)).empty()) << "they are under way";
}

TEST(HealthChecks, LimitTakesTheMostOverdueFirst) {
  Rig rig = checked_rig();
  auto& state = rig.start({"a:80", "b:80", "c:80", "d:80"});
  std::set<std::string> seen;
  for (int i = 0; i < 2; ++i) {
    const auto started = state.start_checks(2, at(100s));
    ASSERT_EQ(started.size(), 2U);
    for (const auto& check : started) {
      seen.insert(check.endpoint);
    }
  }
  EXPECT_EQ(seen.size(), 4U) << "nobody is starved";
}

TEST(HealthChecks, DownEndpointLeavesTheRotationAndReturnsThroughTheRamp) {
  Rig rig = checked_rig();
  rig.upstream.balance = config::Balance::RoundRobin;
  auto& state = rig.start({"a:80", "b:80", "c:80"});
  EXPECT_GT(spread(state, 30, at(0s))["b:80"], 0) << "used at once, before the first check";
  const auto result = take_down(state, "b:80", at(1s));
  EXPECT_EQ(result.change, Change::WentDown);
  EXPECT_FALSE(result.in_rotation);
  EXPECT_EQ(result.run, 3U);
  EXPECT_EQ(state.endpoint_counts().ejected, 1U);
  EXPECT_EQ(
      state.counters(at(1s)).ejections[static_cast<std::size_t>(TransitionReason::HealthCheck)],
      1U);
  EXPECT_EQ(spread(state, 300, at(600s))["b:80"], 0) << "however long: no probes by requests";

  EXPECT_EQ(bring_back(state, "b:80", at(601s)).change, Change::CameUp);
  EXPECT_EQ(state.endpoint_counts().ramping, 1U);
  const int early = spread(state, 3000, at(601s))["b:80"];
  EXPECT_LT(early, 200) << "a tenth of its share at first";
  EXPECT_GT(early, 30);
  state.tick(at(612s));
  EXPECT_EQ(state.endpoint_counts().healthy, 3U);
  EXPECT_EQ(spread(state, 300, at(612s))["b:80"], 100);
}

TEST(HealthChecks, LastEndpointAndTheShareAreKept) {
  struct Case {
    std::size_t endpoints;
    double percent;
    std::uint32_t out;
  };
  for (const Case& c : {Case{1, 100, 0}, Case{2, 50, 1}, Case{3, 50, 1}, Case{4, 50, 2},
                        Case{4, 100, 3}, Case{4, 0, 0}}) {
    Rig rig = checked_rig();
    rig.upstream.ejection.max_percent = Ratio::percent(c.percent);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < c.endpoints; ++i) {
      names.push_back("e" + std::to_string(i) + ":80");
    }
    auto& state = rig.start(names);
    for (const std::string& name : names) {
      take_down(state, name, at(1s));
    }
    EXPECT_EQ(state.endpoint_counts().ejected, c.out) << c.endpoints << " at " << c.percent;
    EXPECT_EQ(spread(state, 50, at(2s))["none"], 0) << "somebody always takes the request";
  }
}

TEST(HealthChecks, DownOneThatHadToStayGoesOutWhenThereIsRoom) {
  Rig rig = checked_rig();
  auto& state = rig.start({"a:80", "b:80", "c:80"});
  take_down(state, "a:80", at(1s));
  EXPECT_TRUE(take_down(state, "b:80", at(1s)).in_rotation);
  bring_back(state, "a:80", at(10s));
  EXPECT_TRUE(named(state, "b:80").ejected) << "a returned";
  EXPECT_FALSE(named(state, "a:80").ejected);

  Rig lone = checked_rig();
  auto& alone = lone.start({"a:80"});
  take_down(alone, "a:80", at(1s));
  EXPECT_EQ(alone.endpoint_counts().healthy, 1U);
  alone.set_endpoints({"a:80", "b:80"}, at(2s));
  EXPECT_TRUE(named(alone, "a:80").ejected) << "another one came";
  EXPECT_EQ(spread(alone, 20, at(2s))["a:80"], 0);
}

TEST(HealthChecks, WorkWhereEjectionIsOffAndLeaveNoJudgeBehind) {
  Rig rig = checked_rig();
  rig.upstream.ejection.enabled = false;
  auto& state = rig.start({"a:80", "b:80"});
  take_down(state, "a:80", at(1s));
  EXPECT_TRUE(named(state, "a:80").ejected);
  bring_back(state, "a:80", at(2s));
  EXPECT_EQ(named(state, "a:80").ejection.state(), BreakerState::Ramp);
  judge(state, named(state, "a:80"), policy::Verdict::Failure, 50, at(3s));
  EXPECT_FALSE(named(state, "a:80").ejected) << "failures of requests do not eject here";
  state.tick(at(13s));
  EXPECT_EQ(named(state, "a:80").ejection.state(), BreakerState::Disabled);
}

TEST(HealthChecks, DoNotCountForTheBreakerTheBudgetOrTheWindow) {
  Rig rig = checked_rig();
  auto& state = rig.start({"a:80", "b:80"});
  for (int i = 0; i < 100; ++i) {
    finish(state, "a:80", "status 500", at(1s));
  }
  EXPECT_EQ(state.breaker().state(), BreakerState::Closed);
  EXPECT_EQ(state.breaker().window(at(1s)).total, 0U);
  EXPECT_EQ(named(state, "a:80").ejection.window(at(1s)).total, 0U);
  EXPECT_EQ(state.attempts_in_flight(), 0U);
}

TEST(HealthChecks, DownOneThatHadToStayIsNoReasonToSpareTheBreaker) {
  Rig rig = checked_rig();
  rig.upstream.ejection.max_percent = Ratio::percent(0);
  auto& state = rig.start({"a:80", "b:80"});
  take_down(state, "b:80", at(1s));
  for (int i = 0; i < 5; ++i) {
    const auto admission = state.breaker().admit(true, 1s, state.rng(), at(1s));
    ASSERT_TRUE(admission.permit);
    state.settle(named(state, "a:80"), std::nullopt, admission.permit, policy::Verdict::Failure,
                 1ms, std::nullopt, at(1s));
  }
  EXPECT_EQ(state.breaker().state(), BreakerState::Open) << "no other endpoint is well";
}

TEST(HealthChecks, ResultForAnEndpointThatIsGoneOrNewAgainChangesNothing) {
  Rig rig = checked_rig();
  auto& state = rig.start({"a:80", "b:80"});
  const UpstreamState::DueCheck old{"a:80", named(state, "a:80").epoch};
  state.set_endpoints({"b:80"}, at(1s));
  EXPECT_EQ(state.finish_check(old, "status 500", at(1s)).change, Change::None);
  state.set_endpoints({"a:80", "b:80"}, at(2s));
  for (int i = 0; i < 5; ++i) {
    state.finish_check(old, "status 500", at(2s));
  }
  EXPECT_EQ(named(state, "a:80").health->state(), policy::Health::State::Unknown);
}

TEST(HealthChecks, EndpointEjectedByRequestsThatChecksFindDownComesBackByChecksOnly) {
  Rig rig = checked_rig();
  auto& state = rig.start({"a:80", "b:80"});
  judge(state, named(state, "a:80"), policy::Verdict::Failure, 5, at(0s));
  EXPECT_EQ(named(state, "a:80").ejection.state(), BreakerState::Open);
  take_down(state, "a:80", at(1s));
  EXPECT_EQ(spread(state, 50, at(100s))["a:80"], 0);
  bring_back(state, "a:80", at(101s));
  EXPECT_EQ(named(state, "a:80").ejection.state(), BreakerState::Ramp);
}

TEST(HealthChecks, ChangeIsAnEventWithItsReason) {
  Rig rig = checked_rig();
  auto& state = rig.start({"a:80", "b:80"});
  take_down(state, "a:80", at(1s));
  const auto event = state.take_event();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->endpoint, "a:80");
  EXPECT_EQ(event->transition.to, BreakerState::ForcedOpen);
  EXPECT_EQ(event->transition.reason, TransitionReason::HealthCheck);
}

}  // namespace
}  // namespace fusegate::test
