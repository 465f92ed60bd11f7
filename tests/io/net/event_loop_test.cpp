#include "net/event_loop.hpp"

#include "net/clock.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <thread>
#include <vector>

namespace fusegate::net {
namespace {

using namespace std::chrono_literals;

TEST(EventLoop, RunsWhatOtherThreadsPostInTheirOrder) {
  TimerQueue timers(nullptr, nullptr);
  EventLoop loop(timers, now());
  constexpr int kEach = 1000;
  std::vector<int> seen(2, 0);
  bool in_order = true;
  int ended = 0;
  const auto poster = [&](std::size_t who) {
    for (int i = 0; i < kEach; ++i) {
      loop.post([&, who, i] { in_order = in_order && seen[who]++ == i; });
    }
    loop.post([&] {
      if (++ended == 2) {
        loop.stop();
      }
    });
  };
  std::thread one(poster, 0);
  std::thread two(poster, 1);
  loop.run();
  one.join();
  two.join();
  EXPECT_TRUE(in_order);
  EXPECT_EQ(seen, std::vector<int>(2, kEach));
}

TEST(EventLoop, ATaskMayPostAnotherAndTheLastOnesRunAfterTheEnd) {
  TimerQueue timers(nullptr, nullptr);
  EventLoop loop(timers, now());
  int ran = 0;
  loop.post([&] {
    ++ran;
    loop.post([&] { ++ran; });
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(ran, 1);
  loop.run_posted();
  EXPECT_EQ(ran, 2);
}

TEST(EventLoop, SleepsUntilTheFirstDeadlineAndWakesNoEarlier) {
  struct Alarm final : Timer {
    EventLoop* loop = nullptr;
    Instant fired{};
    void on_timer(Instant now) override {
      fired = now;
      loop->stop();
    }
  } alarm;
  TimerQueue timers(nullptr, nullptr);
  EventLoop loop(timers, now());
  alarm.loop = &loop;
  const Instant due = loop.now() + 30ms;
  timers.set(alarm, due);
  loop.run();
  EXPECT_GE(alarm.fired, due);
}

TEST(EventLoop, RefusesWhatCannotBeWatched) {
  TimerQueue timers(nullptr, nullptr);
  EventLoop loop(timers, now());
  struct Nobody final : EventSource {
    void on_events(std::uint32_t) override {}
  } nobody;
  EXPECT_FALSE(loop.watch(-1, nobody, EPOLLIN));
  EXPECT_EQ(errno, EBADF);
}

}  // namespace
}  // namespace fusegate::net
