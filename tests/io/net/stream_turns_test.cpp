#include "io/net/stream_testing.hpp"
#include "net/stream.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
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
  ahead->arm_read();
  behind->arm_read();
  const std::string plenty(100, 'x');
  ASSERT_EQ(::write(first, plenty.data(), plenty.size()), 100);
  ASSERT_EQ(::write(second, plenty.data(), plenty.size()), 100);
  turn();  // Both are told of what is new, and the first has its second turn.
  told.clear();
  for (int count = 0; count < 20; ++count) {
    ASSERT_EQ(::write(first, "x", 1), 1);
    turn();
  }
  EXPECT_EQ(std::ranges::count(told, ahead.get()), 10);
  EXPECT_EQ(std::ranges::count(told, behind.get()), 10);
}

TEST_F(StreamTest, WhoMovesMuchIsToldBehindThoseWhoMoveLittle) {
  int much = -1;
  int little = -1;
  const StreamPtr bulk = pair(much);
  const StreamPtr small = pair(little);
  std::vector<const Stream*> told;
  std::string place(100'000, 0);
  when_readable_ = [&](Stream& stream) {
    told.push_back(&stream);
    while (stream.read(place.data(), place.size()).done()) {
    }
    stream.arm_read();
  };
  bulk->arm_read();
  small->arm_read();
  for (int count = 0; count < 3; ++count) {
    told.clear();
    ASSERT_EQ(::write(much, place.data(), place.size()), 100'000);
    ASSERT_EQ(::write(little, "x", 1), 1);
    turn();
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told.back(), count == 0 ? small.get() : bulk.get())
        << "nothing is known of the first";
  }
}

}  // namespace
}  // namespace fusegate::net
