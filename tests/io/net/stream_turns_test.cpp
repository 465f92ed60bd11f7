#include "io/net/stream_testing.hpp"
#include "net/stream.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

/// Whose turn it is: docs/adr/0013-turns.md.
namespace fusegate::net {
namespace {

using testing::StreamTest;

TEST_F(StreamTest, WhoWaitsForItsTurnIsNotPreferredBecauseMoreHasCome) {
  int first = -1;
  int second = -1;
  const StreamPtr ahead = pair(first);
  const StreamPtr behind = pair(second);
  std::vector<const Stream*> told;
  when_readable_ = [&](Stream& stream) {
    told.push_back(&stream);
    char byte = 0;
    EXPECT_TRUE(stream.read(&byte, 1).done()) << "there is always more";
    stream.arm_read();
  };
  ahead->message_ended();
  behind->message_ended();
  ahead->arm_read();
  behind->arm_read();
  const std::string plenty(100, 'x');
  ASSERT_EQ(::write(first, plenty.data(), plenty.size()), 100);
  ASSERT_EQ(::write(second, plenty.data(), plenty.size()), 100);
  turn();  // Both are told of what is new, and the first has its second turn.
  told.clear();
  for (int count = 0; count < 10; ++count) {
    ASSERT_EQ(::write(first, "x", 1), 1);
    turn();
  }
  EXPECT_EQ(std::ranges::count(told, ahead.get()), 5);
  EXPECT_EQ(std::ranges::count(told, behind.get()), 5);
}

TEST_F(StreamTest, WhoMovesMuchIsToldBehindThoseWhoMoveLittle) {
  int much = -1;
  int little = -1;
  const StreamPtr bulk = pair(much);
  const StreamPtr small = pair(little);
  bulk->message_ended();
  std::vector<const Stream*> told;
  std::string place(130'000, 0);
  when_readable_ = [&](Stream& stream) {
    told.push_back(&stream);
    while (stream.read(place.data(), place.size()).done()) {
    }
    stream.arm_read();
  };
  bulk->arm_read();
  small->arm_read();
  for (int count = 0; count < 4; ++count) {
    told.clear();
    small->message_ended();
    if (count == 3) {
      bulk->message_ended();
    }
    ASSERT_EQ(::write(much, place.data(), place.size()), 130'000);
    ASSERT_EQ(::write(little, "x", 1), 1);
    turn();
    ASSERT_EQ(told.size(), 2U);
    const bool first_of_message = count == 0 || count == 3;
    EXPECT_EQ(told.back(), first_of_message ? small.get() : bulk.get()) << count;
  }
}

TEST_F(StreamTest, ManySmallPiecesOfOneMessageAreMuchInTheEnd) {
  int drip = -1;
  int little = -1;
  const StreamPtr slow = pair(drip);
  const StreamPtr small = pair(little);
  slow->message_ended();
  std::vector<const Stream*> told;
  when_readable_ = [&](Stream& stream) {
    told.push_back(&stream);
    std::array<char, 16> place{};
    EXPECT_TRUE(stream.read(place.data(), place.size()).done());
    stream.arm_read();
  };
  slow->arm_read();
  small->arm_read();
  for (int count = 0; count < 20; ++count) {
    told.clear();
    small->message_ended();
    ASSERT_EQ(::write(drip, "x", 1), 1);
    ASSERT_EQ(::write(little, "x", 1), 1);
    turn();
    ASSERT_EQ(told.size(), 2U);
  }
  EXPECT_EQ(told.back(), slow.get());
}

TEST_F(StreamTest, WhoIsNewIsToldBehindThoseWhoHaveShownThatTheyAreQuick) {
  constexpr std::size_t kNew = 20;
  std::vector<int> peers(kNew + 1);
  std::vector<StreamPtr> streams;
  for (int& peer : peers) {
    streams.push_back(pair(peer));
    streams.back()->arm_read();
  }
  const StreamPtr& known = streams.back();
  known->message_ended();
  std::vector<const Stream*> told;
  when_readable_ = [&](Stream& stream) { told.push_back(&stream); };
  for (const int peer : peers) {
    ASSERT_EQ(::write(peer, "x", 1), 1);
  }
  turn();
  EXPECT_EQ(told, (std::vector<const Stream*>{known.get(), streams[0].get()}))
      << "what comes next would wait for all the others";
  while (told.size() <= kNew) {
    const std::size_t before = told.size();
    turn();
    ASSERT_GT(told.size(), before);
  }
  EXPECT_EQ(told.back(), streams[kNew - 1].get()) << "in the order in which they came";
}

}  // namespace
}  // namespace fusegate::net
