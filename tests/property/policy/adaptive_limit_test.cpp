// The limit against a modelled service: slots, a queue, work that goes on for callers who left.
#include <fusegate/base/rng.hpp>
#include <fusegate/policy/adaptive_limit.hpp>

#include "property/policy/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <string>
#include <vector>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

struct Load {
  double rate = 350;        ///< Requests a second.
  Duration service = 20ms;  ///< Mean time of one request, exponential.
  unsigned slots = 10;
};

/// One endpoint behind the limit, with open-loop callers of one second's patience.
class Service {
 public:
  explicit Service(std::uint64_t seed) : rng_(seed), limit_(1024, at_) {}

  struct Seen {
    unsigned offered = 0, good = 0, refused = 0, late = 0;
    std::uint32_t least = UINT32_MAX, most = 0;
    double goodput() const { return static_cast<double>(good) / offered; }
  };

  Seen play(const Load& load, Duration length) {
    load_ = load;
    seen_ = {};
    const Instant end = at_ + length;
    Instant next = at_ + gap();
    while (std::min(next, events_.empty() ? kNever : events_.top().at) < end) {
      if (!events_.empty() && events_.top().at <= next) {
        const Event event = events_.top();
        events_.pop();
        at_ = event.at;
        done(event);
      } else {
        at_ = next;
        arrive();
        next = at_ + gap();
      }
      seen_.least = std::min(seen_.least, limit_.limit());
      seen_.most = std::max(seen_.most, limit_.limit());
    }
    at_ = end;
    return seen_;
  }

  const AdaptiveLimit& limit() const { return limit_; }

 private:
  static constexpr Duration kPatience = 1s;
  struct Event {
    Instant at;
    std::size_t request;
    bool patience;
    bool operator<(const Event& other) const { return at > other.at; }
  };
  struct Request {
    Instant begun;
    bool open = true;
  };

  Duration exponential(double mean_ns) {
    return Duration{static_cast<std::int64_t>(-mean_ns * std::log(1.0 - rng_.uniform()))};
  }
  Duration gap() { return exponential(1e9 / load_.rate); }

  void arrive() {
    ++seen_.offered;
    if (in_flight_ >= limit_.limit()) {
      limit_.on_full(at_);
    }
    if (in_flight_ >= limit_.limit()) {
      ++seen_.refused;
      return;
    }
    limit_.on_start(++in_flight_, at_);
    const std::size_t request = requests_.size();
    requests_.push_back({.begun = at_});
    events_.push({at_ + kPatience, request, true});
    queue_.push_back(request);
    serve();
  }

  void serve() {
    while (busy_ < load_.slots && !queue_.empty()) {
      ++busy_;
      events_.push(
          {at_ + exponential(static_cast<double>(load_.service.count())), queue_.front(), false});
      queue_.pop_front();
    }
  }

  void done(const Event& event) {
    Request& request = requests_[event.request];
    if (!event.patience) {
      --busy_;
    }
    if (request.open) {
      request.open = false;
      --in_flight_;
      const Duration took = at_ - request.begun;
      if (event.patience) {
        ++seen_.late;
        limit_.on_drop(took, at_);
      } else {
        ++seen_.good;
        limit_.on_answer(took, at_);
      }
    }
    serve();
  }

  Rng rng_;
  Instant at_{1000s};
  AdaptiveLimit limit_;
  Load load_;
  Seen seen_;
  std::uint32_t in_flight_ = 0;
  unsigned busy_ = 0;
  std::priority_queue<Event> events_;
  std::deque<std::size_t> queue_;
  std::vector<Request> requests_;
};

std::string told(const Service::Seen& seen) {
  return "offered " + std::to_string(seen.offered) + ", good " + std::to_string(seen.good) +
         ", refused " + std::to_string(seen.refused) + ", too late " + std::to_string(seen.late) +
         ", limit " + std::to_string(seen.least) + " to " + std::to_string(seen.most);
}

