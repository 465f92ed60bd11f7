#include "state/due.hpp"

#include <fusegate/exchange/upstream_state.hpp>

#include <gtest/gtest.h>

namespace fusegate::state {
namespace {

using namespace std::chrono_literals;

struct DueRig {
  DueRig() { state.set_endpoints({"a:80", "b:80", "c:80"}, now); }
  std::vector<Section> sections() { return {{"up", "", state.memory(now)}}; }
  void judge(std::size_t endpoint, policy::Verdict verdict, int count) {
    auto& chosen = *state.endpoints()[endpoint];
    for (int i = 0; i < count; ++i) {
      state.settle(chosen, state.readmit(chosen, true, 1s, now),
                   state.breaker().admit(true, 1s, state.rng(), now).permit, verdict, 1ms,
                   std::nullopt, now);
    }
  }

  Instant now{1000s};
  config::UpstreamConfig settings;
  exchange::UpstreamState state{settings, 1, now};
};

TEST(StateNews, TimeThatPassesIsNoNews) {
  DueRig rig;
  rig.judge(0, policy::Verdict::Success, 20);
  rig.state.budget().on_request(rig.now);
  const auto before = rig.sections();
  for (int i = 0; i < 100; ++i) {
    rig.now += 333ms;
    EXPECT_EQ(news(before, rig.sections()), News::None) << i;
  }
}

TEST(StateNews, AttemptsAndChargesAreCounts) {
  DueRig rig;
  auto before = rig.sections();
  rig.judge(0, policy::Verdict::Success, 1);
  EXPECT_EQ(news(before, rig.sections()), News::Counts);
  before = rig.sections();
  rig.now += 5s;
  ASSERT_TRUE(rig.state.budget().try_charge(rig.now));
  EXPECT_EQ(news(before, rig.sections()), News::Counts);
}

TEST(StateNews, AnOperatorsWordIsAMove) {
  DueRig rig;
  for (const Instant until : {rig.now + 5min, rig.now + 6min, kNever}) {
    const auto before = rig.sections();
    rig.state.force_breaker(policy::Forced::Closed, until, rig.now);
    EXPECT_EQ(news(before, rig.sections()), News::Moves);
    EXPECT_FALSE(is_calm(rig.sections())) << "it must not grow too old";
  }
}

TEST(StateNews, EjectionAndItsEndAreMoves) {
  DueRig rig;
  rig.judge(1, policy::Verdict::Failure, 4);
  auto before = rig.sections();
  rig.judge(1, policy::Verdict::Failure, 1);
  EXPECT_EQ(news(before, rig.sections()), News::Moves);
  EXPECT_FALSE(is_calm(rig.sections()));
  before = rig.sections();
  EXPECT_EQ(news(before, rig.sections()), News::None);
  rig.state.set_endpoints({"a:80", "c:80"}, rig.now);
  EXPECT_EQ(news(before, rig.sections()), News::Moves) << "it is gone";
  EXPECT_TRUE(is_calm(rig.sections()));
}

TEST(StateNews, AnOpenBreakerIsAMoveAndNotCalm) {
  DueRig rig;
  EXPECT_TRUE(is_calm(rig.sections()));
  const auto before = rig.sections();
  for (int i = 0; i < 5; ++i) {
    const auto admission = rig.state.breaker().admit(true, 1s, rig.state.rng(), rig.now);
    rig.state.breaker().settle(*admission.permit, policy::Verdict::Failure, 1ms, std::nullopt,
                               rig.state.rng(), rig.now);
  }
  EXPECT_EQ(news(before, rig.sections()), News::Moves);
  EXPECT_FALSE(is_calm(rig.sections()));
}

TEST(StateDue, CountsAfterFiveSecondsMovesAfterTwoAndTroubleIsKeptFresh) {
  struct Case {
    News news;
    bool calm;
    Duration since_last;
    bool due;
  };
  const Case cases[] = {
      {News::None, true, 1h, false},  {News::None, false, 29s, false},
      {News::None, false, 30s, true}, {News::Counts, true, 4999ms, false},
      {News::Counts, true, 5s, true}, {News::Moves, false, 1999ms, false},
      {News::Moves, false, 2s, true}, {News::Moves, true, 2s, true},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(is_due(c.news, c.calm, c.since_last), c.due)
        << static_cast<int>(c.news) << c.calm << c.since_last.count();
  }
}

}  // namespace
}  // namespace fusegate::state
