#include "support/core_rig.hpp"

#include <gtest/gtest.h>

#include <map>

namespace fusegate::test {
namespace {

using exchange::EndpointState;
using exchange::UpstreamState;

std::map<std::string, int> spread(UpstreamState& state, int count, Instant now) {
  std::map<std::string, int> result;
  for (int i = 0; i < count; ++i) {
    const auto picked = state.pick(nullptr, 0, true, 1s, now);
    if (picked.pick != UpstreamState::Pick::Found) {
      ++result["none"];
      continue;
    }
    ++result[picked.endpoint->name];
    state.settle(*picked.endpoint, picked.permit, std::nullopt, policy::Verdict::Success, 1ms,
                 std::nullopt, now);
  }
  return result;
}

TEST(Ejection, FiveFailuresInARowTakeAnEndpointOutOfRotation) {
  for (const auto balance :
       {config::Balance::PowerOfTwo, config::Balance::LeastRequests, config::Balance::RoundRobin}) {
    Rig rig;
    rig.upstream.balance = balance;
    auto& state = rig.start({"a:80", "b:80", "c:80"});
    judge(state, named(state, "b:80"), policy::Verdict::Failure, 4, at(0s));
    EXPECT_FALSE(named(state, "b:80").ejected);
    judge(state, named(state, "b:80"), policy::Verdict::Failure, 1, at(0s));
    EXPECT_TRUE(named(state, "b:80").ejected);
    EXPECT_EQ(state.endpoint_counts().ejected, 1U);
    EXPECT_EQ(state.endpoint_counts().healthy, 2U);
    auto seen = spread(state, 300, at(1s));
    EXPECT_EQ(seen["b:80"], 0);
    EXPECT_GT(seen["a:80"], 90);
    EXPECT_GT(seen["c:80"], 90);
  }
}

TEST(Ejection, ShareIsCountedAfterTheEjectionAndTheLastIsNeverEjected) {
  struct Case {
    std::size_t endpoints;
    double percent;
    std::uint32_t ejected;
  };
  const Case cases[] = {{1, 50, 0}, {1, 100, 0}, {2, 49, 0}, {2, 50, 1},  {2, 100, 1},
                        {3, 50, 1}, {3, 66, 1},  {3, 67, 2}, {4, 50, 2},  {5, 50, 2},
                        {9, 10, 0}, {10, 10, 1}, {10, 0, 0}, {10, 100, 9}};
  for (const Case& c : cases) {
    Rig rig;
    rig.upstream.ejection.max_percent = Ratio::percent(c.percent);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < c.endpoints; ++i) {
      names.push_back("e" + std::to_string(i) + ":80");
    }
    auto& state = rig.start(names);
    for (const auto& endpoint : state.endpoints()) {
      judge(state, *endpoint, policy::Verdict::Failure, 6, at(0s));
    }
    EXPECT_EQ(state.endpoint_counts().ejected, c.ejected) << c.endpoints << " at " << c.percent;
    auto seen = spread(state, 50, at(1s));
    EXPECT_EQ(seen["none"], 0) << "somebody always takes the request";
  }
}

TEST(Ejection, EndpointThatMayNotBeEjectedKeepsItsTrafficWithoutAPermit) {
  Rig rig;
  rig.upstream.balance = config::Balance::RoundRobin;
  auto& state = rig.start({"a:80", "b:80", "c:80"});
  judge(state, named(state, "a:80"), policy::Verdict::Failure, 5, at(0s));
  judge(state, named(state, "b:80"), policy::Verdict::Failure, 5, at(0s));
  EXPECT_TRUE(named(state, "a:80").ejected);
  EXPECT_FALSE(named(state, "b:80").ejected);
  auto seen = spread(state, 100, at(1s));
  EXPECT_EQ(seen["b:80"], 50);
  EXPECT_EQ(seen["c:80"], 50);
  // Its probes succeed; the ramp must not take away the traffic it never lost.
  for (int i = 0; i < 3; ++i) {
    judge(state, named(state, "b:80"), policy::Verdict::Success, 1, at(6s));
  }
  EXPECT_EQ(named(state, "b:80").ejection.state(), BreakerState::Ramp);
  judge(state, named(state, "a:80"), policy::Verdict::Failure, 1, at(6s));
  ASSERT_TRUE(named(state, "a:80").ejected) << "its probe failed";
  EXPECT_EQ(spread(state, 100, at(6s))["b:80"], 50);
}

TEST(Ejection, EndpointComesBackThroughAProbeAtATimeAndTheRamp) {
  Rig rig;
  rig.upstream.balance = config::Balance::RoundRobin;
  auto& state = rig.start({"a:80", "b:80"});
  EndpointState& b = named(state, "b:80");
  judge(state, b, policy::Verdict::Failure, 5, at(0s));
  ASSERT_TRUE(b.ejected);
  // Open until 5 s, then one probe in flight at a time.
  int probes = 0;
  std::vector<UpstreamState::Picked> taken;
  for (int i = 0; i < 10; ++i) {
    const auto picked = state.pick(nullptr, 0, true, 1s, at(5s));
    ASSERT_EQ(picked.pick, UpstreamState::Pick::Found);
    probes += picked.endpoint == &b ? 1 : 0;
    taken.push_back(picked);
  }
  EXPECT_EQ(probes, 1);
  EXPECT_EQ(state.endpoint_counts().probing, 1U);
  for (const auto& picked : taken) {
    state.settle(*picked.endpoint, picked.permit, std::nullopt, policy::Verdict::Success, 1ms,
                 std::nullopt, at(5s));
  }
  (void)spread(state, 4, at(5s));
  EXPECT_EQ(state.endpoint_counts().ramping, 1U);
  EXPECT_FALSE(b.ejected);
  const int early = spread(state, 1000, at(5s))["b:80"];
  const int half = spread(state, 1000, at(10s))["b:80"];
  const int late = spread(state, 1000, at(15s))["b:80"];
  // A refused turn passes to the other, so a share p of the turns is p / (1 + p) of the requests.
  EXPECT_NEAR(early, 91, 30) << "a tenth of its turns";
  EXPECT_NEAR(half, 355, 60) << "0.55 of its turns";
  EXPECT_EQ(late, 500);
  EXPECT_EQ(state.endpoint_counts().healthy, 2U);
}

TEST(Ejection, CountersAreExactAgainAfterReentry) {
  Rig rig;
  auto& state = rig.start({"a:80", "b:80"});
  EndpointState& b = named(state, "b:80");
  judge(state, b, policy::Verdict::Failure, 5, at(0s));
  judge(state, b, policy::Verdict::Success, 3, at(5s));
  judge(state, b, policy::Verdict::Success, 1, at(15s));
  ASSERT_EQ(b.ejection.state(), BreakerState::Closed);
  judge(state, b, policy::Verdict::Failure, 4, at(16s));
  EXPECT_FALSE(b.ejected);
  judge(state, b, policy::Verdict::Failure, 1, at(16s));
  EXPECT_TRUE(b.ejected);
  EXPECT_EQ(state.counters(at(16s))
                .ejections[static_cast<std::size_t>(TransitionReason::ConsecutiveFailures)],
            2U);
}

TEST(Ejection, SmallerSetReturnsTheSurplus) {
  Rig rig;
  auto& state = rig.start({"a:80", "b:80", "c:80", "d:80"});
  judge(state, named(state, "a:80"), policy::Verdict::Failure, 5, at(0s));
  judge(state, named(state, "b:80"), policy::Verdict::Failure, 5, at(1s));
  EXPECT_EQ(state.endpoint_counts().ejected, 2U);
  state.set_endpoints({"a:80", "b:80", "c:80"}, at(2s));
  EXPECT_FALSE(named(state, "a:80").ejected) << "it would have been back first";
  EXPECT_TRUE(named(state, "b:80").ejected);
  state.set_endpoints({"b:80"}, at(3s));
  EXPECT_FALSE(named(state, "b:80").ejected);
  EXPECT_EQ(spread(state, 10, at(3s))["b:80"], 10);
}

TEST(Ejection, LocalRefusalsAndCancellationsNeverCount) {
  Rig rig;
  auto& state = rig.start({"a:80", "b:80"});
  judge(state, named(state, "a:80"), policy::Verdict::Ignored, 1000, at(0s));
  EXPECT_EQ(named(state, "a:80").ejection.window(at(0s)).total, 0U);
  EXPECT_EQ(named(state, "a:80").failure_run, 0U);
}

TEST(Ejection, DisabledEjectsNobodyAndWorksWithoutTheBreaker) {
  Rig off;
  off.upstream.ejection.enabled = false;
  auto& kept = off.start({"a:80", "b:80"});
  judge(kept, named(kept, "a:80"), policy::Verdict::Failure, 50, at(0s));
  EXPECT_FALSE(named(kept, "a:80").ejected);
  Rig alone;
  alone.upstream.breaker.mode = policy::BreakerMode::Off;
  auto& ejecting = alone.start({"a:80", "b:80"});
  judge(ejecting, named(ejecting, "a:80"), policy::Verdict::Failure, 5, at(0s));
  EXPECT_TRUE(named(ejecting, "a:80").ejected);
}

TEST(Ejection, FailingFastDoesNotAttractTraffic) {
  // "bad" answers at once with an error, the others take 20 ms: by attempts in flight alone it
  // would look idle and get nearly everything.
  for (const auto balance : {config::Balance::PowerOfTwo, config::Balance::LeastRequests}) {
    Rig rig;
    rig.upstream.balance = balance;
    rig.upstream.ejection.enabled = false;
    auto& state = rig.start({"bad:80", "b:80", "c:80"});
    std::vector<std::pair<Instant, EndpointState*>> running;
    int bad = 0;
    for (int i = 0; i < 10'000; ++i) {
      const Instant now = at(i * 1ms);
      std::erase_if(running, [&](const auto& one) {
        const bool done = one.first <= now;
        one.second->in_flight -= done ? 1 : 0;
        return done;
      });
      const auto picked = state.pick(nullptr, 0, true, 1s, now);
      const bool failed = picked.endpoint->name == "bad:80";
      bad += failed ? 1 : 0;
      state.settle(*picked.endpoint, picked.permit, std::nullopt,
                   failed ? policy::Verdict::Failure : policy::Verdict::Success, 1ms, std::nullopt,
                   now);
      if (!failed) {
        ++picked.endpoint->in_flight;
        running.emplace_back(now + 20ms, picked.endpoint);
      }
    }
    EXPECT_LT(bad, 3'334) << "no more than its share";
    EXPECT_GT(bad, 5) << "it is asked again now and then";
  }
}

TEST(Ejection, RetryPrefersAHealthyOneTriedBeforeToAnEjectedOne) {
  Rig rig;
  auto& state = rig.start({"a:80", "b:80"});
  judge(state, named(state, "b:80"), policy::Verdict::Failure, 5, at(0s));
  const EndpointState* tried[] = {&named(state, "a:80")};
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(state.pick(tried, 1, true, 1s, at(1s)).endpoint, tried[0]);
  }
  EXPECT_FALSE(state.has_untried(tried, 1, at(1s)));
  EXPECT_TRUE(state.has_untried(tried, 1, at(5s))) << "it may be probed";
}

TEST(Ejection, FullEndpointsAreSkippedAndAnEjectedOneIsAskedOnceASecond) {
  Rig rig;
  rig.upstream.connections.max_per_endpoint = 2;
  auto& state = rig.start({"a:80", "b:80"});
  named(state, "a:80").in_flight = 2;
  EXPECT_EQ(spread(state, 20, at(0s))["b:80"], 20);
  judge(state, named(state, "b:80"), policy::Verdict::Failure, 5, at(0s));
  EXPECT_EQ(state.pick(nullptr, 0, true, 1s, at(900ms)).pick, UpstreamState::Pick::AllRefused);
  const auto early = state.pick(nullptr, 0, true, 1s, at(1s));
  ASSERT_EQ(early.pick, UpstreamState::Pick::Found) << "there is nothing to lose";
  EXPECT_EQ(early.endpoint->name, "b:80");
  EXPECT_EQ(state.pick(nullptr, 0, true, 1s, at(1s)).pick, UpstreamState::Pick::AllRefused);
  state.settle(*early.endpoint, early.permit, std::nullopt, policy::Verdict::Failure, 1ms, {},
               at(1s));
  EXPECT_EQ(state.pick(nullptr, 0, true, 1s, at(1900ms)).pick, UpstreamState::Pick::AllRefused);
  EXPECT_EQ(state.pick(nullptr, 0, true, 1s, at(2s)).pick, UpstreamState::Pick::Found);
  named(state, "b:80").in_flight = 2;
  EXPECT_EQ(state.pick(nullptr, 0, true, 1s, at(4s)).pick, UpstreamState::Pick::AllFull);
  named(state, "a:80").in_flight = 0;
  named(state, "b:80").in_flight = 0;
}

}  // namespace
}  // namespace fusegate::test