/// Capacity is 500 a second and 70 % of it are offered.
constexpr Load kCalm{};

class AdaptiveLimitSeeds : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  Service service{GetParam()};
  void calm(Duration length = 60s) {
    const auto seen = service.play(kCalm, length);
    EXPECT_LE(seen.refused, seen.offered / 50'000)
        << told(seen) << "; calm traffic is never refused; seed " << GetParam();
  }
};

TEST_P(AdaptiveLimitSeeds, CalmTrafficIsNeverRefused) {
  calm(300s);
  EXPECT_LE(service.limit().limit(), 512U) << "no growth while unused";
}

TEST_P(AdaptiveLimitSeeds, CapacityDownToAFifthIsUsedAndRecovers) {
  for (const Load brownout : {Load{350, 100ms, 10}, Load{350, 20ms, 2}}) {
    calm();
    const auto during = service.play(brownout, 20s);
    // 100 a second of 350 are possible.
    EXPECT_GE(during.goodput(), 0.92 * 100 / 350) << told(during) << ", seed " << GetParam();
    (void)service.play(kCalm, 3s);
    const auto after = service.play(kCalm, 5s);
    EXPECT_GE(after.goodput(), 0.99) << told(after) << ", seed " << GetParam();
  }
}

TEST_P(AdaptiveLimitSeeds, ThreeTimesTheCapacityLeavesItFullyUsed) {
  calm();
  const auto seen = service.play({1500, 20ms, 10}, 20s);
  EXPECT_GE(seen.goodput(), 0.95 / 3) << told(seen) << ", seed " << GetParam();
}

TEST_P(AdaptiveLimitSeeds, AServiceTwentyFiveTimesSlowerIsNotStarvedForLong) {
  calm();
  (void)service.play({350, 500ms, 10}, 20s);
  const auto seen = service.play({350, 500ms, 10}, 60s);
  // 20 a second are possible, of which 86 % take less than the caller's patience when none waits.
  EXPECT_GE(seen.good, 0.5 * 0.86 * 20 * 60) << told(seen) << ", seed " << GetParam();
}

TEST_P(AdaptiveLimitSeeds, StandingOverloadDoesNotLetTheLimitCreepUp) {
  calm();
  (void)service.play({700, 20ms, 10}, 60s);
  const auto early = service.play({700, 20ms, 10}, 60s);
  (void)service.play({700, 20ms, 10}, 1200s);
  const auto later = service.play({700, 20ms, 10}, 60s);
  EXPECT_LE(later.most, 2 * early.most)
      << told(early) << "; " << told(later) << ", seed " << GetParam();
  EXPECT_GE(later.goodput(), 0.95 * 500 / 700) << told(later) << ", seed " << GetParam();
}

TEST_P(AdaptiveLimitSeeds, SlowlyRisingOverloadIsCaught) {
  calm();
  for (double rate = 400; rate < 700; rate += 5) {
    (void)service.play({rate, 20ms, 10}, 5s);
  }
  const auto seen = service.play({700, 20ms, 10}, 30s);
  EXPECT_GE(seen.goodput(), 0.95 * 500 / 700) << told(seen) << ", seed " << GetParam();
}

TEST_P(AdaptiveLimitSeeds, AQuietServiceTakesABurst) {
  (void)service.play({2, 50ms, 200}, 120s);
  const auto seen = service.play({1500, 50ms, 200}, 50ms);
  EXPECT_EQ(seen.refused, 0U) << told(seen) << ", seed " << GetParam();
}

TEST_P(AdaptiveLimitSeeds, OneThatNeverAnswersGetsLessAndLess) {
  calm();
  (void)service.play({350, 3600s, 10}, 4s);
  const auto seen = service.play({350, 3600s, 10}, 10s);
  EXPECT_LE(seen.late, 40U) << told(seen) << ", seed " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Seeds, AdaptiveLimitSeeds, ::testing::Range<std::uint64_t>(1, 7));

}  // namespace
}  // namespace fusegate::policy
