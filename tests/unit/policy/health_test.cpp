#include <fusegate/policy/health.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;
using Change = Health::Change;
using State = Health::State;

struct HealthRig {
  explicit HealthRig(const HealthSettings& settings = {}, std::uint64_t seed = 1)
      : rng(seed), health(settings, rng, now) {}

  Change check(bool good, Duration takes = 1ms) {
    now = std::max(now, health.due());
    health.start(now);
    now += takes;
    return health.finish(good, rng, now);
  }

  Rng rng;
  Instant now{1000s};
  Health health;
};

TEST(Health, ThresholdsAreExactAndInARow) {
  struct Case {
    std::string_view checks;  // g = good, b = bad; of 2 healthy, 3 unhealthy
    State state;
  };
  const Case cases[] = {
      {"", State::Unknown},       {"g", State::Unknown},   {"gg", State::Up},
      {"b", State::Unknown},      {"bb", State::Unknown},  {"bbb", State::Down},
      {"bbgbb", State::Unknown},  {"bbgbbb", State::Down}, {"ggbb", State::Up},
      {"ggbbb", State::Down},     {"ggbbgbb", State::Up},  {"bbbg", State::Down},
      {"bbbgbg", State::Down},    {"bbbgg", State::Up},    {"bbbggbbb", State::Down},
      {"gbgbgb", State::Unknown},
  };
  for (const Case& c : cases) {
    HealthRig rig;
    for (const char result : c.checks) {
      rig.check(result == 'g');
    }
    EXPECT_EQ(rig.health.state(), c.state) << c.checks;
  }
}

TEST(Health, TellsEachChangeOnceAndGoodNewsOfANewOneIsNoChange) {
  HealthRig rig;
  EXPECT_EQ(rig.check(true), Change::None);
  EXPECT_EQ(rig.check(true), Change::None) << "it was used already";
  EXPECT_EQ(rig.health.state(), State::Up);
  rig.check(false);
  rig.check(false);
  EXPECT_EQ(rig.check(false), Change::WentDown);
  EXPECT_EQ(rig.check(false), Change::None);
  rig.check(true);
  EXPECT_EQ(rig.check(true), Change::CameUp);
  EXPECT_EQ(rig.check(true), Change::None);
}

TEST(Health, ThresholdOfOneChangesAtEveryResult) {
  HealthSettings settings{.healthy = 1, .unhealthy = 1};
  HealthRig rig{settings};
  EXPECT_EQ(rig.check(false), Change::WentDown);
  EXPECT_EQ(rig.check(true), Change::CameUp);
  EXPECT_EQ(rig.check(false), Change::WentDown);
}

TEST(Health, FirstCheckComesWithinASecondOrTheInterval) {
  for (const Duration interval : {Duration{100ms}, Duration{5s}}) {
    const Duration bound = std::min<Duration>(interval, 1s);
    Duration least = bound;
    Duration most{};
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
      const HealthRig rig{{.interval = interval}, seed};
      const Duration wait = rig.health.due() - rig.now;
      EXPECT_GE(wait, Duration::zero());
      EXPECT_LE(wait, bound);
      least = std::min(least, wait);
      most = std::max(most, wait);
    }
    EXPECT_LT(least, bound / 10) << "spread over the whole time";
    EXPECT_GT(most, bound * 9 / 10);
  }
}

TEST(Health, NextCheckIsAnIntervalAfterTheStartGiveOrTakeATenth) {
  HealthRig rig;
  std::vector<Duration> pauses;
  for (int i = 0; i < 300; ++i) {
    const Instant started = std::max(rig.now, rig.health.due());
    rig.check(i % 2 == 0, 300ms);
    pauses.push_back(rig.health.due() - started);
  }
  const auto [least, most] = std::ranges::minmax(pauses);
  EXPECT_GE(least, 4500ms);
  EXPECT_LE(most, 5500ms);
  EXPECT_LT(least, 4600ms);
  EXPECT_GT(most, 5400ms);
}

TEST(Health, LongCheckDelaysTheNextAndALostOneDoesNotEndTheChecks) {
  HealthRig rig{{.interval = 1s, .timeout = 10s}};
  rig.check(false, 9s);
  EXPECT_EQ(rig.health.due(), rig.now) << "at once, but not before this one has ended";
  rig.health.start(rig.now);
  EXPECT_EQ(rig.health.due(), rig.now + 11s) << "nobody told how it ended";
}

TEST(Health, RestoredDownNeedsGoodChecksToComeBack) {
  HealthRig rig;
  rig.health.restore_down();
  EXPECT_EQ(rig.check(false), Change::None);
  EXPECT_EQ(rig.check(true), Change::None);
  EXPECT_EQ(rig.check(true), Change::CameUp);
}

TEST(Health, RandomResultsObeyTheThresholds) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng dice{seed};
    HealthSettings settings;
    settings.interval = dice.between(100ms, 10s);
    settings.timeout = dice.between(1ms, 20s);
    settings.healthy = static_cast<std::uint32_t>(1 + dice.below(5));
    settings.unhealthy = static_cast<std::uint32_t>(1 + dice.below(5));
    HealthRig rig{settings, seed};
    std::uint32_t good = 0;
    std::uint32_t bad = 0;
    bool down = false;
    for (int i = 0; i < 300; ++i) {
      const bool result = dice.below(3) != 0;
      good = result ? good + 1 : 0;
      bad = result ? 0 : bad + 1;
      const Change change = rig.check(result, dice.between(0ms, settings.timeout));
      const bool was_down = down;
      down = down ? good < settings.healthy : bad >= settings.unhealthy;
      EXPECT_EQ(rig.health.state() == State::Down, down);
      EXPECT_EQ(change == Change::WentDown, down && !was_down);
      EXPECT_EQ(change == Change::CameUp, was_down && !down);
      EXPECT_GE(rig.health.due(), rig.now) << "never two at a time";
    }
  }
}

}  // namespace
}  // namespace fusegate::policy
