#include "net/timer_queue.hpp"

#include <fusegate/base/rng.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace fusegate::net {
namespace {

using namespace std::chrono_literals;

Instant at(Duration since_start) { return Instant{1000s} + since_start; }

struct Alarm final : Timer {
  std::vector<Instant> fired;
  std::unique_ptr<Alarm> victim;  ///< Destroyed when this one fires.
  TimerQueue* again = nullptr;    ///< Set anew, a second later, when it fires.
  void on_timer(Instant now) override {
    fired.push_back(now);
    victim.reset();
    if (again != nullptr) {
      again->set(*this, now + 1s);
    }
  }
};

TEST(TimerQueue, FiresOnceAtItsTimeAndNeverEarly) {
  TimerQueue queue(nullptr, nullptr);
  Alarm alarm;
  queue.set(alarm, at(2s));
  EXPECT_EQ(queue.next(), at(2s));
  queue.expire(at(2s) - 1ns);
  EXPECT_TRUE(alarm.fired.empty());
  queue.expire(at(2s));
  queue.expire(at(3s));
  EXPECT_EQ(alarm.fired, std::vector{at(2s)});
  EXPECT_EQ(queue.next(), kNever);
}

TEST(TimerQueue, TheLastDeadlineCounts) {
  TimerQueue queue(nullptr, nullptr);
  Alarm later;
  Alarm earlier;
  Alarm cancelled;
  queue.set(later, at(1s));
  queue.set(later, at(5s));
  queue.set(earlier, at(5s));
  queue.set(earlier, at(1s));
  queue.set(cancelled, at(1s));
  queue.cancel(cancelled);
  queue.expire(at(2s));
  EXPECT_TRUE(later.fired.empty());
  EXPECT_EQ(earlier.fired.size(), 1U);
  queue.expire(at(5s));
  EXPECT_EQ(later.fired.size(), 1U);
  EXPECT_TRUE(cancelled.fired.empty());
  EXPECT_EQ(queue.size(), 0U);
}

TEST(TimerQueue, ATimerMayVanishWhileAnotherFires) {
  TimerQueue queue(nullptr, nullptr);
  Alarm alarm;
  alarm.victim = std::make_unique<Alarm>();
  queue.set(alarm, at(1s));
  queue.set(*alarm.victim, at(1s) + 1ns);
  queue.expire(at(2s));
  EXPECT_EQ(alarm.fired.size(), 1U);
  EXPECT_EQ(queue.size(), 0U);
}

TEST(TimerQueue, ATimerMaySetItselfAnew) {
  TimerQueue queue(nullptr, nullptr);
  Alarm alarm;
  alarm.again = &queue;
  queue.set(alarm, at(1s));
  for (int second = 1; second <= 5; ++second) {
    queue.expire(at(second * 1s));
  }
  EXPECT_EQ(alarm.fired.size(), 5U);
}

TEST(TimerQueue, OutlivedByItsTimers) {
  Alarm alarm;
  {
    TimerQueue queue(nullptr, nullptr);
    queue.set(alarm, at(1s));
  }
  EXPECT_TRUE(alarm.fired.empty());
}

TEST(TimerQueue, TellsHowLateItWasAsked) {
  Duration lag{};
  TimerQueue queue([](void* told, Duration late) { *static_cast<Duration*>(told) = late; }, &lag);
  Alarm alarm;
  queue.set(alarm, at(1s));
  queue.expire(at(1s) + 30ms);
  EXPECT_EQ(lag, 30ms);
}

TEST(TimerQueue, RandomSettingsFireAsAListWould) {
  constexpr std::uint64_t kSeed = 20261124;
  SCOPED_TRACE(kSeed);
  Rng rng{kSeed};
  TimerQueue queue(nullptr, nullptr);
  std::vector<Alarm> alarms(50);
  std::vector<Instant> due(alarms.size(), kNever);
  std::vector<std::size_t> expected(alarms.size(), 0);
  for (Duration now = 0s; now < 2s; now += 1ms) {
    const auto chosen = static_cast<std::size_t>(rng.below(alarms.size()));
    due[chosen] = rng.below(4) == 0 ? kNever : at(now + Duration{1ms} * rng.below(100));
    if (due[chosen] == kNever) {
      queue.cancel(alarms[chosen]);
    } else {
      queue.set(alarms[chosen], due[chosen]);
    }
    queue.expire(at(now));
    for (std::size_t i = 0; i < alarms.size(); ++i) {
      if (due[i] <= at(now)) {
        ++expected[i];
        due[i] = kNever;
      }
      ASSERT_EQ(alarms[i].fired.size(), expected[i]) << "timer " << i;
      ASSERT_LE(queue.next(), due[i]) << "timer " << i;
    }
  }
}

}  // namespace
}  // namespace fusegate::net
