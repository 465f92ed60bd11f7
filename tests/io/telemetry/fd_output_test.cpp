#include "telemetry/fd_output.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <thread>

namespace fusegate::telemetry {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;

class Ends {
 public:
  Ends(int in, int out) : in_(in), out_(out) {}
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  ~Ends() {
    close_reader();
    ::close(out_);
  }
  int in() const { return in_; }
  int out() const { return out_; }
  void close_reader() {
    if (in_ >= 0) {
      ::close(in_);
    }
    in_ = -1;
  }

  /// What has arrived so far, after at most ten seconds for the first byte.
  std::string read_some() {
    std::array<char, 65536> piece;
    pollfd waiting{in_, POLLIN, 0};
    const bool some = ::poll(&waiting, 1, 10'000) > 0;
    const ssize_t got = some ? ::read(in_, piece.data(), piece.size()) : 0;
    return {piece.data(), static_cast<std::size_t>(got > 0 ? got : 0)};
  }
  std::string read_exactly(std::size_t size) {
    std::string all;
    while (all.size() < size) {
      const std::string more = read_some();
      if (more.empty()) {
        break;
      }
      all += more;
    }
    return all;
  }

 private:
  int in_;
  int out_;
};

Ends sockets() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {ends[0], ends[1]};
}

Ends pipes() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  return {ends[0], ends[1]};
}

/// A reader that is slower than the writer gets everything all the same.
void expect_slow_reader_gets_all(Ends ends) {
  FdOutput output(ends.out());
  const std::string long_text(1 << 20, 'x');
  bool written = false;
  std::thread writer([&] { written = output.write(long_text); });
  EXPECT_EQ(ends.read_exactly(long_text.size()), long_text);
  writer.join();
  EXPECT_TRUE(written);
}

/// A reader that has gone to sleep keeps nobody from ending.
void expect_patience_ends(const Ends& ends) {
  FdOutput output(ends.out());
  output.limit_patience(100 * kMillisecond);
  EXPECT_FALSE(output.write(std::string(8 << 20, 'x')));
  output.limit_patience(0);
  EXPECT_FALSE(output.write("x"));
}

void expect_gone_reader_is_noticed(Ends ends) {
  FdOutput output(ends.out());
  ends.close_reader();
  EXPECT_FALSE(output.write("x"));
}

TEST(FdOutput, SocketsAndPipesHaveSlowReaders) {
  expect_slow_reader_gets_all(sockets());
  expect_slow_reader_gets_all(pipes());
}

TEST(FdOutput, SocketsAndPipesHaveSleepingReaders) {
  expect_patience_ends(sockets());
  expect_patience_ends(pipes());
}

TEST(FdOutput, SocketsAndPipesLoseTheirReaders) {
  ::signal(SIGPIPE, SIG_IGN);
  expect_gone_reader_is_noticed(sockets());
  expect_gone_reader_is_noticed(pipes());
}

TEST(FdOutput, ADescriptorThatIsClosedIsBroken) {
  FdOutput output(-1);
  EXPECT_FALSE(output.is_terminal());
  EXPECT_FALSE(output.write("x"));
}

TEST(FdOutput, ATerminalThatIsHeldDoesNotHoldTheWriter) {
  const int screen = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(screen, 0);
  ASSERT_EQ(::grantpt(screen), 0);
  ASSERT_EQ(::unlockpt(screen), 0);
  std::array<char, 64> name{};
  ASSERT_EQ(::ptsname_r(screen, name.data(), name.size()), 0);
  Ends ends(screen, ::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  FdOutput output(ends.out());
  EXPECT_TRUE(output.is_terminal());
  EXPECT_TRUE(output.write("before"));
  EXPECT_EQ(ends.read_some(), "before");

  ASSERT_EQ(::tcflow(ends.out(), TCOOFF), 0) << "what ctrl-S does";
  output.limit_patience(100 * kMillisecond);
  EXPECT_FALSE(output.write("held"));
  ASSERT_EQ(::tcflow(ends.out(), TCOON), 0);
  EXPECT_TRUE(output.write("after"));
  EXPECT_EQ(ends.read_some(), "after");
}

}  // namespace
}  // namespace fusegate::telemetry
