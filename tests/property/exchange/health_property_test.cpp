// Checks, failed requests, names that change and restarts in any order: what must hold after each
// step, and that an upstream whose endpoints are all well again ends with all of them in rotation.
#include "support/core_rig.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace fusegate::test {
namespace {

using exchange::UpstreamState;

class HealthWorld {
 public:
  explicit HealthWorld(std::uint64_t seed) : dice_(seed) {
    rig_.upstream.health_check.emplace();
    rig_.upstream.health_check->healthy = static_cast<std::uint32_t>(1 + dice_.below(3));
    rig_.upstream.health_check->unhealthy = static_cast<std::uint32_t>(1 + dice_.below(3));
    rig_.upstream.ejection.enabled = dice_.below(3) != 0;
    rig_.upstream.ejection.max_percent = Ratio::percent(dice_.uniform() * 100);
    rig_.upstream.breaker.ramp.over = Duration{dice_.below(2) == 0 ? 0s : 5s};
    rig_.upstream.breaker.mode = policy::BreakerMode::Off;  // Only endpoints are looked at.
    rig_.start({}, seed);
    change_names();
  }

  void step() {
    now_ += dice_.between(0s, 2s);
    switch (dice_.below(12)) {
      case 0:
        change_names();
        break;
      case 1:
        restart();
        break;
      case 2:
        well_[kNames[dice_.below(std::size(kNames))]] = dice_.below(2) == 0;
        break;
      case 3:
      case 4:
      case 5:
        request();
        break;
      default:
        check();
        break;
    }
    look();
  }

  void heal() {
    well_.clear();
    for (int i = 0; i < 400; ++i) {
      now_ += 1s;
      check();
      request();
      look();
    }
    const auto counts = state().endpoint_counts();
    EXPECT_EQ(counts.healthy, state().endpoints().size());
  }

 private:
  static constexpr const char* kNames[] = {"a:80", "b:80", "c:80", "d:80", "e:80"};

  UpstreamState& state() { return *rig_.state; }
  bool is_well(const std::string& name) {
    const auto found = well_.find(name);
    return found == well_.end() || found->second;
  }

  void change_names() {
    std::vector<std::string> names;
    for (const char* name : kNames) {
      if (dice_.below(3) != 0) {
        names.emplace_back(name);
      }
    }
    state().set_endpoints(names, now_);
  }

  void check() {
    for (const auto& due : state().start_checks(3, now_)) {
      state().finish_check(due, is_well(due.endpoint) ? "" : "status 500", now_);
    }
  }

  void request() {
    const auto picked = state().pick(nullptr, 0, true, 1s, now_);
    EXPECT_EQ(picked.pick == UpstreamState::Pick::Found, !state().endpoints().empty());
    if (picked.pick == UpstreamState::Pick::Found) {
      const bool good = is_well(picked.endpoint->name);
      state().settle(*picked.endpoint, picked.permit, std::nullopt,
                     good ? policy::Verdict::Success : policy::Verdict::Failure, 1ms, std::nullopt,
                     now_);
    }
  }

  void restart() {
    const auto memory = state().memory(now_);
    std::vector<std::string> names;
    std::set<std::string> out;
    for (const auto& endpoint : state().endpoints()) {
      names.push_back(endpoint->name);
      if (endpoint->ejected) {
        out.insert(endpoint->name);
      }
    }
    const Instant expires = now_ + 60s;
    rig_.state = std::make_unique<UpstreamState>(rig_.upstream, dice_.next(), now_);
    ASSERT_TRUE(state().restore(memory, expires, now_));
    state().set_endpoints(names, now_);
    for (const auto& endpoint : state().endpoints()) {
      EXPECT_EQ(endpoint->ejected, out.contains(endpoint->name)) << endpoint->name;
    }
  }

  void look() {
    state().tick(now_);
    const std::uint64_t count = state().endpoints().size();
    std::uint64_t out = 0;
    std::uint64_t down_in_rotation = 0;
    for (const auto& endpoint : state().endpoints()) {
      out += endpoint->ejected ? 1 : 0;
      down_in_rotation += endpoint->is_down() && !endpoint->ejected ? 1 : 0;
      EXPECT_EQ(endpoint->is_down(), endpoint->ejection.state() == BreakerState::ForcedOpen);
    }
    const std::uint64_t allowed =
        count < 2 ? 0 : std::min(rig_.upstream.ejection.max_percent.of(count), count - 1);
    EXPECT_LE(out, allowed);
    EXPECT_TRUE(down_in_rotation == 0 || out == allowed) << "one that is down stays without need";
  }

  Rng dice_;
  Rig rig_;
  Instant now_ = at(0s);
  std::map<std::string, bool> well_;
};

TEST(HealthProperty, LimitsHoldAtEveryStepAndEverythingHeals) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    HealthWorld world{seed};
    for (int i = 0; i < 400 && !testing::Test::HasFailure(); ++i) {
      world.step();
    }
    world.heal();
    if (testing::Test::HasFailure()) {
      return;
    }
  }
}

}  // namespace
}  // namespace fusegate::test
