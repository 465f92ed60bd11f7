#include "net/outbox.hpp"

#include "io/net/stream_testing.hpp"
#include "net/stream.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace fusegate::net {
namespace {

/// Two connections with something to read, so that a turn has two events, that of the first first.
class OutboxTest : public testing::StreamTest {
 protected:
  OutboxTest() {
    for (const StreamPtr& stream : {first_, second_}) {
      stream->message_ended();  // Else it would be served behind the events of the turn.
      stream->arm_read();
    }
    EXPECT_EQ(::write(first_peer_, "a", 1), 1);
    EXPECT_EQ(::write(second_peer_, "b", 1), 1);
  }

  static std::string got_by(int peer, int flags = MSG_DONTWAIT) {
    std::string all;
    std::array<char, 65536> some;
    for (ssize_t size = 1; size > 0;) {
      size = ::recv(peer, some.data(), some.size(), flags);
      all.append(some.data(), static_cast<std::size_t>(std::max<ssize_t>(0, size)));
    }
    return all;
  }

  int first_peer_ = -1, second_peer_ = -1;
  StreamPtr first_ = pair(first_peer_), second_ = pair(second_peer_);
};

TEST_F(OutboxTest, WhatIsWrittenInATurnIsSentBehindIt) {
  int turns = 0;
  when_readable_ = [&](Stream& stream) {
    if (++turns == 1) {
      EXPECT_TRUE(stream.write("one", 3).done());
      EXPECT_EQ(got_by(first_peer_), "");
    } else {
      EXPECT_TRUE(stream.write("two", 3).done());
    }
  };
  turn();
  EXPECT_EQ(turns, 2);
  EXPECT_EQ(got_by(first_peer_), "one");
  EXPECT_EQ(got_by(second_peer_), "two");
}

TEST_F(OutboxTest, OneConnectionsMessagesKeepTheirOrder) {
  const std::string large(100'000, 'x');
  when_readable_ = [&](Stream& stream) {
    EXPECT_TRUE(stream.write("1", 1).done());
    EXPECT_TRUE(stream.write("2", 1).done());
    const iovec part{const_cast<char*>(large.data()), 10'000};
    EXPECT_TRUE(stream.write({&part, 1}).done());
    EXPECT_TRUE(stream.write("3", 1).done());
  };
  turn();
  EXPECT_EQ(got_by(first_peer_), "12" + large.substr(0, 10'000) + "3");
  EXPECT_EQ(got_by(second_peer_), "12" + large.substr(0, 10'000) + "3");
}

TEST_F(OutboxTest, MoreThanItHoldsIsSentAllTheSame) {
  const std::string text(4000, 'x');
  std::vector<int> peers;
  std::vector<StreamPtr> others;
  for (int i = 0; i < 200; ++i) {
    peers.push_back(-1);
    others.push_back(pair(peers.back()));
  }
  // First more messages than it has places for, then more bytes.
  std::vector<std::size_t> sizes{1, text.size()};
  when_readable_ = [&](Stream&) {
    ASSERT_FALSE(sizes.empty());
    for (const StreamPtr& other : others) {
      EXPECT_TRUE(other->write(text.data(), sizes.front()).done());
    }
    sizes.erase(sizes.begin());
  };
  turn();
  EXPECT_TRUE(sizes.empty());
  for (const int peer : peers) {
    EXPECT_EQ(got_by(peer), text + "x");
  }
}

TEST_F(OutboxTest, ACloseTakesNothingBack) {
  when_readable_ = [&](Stream& stream) {
    EXPECT_TRUE(stream.write("last words", 10).done());
    stream.close();
  };
  turn();
  EXPECT_EQ(got_by(first_peer_), "last words");
}

TEST_F(OutboxTest, WhatAFullSocketDoesNotTakeFollowsWhenThereIsRoom) {
  std::string all;
  when_readable_ = [&](Stream& stream) {
    if (&stream != first_.get()) {
      return;
    }
    const std::string much(1000, 'm');
    while (::send(stream.fd(), much.data(), much.size(), MSG_NOSIGNAL) > 0) {
      all += much;
    }
    EXPECT_TRUE(stream.write("rest", 4).done());
    all += "rest";
  };
  turn();
  ASSERT_TRUE(first_->has_rest());
  EXPECT_TRUE(first_->write("more", 4).would_block());
  EXPECT_TRUE(first_->shutdown_write().would_block());
  first_->arm_write();
  const std::string begin = got_by(first_peer_);
  turn();
  EXPECT_EQ(writable_, 1);
  EXPECT_FALSE(first_->has_rest());
  EXPECT_TRUE(first_->shutdown_write().done());
  EXPECT_EQ(begin + got_by(first_peer_), all);
}

TEST_F(OutboxTest, WhoAsksWhatWasRefusedGetsTheWholeTruth) {
  bool asked = false;
  when_readable_ = [&](Stream& stream) {
    if (!std::exchange(asked, true)) {
      ::shutdown(first_peer_, SHUT_RDWR);
      EXPECT_TRUE(stream.write("request", 7).done());
      EXPECT_EQ(stream.refused(), 7U);
    }
  };
  turn();
  EXPECT_TRUE(asked);
}

TEST_F(OutboxTest, WhatABrokenConnectionRefusedIsToldAndWakesTheReader) {
  int told = 0;
  when_readable_ = [&](Stream& stream) {
    if (&stream == first_.get() && ++told == 1) {
      ::shutdown(first_peer_, SHUT_RDWR);
      EXPECT_TRUE(stream.write("request", 7).done());
      stream.arm_read();
    }
  };
  turn();
  EXPECT_EQ(first_->refused(), 7U);
  turn();
  EXPECT_EQ(told, 2);
}

}  // namespace
}  // namespace fusegate::net
