#pragma once

#include "net/clock.hpp"
#include "net/stream.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace fusegate::net::testing {

/// What a test does at a moment of its run.
struct Step final : Timer {
  explicit Step(std::function<void()> what) : action(std::move(what)) {}
  std::function<void()> action;
  void on_timer(Instant) override { action(); }
};

/// A loop, steps to play on it, and sockets to try it on.
class StreamTest : public ::testing::Test, protected StreamOwner {
 protected:
  StreamTest() : timers_(nullptr, nullptr), loop_(timers_, now()), begin_(loop_.now()) {}
  ~StreamTest() override {
    for (const int fd : fds_) {
      ::close(fd);
    }
  }

  StreamPtr adopt(int fd) {
    StreamPtr stream{new Stream(loop_, fd, Stream::Origin::Accepted)};
    stream->set_owner(this);
    return stream;
  }

  /// One end as a stream, the other as a descriptor that is closed at the end.
  StreamPtr pair(int& peer) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    peer = ends[1];
    fds_.push_back(peer);
    return adopt(ends[0]);
  }

  /// Every 20 ms one step.
  void then(std::function<void()> action) {
    steps_.push_back(std::make_unique<Step>(std::move(action)));
    timers_.set(*steps_.back(), begin_ + std::chrono::milliseconds{20} * steps_.size());
  }

  void run() {
    then([this] { loop_.stop(); });
    loop_.run();
  }

  /// One turn, without waiting, in which the clock stands still.
  void turn() {
    loop_.fetch(0);
    loop_.turn(loop_.now());
  }

  void on_readable(Stream& stream) override {
    ++readable_;
    if (when_readable_) {
      when_readable_(stream);
    }
  }
  void on_writable(Stream&) override { ++writable_; }

  TimerQueue timers_;
  EventLoop loop_;
  Instant begin_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::vector<int> fds_;
  std::function<void(Stream&)> when_readable_;
  int readable_ = 0;
  int writable_ = 0;
};

}  // namespace fusegate::net::testing
