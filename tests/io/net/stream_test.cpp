#include "net/stream.hpp"

#include "io/net/stream_testing.hpp"

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>

namespace fusegate::net {
namespace {

using namespace std::chrono_literals;

using testing::Step;
using testing::StreamTest;

SocketAddress address_of(int listener) {
  SocketAddress address;
  address.length = sizeof address.storage;
  EXPECT_EQ(::getsockname(listener, address.data(), &address.length), 0);
  return address;
}

/// No further socket can be watched by any loop of this process.
void break_polling() {
  const int other = ::eventfd(0, 0);
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    if (std::filesystem::read_symlink(entry.path(), error) == "anon_inode:[eventpoll]") {
      ::dup2(other, std::stoi(entry.path().filename()));
    }
  }
  ::close(other);
}

TEST_F(StreamTest, WhatIsDiscardedIsGoneAndTheEndIsStillTold) {
  int peer = -1;
  const StreamPtr stream = pair(peer);
  std::array<char, 64> place{};
  ASSERT_EQ(::send(peer, "unwanted", 8, 0), 8);
  const IoResult dropped = stream->discard(place.data(), place.size());
  EXPECT_TRUE(dropped.done());
  EXPECT_EQ(dropped.bytes, 8U);
  EXPECT_TRUE(stream->is_quiet());
  ASSERT_EQ(::shutdown(peer, SHUT_WR), 0);
  EXPECT_EQ(stream->discard(place.data(), place.size()).kind, IoResult::Kind::End);
}

TEST_F(StreamTest, AConnectThatCannotBeWatchedFailsAtOnce) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  fds_.push_back(listener);
  ASSERT_EQ(::listen(listener, 1), 0);
  const SocketAddress address = address_of(listener);
  break_polling();
  int error = 0;
  EXPECT_EQ(start_connect(loop_, address, error), nullptr);
  EXPECT_EQ(error, EINVAL) << "the caller must not wait for its connect timeout";
}

TEST_F(StreamTest, IsToldOnceForEachTimeItAsks) {
  int peer = -1;
  const StreamPtr stream = pair(peer);
  std::array<char, 8> bytes{};
  then([&] { ASSERT_EQ(::write(peer, "ab", 2), 2); });
  then([&] {
    EXPECT_EQ(readable_, 0) << "nobody asked";
    stream->arm_read();
  });
  then([&] {
    EXPECT_EQ(readable_, 1) << "what came before is told";
    EXPECT_EQ(stream->read(bytes.data(), bytes.size()).bytes, 2U);
    EXPECT_TRUE(stream->read(bytes.data(), bytes.size()).would_block());
    ASSERT_EQ(::write(peer, "c", 1), 1);
  });
  then([&] { EXPECT_EQ(readable_, 1) << "not asked again"; });
  then([&] { stream->arm_read(); });
  then([&] { EXPECT_EQ(readable_, 2); });
  run();
}

TEST_F(StreamTest, TheEndIsToldBehindTheData) {
  int peer = -1;
  const StreamPtr stream = pair(peer);
  ASSERT_EQ(::write(peer, "last", 4), 4);
  ::shutdown(peer, SHUT_WR);
  stream->arm_read();
  std::array<char, 4> bytes{};
  then([&] {
    EXPECT_EQ(stream->read(bytes.data(), bytes.size()).bytes, 4U);
    stream->arm_read();
  });
  then([&] {
    EXPECT_EQ(readable_, 2) << "the edge came once, for both";
    EXPECT_EQ(stream->read(bytes.data(), bytes.size()).kind, IoResult::Kind::End);
  });
  run();
}

TEST_F(StreamTest, AFullSocketIsToldWhenItTakesMore) {
  int peer = -1;
  const StreamPtr stream = pair(peer);
  const std::string block(1 << 16, 'x');
  while (!stream->write(block.data(), block.size()).would_block()) {
  }
  stream->arm_write();
  std::vector<char> sink(1 << 20);
  then([&] { EXPECT_EQ(writable_, 0); });
  then([&] { EXPECT_GT(::read(peer, sink.data(), sink.size()), 0); });
  then([&] { EXPECT_EQ(writable_, 1); });
  run();
}

TEST_F(StreamTest, ItsOwnerMayLetGoOfItWhileItIsTold) {
  int peer = -1;
  StreamPtr stream = pair(peer);
  stream->arm_read();
  stream->arm_write();
  when_readable_ = [&](Stream&) { stream.reset(); };
  ASSERT_EQ(::write(peer, "a", 1), 1);
  then([&] {
    EXPECT_EQ(readable_, 1);
    char byte = 0;
    EXPECT_EQ(::read(peer, &byte, 1), -1) << "it was closed with a byte unread";
    EXPECT_EQ(errno, ECONNRESET);
  });
  run();
}

