#include "net/pipe_pool.hpp"

#include "net/clock.hpp"
#include "net/stream.hpp"

#include <gtest/gtest.h>

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <vector>

namespace fusegate::net {
namespace {

/// A stream and the other end of its socket.
struct End {
  StreamPtr stream;
  int peer = -1;
};

class PipePoolTest : public testing::Test {
 protected:
  PipePoolTest() : timers_(nullptr, nullptr), loop_(timers_, now()) {}
  ~PipePoolTest() override {
    for (const int fd : fds_) {
      ::close(fd);
    }
  }

  StreamPtr adopt(int fd) { return StreamPtr{new Stream(loop_, fd, Stream::Origin::Accepted)}; }

  End end() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    fds_.push_back(ends[1]);
    return {adopt(ends[0]), ends[1]};
  }

  static std::string received(int fd) {
    std::string text(64, '\0');
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(::read(fd, text.data(), 64), 0)));
    return text;
  }

  TimerQueue timers_;
  EventLoop loop_;
  PipePool pool_;
  std::vector<int> fds_;
};

TEST_F(PipePoolTest, BytesGoFromSocketToSocketAndNoMoreThanAskedFor) {
  const End from = end();
  const End to = end();
  ASSERT_EQ(::write(from.peer, "bodynext", 8), 8);
  Pipe pipe = pool_.take();
  EXPECT_EQ(pipe.fill(*from.stream, 4)->bytes, 4U);
  EXPECT_EQ(pipe.held(), 4U);
  EXPECT_TRUE(pipe.drain(*to.stream, 3).done());
  EXPECT_EQ(pipe.held(), 1U) << "what is over a turn's share waits";
  EXPECT_TRUE(pipe.drain(*to.stream, PipePool::kTurn).done());
  EXPECT_EQ(pipe.held(), 0U);
  EXPECT_EQ(received(to.peer), "body");
  std::array<char, 8> rest{};
  EXPECT_EQ(from.stream->read(rest.data(), rest.size()).bytes, 4U) << "what follows stays";
}

TEST_F(PipePoolTest, AnEmptySocketAndItsEndAreTold) {
  const End from = end();
  Pipe pipe = pool_.take();
  EXPECT_TRUE(pipe.fill(*from.stream, 100)->would_block());
  ASSERT_EQ(::shutdown(from.peer, SHUT_WR), 0);
  EXPECT_EQ(pipe.fill(*from.stream, 100)->kind, IoResult::Kind::End);
  EXPECT_EQ(pipe.held(), 0U);
}

TEST_F(PipePoolTest, AFullSocketKeepsTheRestInThePipe) {
  const End from = end();
  const End to = end();
  const std::string much(PipePool::kCapacity, 'x');
  std::string got;
  std::size_t filled = 0;
  Pipe pipe = pool_.take();
  bool blocked = false;
  for (int turn = 0; turn < 1000 && !blocked; ++turn) {
    const ssize_t written = ::write(from.peer, much.data(), 4096);
    ASSERT_EQ(written, 4096);
    filled += pipe.fill(*from.stream, much.size())->bytes;
    blocked = pipe.drain(*to.stream, pipe.held()).would_block();
  }
  ASSERT_TRUE(blocked);
  EXPECT_GT(pipe.held(), 0U);
  for (int turn = 0; turn < 1000 && got.size() < filled; ++turn) {
    std::string part(much.size(), '\0');
    const ssize_t size = ::read(to.peer, part.data(), part.size());
    got.append(part, 0, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    const IoResult drained = pipe.drain(*to.stream, pipe.held());
    EXPECT_TRUE(drained.done() || drained.would_block());
  }
  EXPECT_EQ(got.size(), filled);
}

TEST_F(PipePoolTest, BytesOfOneBodyNeverReachAnother) {
  const End from = end();
  const End to = end();
  ASSERT_EQ(::write(from.peer, "secret", 6), 6);
  {
    Pipe given_up = pool_.take();
    ASSERT_EQ(given_up.fill(*from.stream, 100)->bytes, 6U);
  }
  ASSERT_EQ(::write(from.peer, "mine", 4), 4);
  Pipe next = pool_.take();
  ASSERT_EQ(next.fill(*from.stream, 100)->bytes, 4U);
  EXPECT_TRUE(next.drain(*to.stream, next.held()).done());
  EXPECT_EQ(received(to.peer), "mine");
}

TEST_F(PipePoolTest, AReceiverThatHasLeftIsAFailureAndNotTheEndOfTheProcess) {
  const End from = end();
  const End to = end();
  ASSERT_EQ(::write(from.peer, "late", 4), 4);
  Pipe pipe = pool_.take();
  ASSERT_EQ(pipe.fill(*from.stream, 100)->bytes, 4U);
  ASSERT_EQ(::shutdown(to.peer, SHUT_RDWR), 0);
  const IoResult result = pipe.drain(*to.stream, pipe.held());
  EXPECT_EQ(result.kind, IoResult::Kind::Failed);
  EXPECT_EQ(result.error, EPIPE);
}

TEST_F(PipePoolTest, WhoGetsNoneIsToldToRead) {
  const End from = end();
  std::vector<Pipe> all;
  for (std::size_t at = 0; at < PipePool::kMax; ++at) {
    all.push_back(pool_.take());
    ASSERT_TRUE(all.back());
  }
  Pipe none = pool_.take();
  EXPECT_FALSE(none);
  ASSERT_EQ(::write(from.peer, "x", 1), 1);
  EXPECT_FALSE(none.fill(*from.stream, 1).has_value());
  all.pop_back();
  EXPECT_TRUE(pool_.take()) << "one has come back";
}

TEST_F(PipePoolTest, ASystemThatDoesNotSpliceIsNotAskedAgain) {
  const End good = end();
  ASSERT_EQ(::write(good.peer, "x", 1), 1);
  // Of an epoll descriptor nothing can be spliced: it stands for sockets that cannot.
  const StreamPtr odd = adopt(::epoll_create1(EPOLL_CLOEXEC));
  Pipe pipe = pool_.take();
  EXPECT_FALSE(pipe.fill(*odd, 1).has_value());
  EXPECT_FALSE(pool_.take()) << "the next body is read at once";
  EXPECT_FALSE(pipe.fill(*good.stream, 1).has_value());
  char byte = 0;
  EXPECT_EQ(good.stream->read(&byte, 1).bytes, 1U);
}

TEST_F(PipePoolTest, UnusedPipesAreClosedASecondLater) {
  const int before = ::eventfd(0, 0);
  ::close(before);  // The lowest number that is free.
  {
    const Pipe used = pool_.take();
  }
  pool_.trim();
  EXPECT_TRUE(pool_.take()) << "kept for a second";
  pool_.trim();
  pool_.trim();
  const int after = ::eventfd(0, 0);
  ::close(after);
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace fusegate::net
