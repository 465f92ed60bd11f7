#include "net/event_loop.hpp"

#include "net/clock.hpp"

#include <gtest/gtest.h>

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
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

TEST(EventLoop, WhatItPostsItselfRunsBeforeItSleeps) {
  TimerQueue timers(nullptr, nullptr);
  EventLoop loop(timers, now());
  std::vector<int> ran;
  loop.post([&] {
    loop.post([&] {
      ran.push_back(1);
      loop.post([&] {
        ran.push_back(2);
        loop.stop();
      });
    });
  });
  loop.run();
  EXPECT_EQ(ran, (std::vector{1, 2}));
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

TEST(EventLoop, ManyDeadlinesThatComeTogetherLetFreshEventsThrough) {
  struct Alarm final : Timer {
    int* left = nullptr;
    EventLoop* loop = nullptr;
    void on_timer(Instant) override {
      if (--*left == 0) {
        loop->stop();
      }
    }
  };
  TimerQueue timers(nullptr, nullptr);
  EventLoop loop(timers, now());
  constexpr int kMany = 100;
  int left = kMany;
  std::vector<Alarm> alarms(kMany);
  for (Alarm& alarm : alarms) {
    alarm.left = &left;
    alarm.loop = &loop;
    timers.set(alarm, loop.now() + 1ms);
  }
  loop.turn(loop.now() + 1ms);
  EXPECT_EQ(left, kMany - 1) << "a fresh event would wait for these";
  loop.run();
  EXPECT_EQ(left, 0) << "none is slept over";
}

/// Always has more to do.
struct Busy final : EventSource {
  EventLoop* loop = nullptr;
  int turns = 0;
  void on_events(std::uint32_t) override {
    ++turns;
    loop->again(*this);
  }
};

void ask_all(std::vector<Busy>& busy, EventLoop& loop) {
  for (Busy& one : busy) {
    one.loop = &loop;
    loop.again(one);
  }
}

/// Counts what it is told.
struct Fresh final : EventSource {
  int seen = 0;
  void on_events(std::uint32_t) override { ++seen; }
};

int turns_of(const std::vector<Busy>& busy) {
  return std::accumulate(busy.begin(), busy.end(), 0,
                         [](int sum, const Busy& one) { return sum + one.turns; });
}

TEST(EventLoop, ManyThatAlwaysAskAgainTakeTurnsAndLetFreshEventsThrough) {
  TimerQueue timers(nullptr, nullptr);
  EventLoop loop(timers, now());
  std::vector<Busy> busy(100);
  ask_all(busy, loop);
  Fresh fresh;
  const int fd = ::eventfd(1, EFD_NONBLOCK);
  ASSERT_TRUE(loop.watch(fd, fresh, EPOLLIN | EPOLLET));
  EXPECT_TRUE(loop.fetch(-1)) << "does not sleep";
  loop.turn(loop.now());
  EXPECT_EQ(fresh.seen, 1);
  EXPECT_EQ(turns_of(busy), 1) << "the next fresh event would wait for all of these";
  while (turns_of(busy) < 1000) {
    loop.fetch(-1);
    loop.turn(loop.now());
  }
  const auto [least, most] = std::ranges::minmax(busy, {}, &Busy::turns);
  EXPECT_LE(most.turns - least.turns, 1);
  loop.forget(fd, fresh);
  ::close(fd);
}

TEST(EventLoop, FreshEventsWithoutEndLeaveThoseWhoAskAgainTheirShare) {
  TimerQueue timers(nullptr, nullptr);
  EventLoop loop(timers, now());
  std::vector<Busy> busy(10);
  ask_all(busy, loop);
  Fresh fresh;
  std::vector<int> fds(100);
  for (int& fd : fds) {
    fd = ::eventfd(1, EFD_NONBLOCK);
    ASSERT_TRUE(loop.watch(fd, fresh, EPOLLIN));  // Level-triggered and never read: always fresh.
  }
  for (int turn = 0; turn < 100; ++turn) {
    loop.fetch(0);
    loop.turn(loop.now());
  }
  EXPECT_EQ(fresh.seen, 100 * 100);
  EXPECT_GE(turns_of(busy), fresh.seen / 10);
  for (const int fd : fds) {
    loop.forget(fd, fresh);
    ::close(fd);
  }
}

TEST(EventLoop, NewOnesDoNotWaitBehindLongOnesNorTheOtherWayRound) {
  TimerQueue timers(nullptr, nullptr);
  EventLoop loop(timers, now());
  std::vector<Fresh> longs(10);
  std::vector<Fresh> news(10);
  for (Fresh& one : longs) {
    loop.again(one, Rank::Long);
  }
  for (Fresh& one : news) {
    loop.again(one, Rank::New);
  }
  for (std::size_t turn = 0; turn < 10; ++turn) {
    EXPECT_TRUE(loop.fetch(-1)) << "does not sleep";
    loop.turn(loop.now());
    EXPECT_EQ(longs[turn].seen, 1);
    EXPECT_EQ(news[turn].seen, 1);
  }
}

TEST(EventLoop, WhoIsForgottenIsNotCalledAgain) {
  TimerQueue timers(nullptr, nullptr);
  EventLoop loop(timers, now());
  struct Pair final : EventSource {
    EventLoop* loop = nullptr;
    Pair* other = nullptr;
    int turns = 0;
    void on_events(std::uint32_t) override {
      ++turns;
      loop->again(*this);
      loop->forget_closing(*other);
    }
  } first, second;
  first.loop = second.loop = &loop;
  first.other = &second;
  second.other = &first;
  loop.again(first);
  loop.again(second);
  for (int turn = 0; turn < 3; ++turn) {
    loop.fetch(0);
    loop.turn(loop.now());
  }
  EXPECT_EQ(first.turns, 3);
  EXPECT_EQ(second.turns, 0);
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