/// The end of a machine or of a path: no FIN, no RST. False where that is not permitted.
bool vanish(int fd) {
  const int on = 1;
  return ::setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof on) == 0 && ::close(fd) == 0;
}

TEST_F(StreamTest, APeerThatIsGoneWithoutAWordIsFoundOut) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  fds_.push_back(listener);
  ASSERT_EQ(::listen(listener, 1), 0);
  const SocketAddress address = address_of(listener);
  const int peer = ::socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(::connect(peer, address.data(), address.length), 0);
  const StreamPtr stream = adopt(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK));
  stream->watch_peer(1s);
  stream->arm_read();
  if (!vanish(peer)) {
    ::close(peer);
    GTEST_SKIP() << "needs CAP_NET_ADMIN";
  }
  when_readable_ = [this](Stream& told) {
    char byte = 0;
    EXPECT_EQ(told.read(&byte, 1).kind, IoResult::Kind::Failed);
    loop_.stop();
  };
  Step too_late{[this] { loop_.stop(); }};
  timers_.set(too_late, begin_ + 10s);
  loop_.run();
  EXPECT_EQ(readable_, 1);
  timers_.cancel(too_late);
}

TEST_F(StreamTest, AClosedStreamIsToldNothingMore) {
  int first_peer = -1;
  int second_peer = -1;
  const StreamPtr first = pair(first_peer);
  const StreamPtr second = pair(second_peer);
  // Both events are fetched in one turn; whichever comes first closes the other one.
  when_readable_ = [&](Stream& told) { (&told == first.get() ? second : first)->close(); };
  first->arm_read();
  second->arm_read();
  ASSERT_EQ(::write(first_peer, "a", 1), 1);
  ASSERT_EQ(::write(second_peer, "a", 1), 1);
  then([&] { EXPECT_EQ(readable_, 1); });
  run();
}

/// A unix socket tells who waits for room whenever its peer has read something; a request whose
/// answer is awaited is no reason to wake up.
TEST_F(StreamTest, AUnixConnectionIsNotWokenByWhatItsPeerReads) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("stream_test." + std::to_string(::getpid()));
  ::unlink(path.c_str());
  const SocketAddress address = *parse_address("unix:" + path);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  fds_.push_back(listener);
  ASSERT_EQ(::bind(listener, address.data(), address.length), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  int error = 0;
  const StreamPtr stream = start_connect(loop_, address, error);
  ::unlink(path.c_str());
  ASSERT_TRUE(stream);
  const int peer = ::accept(listener, nullptr, nullptr);
  fds_.push_back(peer);
  stream->set_owner(this);
  stream->arm_write();
  turn();
  ASSERT_EQ(writable_, 1);
  ASSERT_TRUE(stream->connected().done());
  ASSERT_TRUE(stream->write("request", 7).done());
  std::array<char, 16> got{};
  ASSERT_EQ(::read(peer, got.data(), got.size()), 7);
  EXPECT_FALSE(loop_.fetch(0));
  ASSERT_EQ(::write(peer, "answer", 6), 6);
  EXPECT_TRUE(loop_.fetch(0));
}

TEST_F(StreamTest, WhoHadToWaitForRoomIsNotToldOfItForEver) {
  int peer = -1;
  const StreamPtr stream = pair(peer);
  const std::string much(100'000, 'x');
  while (!stream->write(much.data(), much.size()).would_block()) {
  }
  stream->arm_write();
  turn();
  ASSERT_EQ(writable_, 0);
  std::string got(100'000, ' ');
  while (::read(peer, got.data(), got.size()) > 0) {
  }
  turn();
  ASSERT_EQ(writable_, 1);
  const auto told = [&] {
    EXPECT_TRUE(stream->write("request", 7).done());
    EXPECT_EQ(::read(peer, got.data(), got.size()), 7);
    const bool result = loop_.fetch(0);
    loop_.turn(loop_.now());
    return result;
  };
  told();  // Once, by which it is noticed.
  EXPECT_FALSE(told());
  while (!stream->write(much.data(), much.size()).would_block()) {
  }
  stream->arm_write();
  while (::read(peer, got.data(), got.size()) > 0) {
  }
  turn();
  EXPECT_EQ(writable_, 2);
}

TEST_F(StreamTest, ARefusedConnectIsToldAsAnError) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  const SocketAddress address = address_of(listener);
  ::close(listener);
  int error = 0;
  const StreamPtr stream = start_connect(loop_, address, error);
  if (!stream) {
    EXPECT_EQ(error, ECONNREFUSED);
    return;
  }
  stream->set_owner(this);
  stream->arm_write();
  then([&] {
    EXPECT_EQ(writable_, 1);
    EXPECT_EQ(stream->connected().error, ECONNREFUSED);
  });
  run();
}

}  // namespace
}  // namespace fusegate::net
