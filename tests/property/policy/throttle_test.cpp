// A throttle in front of a modelled upstream, in virtual time, beside the two minutes of the book;
// and random lives.
#include <fusegate/policy/throttle.hpp>

#include "property/policy/seeds.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <vector>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

struct Second {
  int offered = 0;
  int sent = 0;
  int good = 0;
};

/// `rate` calls a second for so long; what the upstream accepts in each second is at most what
/// `capacity(second)` says, spread evenly over it. Answers take 20 ms.
template <class Capacity>
std::vector<Second> play(Throttle throttle, int rate, int seconds, std::uint64_t seed,
                         Capacity capacity) {
  Rng rng(seed);
  std::vector<Second> lives(static_cast<std::size_t>(seconds));
  const Duration step = Duration{1s} / rate;
  double tokens = 1;
  Instant now{};
  for (int call = 0; call < rate * seconds; ++call) {
    Second& second = lives[static_cast<std::size_t>(call / rate)];
    tokens = std::min(tokens + capacity(call / rate) / rate, 2.0);
    now += step;
    ++second.offered;
    if (!throttle.admit(rng, now)) {
      continue;
    }
    ++second.sent;
    if (tokens >= 1) {
      tokens -= 1;
      ++second.good;
      throttle.accepted(20ms, now + 20ms);
    } else {
      throttle.failed(20ms, now + 20ms);
    }
  }
  return lives;
}

Second total(const std::vector<Second>& lives, int from, int to) {
  Second sum;
  for (int i = from; i < to; ++i) {
    const Second& each = lives[static_cast<std::size_t>(i)];
    sum.offered += each.offered;
    sum.sent += each.sent;
    sum.good += each.good;
  }
  return sum;
}

double share(int part, int whole) { return static_cast<double>(part) / whole; }

TEST(ThrottleSimulation, AnUpstreamThatServesThreeTenthsIsSentTwiceThatAndServesAllItCan) {
  for (const int rate : {10, 100, 1'000}) {
    for_each_seed(10, [rate](std::uint64_t seed) {
      const auto lives =
          play(Throttle(10s, 20), rate, 70, seed, [rate](int) { return rate * 0.3; });
      const Second steady = total(lives, 10, 70);
      EXPECT_NEAR(share(steady.good, steady.offered), 0.3, 0.02) << rate;
      EXPECT_GT(share(steady.sent, steady.offered), 0.5) << rate << ": not stricter than K = 2";
      EXPECT_LT(share(steady.sent, steady.offered), 0.8) << rate;
      if (seed == 1) {
        std::printf("30 %% at %d/s: sent %.2f, good %.3f of what was offered\n", rate,
                    share(steady.sent, steady.offered), share(steady.good, steady.offered));
      }
    });
  }
}

struct Outage {
  double sent_before_notice = 0;  ///< In the first three seconds, as a share.
  double sent_in_it = 0;          ///< After that, calls a second.
  int recovered_after = 0;        ///< Seconds until 95 % of a second's calls are good.
};

Outage outage(const Throttle& throttle, int rate, std::uint64_t seed) {
  constexpr int kFrom = 30;
  constexpr int kTo = 60;
  constexpr int kEnd = 1'800;
  const auto lives = play(throttle, rate, kEnd, seed, [rate](int second) {
    return second >= kFrom && second < kTo ? 0.0 : rate * 2.0;
  });
  Outage seen;
  const Second first = total(lives, kFrom, kFrom + 3);
  seen.sent_before_notice = share(first.sent, first.offered);
  seen.sent_in_it = share(total(lives, kTo - 15, kTo).sent, 15);
  int at = kTo;
  while (at < kEnd && lives[static_cast<std::size_t>(at)].good * 20 <
                          lives[static_cast<std::size_t>(at)].offered * 19) {
    ++at;
  }
  seen.recovered_after = at - kTo;
  return seen;
}

TEST(ThrottleSimulation, AnOutageGetsFewCallsAndRecoversWithinAWindow) {
  for (const int rate : {5, 20, 100, 1'000}) {
    for_each_seed(10, [rate](std::uint64_t seed) {
      const Outage ours = outage(Throttle(10s, 20), rate, seed);
      EXPECT_LE(ours.sent_in_it, std::max(2.0, rate * 0.02)) << rate << " a second";
      // Five a second are judged by all of the window, and one lost call of five is no 95 %.
      EXPECT_LE(ours.recovered_after, rate > 5 ? 10 : 15) << rate << " a second";
      if (rate >= 100) {
        EXPECT_LT(ours.sent_before_notice, 0.6) << rate;
        EXPECT_LE(ours.recovered_after, 6) << rate;
      }
      if (seed == 1) {
        std::printf("outage at %d/s: sent %.2f at first, then %.2f/s, recovered after %d s\n", rate,
                    ours.sent_before_notice, ours.sent_in_it, ours.recovered_after);
      }
    });
  }
}

TEST(ThrottleSimulation, TenPercentFailuresAreNeverThrottled) {
  for_each_seed(20, [](std::uint64_t seed) {
    Throttle throttle(10s, 20);
    Rng rng(seed);
    Rng dice(seed + 100);
    Instant now{};
    for (int i = 0; i < 100'000; ++i, now += 5ms) {
      ASSERT_TRUE(throttle.admit(rng, now)) << i;
      dice.below(10) == 0 ? throttle.failed(5ms, now) : throttle.accepted(5ms, now);
    }
  });
}

TEST(ThrottleSimulation, AHangIsNoticedBeforeTheFirstTimeout) {
  Throttle throttle(10s, 20);
  Rng rng(1);
  Instant now{};
  for (int i = 0; i < 1'000; ++i, now += 10ms) {
    ASSERT_TRUE(throttle.admit(rng, now));
    throttle.accepted(30ms, now + 30ms);
  }
  int sent = 0;
  for (int i = 0; i < 500; ++i, now += 10ms) {
    sent += throttle.admit(rng, now) ? 1 : 0;
  }
  EXPECT_LT(sent, 250) << "five seconds at 100/s in which nothing at all came back";
}

TEST(ThrottleProperty, TheShareIsAlwaysAShareBelowOneAndTimeHeals) {
  for_each_seed(300, [](std::uint64_t seed) {
    Rng dice(seed);
    const Duration window = dice.between(1s, 60s);
    Throttle throttle(window, static_cast<std::uint32_t>(dice.below(60)));
    Rng rng(seed + 1);
    Instant now{};
    for (int i = 0; i < 2'000; ++i) {
      now += dice.below(100) == 0 ? dice.between(0s, 100s) : dice.between(0ms, 50ms);
      const Duration latency = dice.between(0s, 3s);
      switch (dice.below(6)) {
        case 0:
        case 1:
          static_cast<void>(throttle.admit(rng, now));
          break;
        case 2:
          throttle.accepted(latency, now);
          break;
        case 3:
          throttle.failed(latency, now);
          break;
        case 4:
          throttle.cancelled(latency, now);
          break;
        default:
          throttle.take_back(now);
          break;
      }
      const double refused = throttle.refused_share(now);
      ASSERT_TRUE(refused >= 0.0 && refused < 1.0) << refused;
    }
    EXPECT_EQ(throttle.refused_share(now + window * 2), 0.0);
  });
}

}  // namespace
}  // namespace fusegate::policy
