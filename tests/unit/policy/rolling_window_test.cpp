#include <fusegate/policy/rolling_window.hpp>

#include <gtest/gtest.h>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

constexpr Instant at(Duration since_start) { return Instant{} + since_start; }

TEST(RollingWindow, SumsWhatIsInside) {
  RollingWindow window(10s);
  window.add({.total = 2, .failed = 1, .slow = 0}, at(0s));
  window.add({.total = 3, .failed = 0, .slow = 2}, at(9'999ms));
  const auto sum = window.sum(at(9'999ms));
  EXPECT_EQ(sum.total, 5U);
  EXPECT_EQ(sum.failed, 1U);
  EXPECT_EQ(sum.slow, 2U);
}

TEST(RollingWindow, ASlotLeavesAsAWholeAfterTheWindow) {
  RollingWindow window(10s);
  window.add({.total = 1}, at(500ms));
  window.add({.total = 4}, at(1'500ms));
  EXPECT_EQ(window.sum(at(9'999ms)).total, 5U);
  EXPECT_EQ(window.sum(at(10s)).total, 4U);
  EXPECT_EQ(window.sum(at(11s)).total, 0U);
}

TEST(RollingWindow, ForgetsEverythingAfterALongPause) {
  RollingWindow window(10s);
  window.add({.total = 7, .failed = 7, .slow = 7}, at(3s));
  EXPECT_EQ(window.sum(at(24h * 365 * 100)).total, 0U);
  window.add({.total = 1}, at(24h * 365 * 100));
  EXPECT_EQ(window.sum(at(24h * 365 * 100)).total, 1U);
}

TEST(RollingWindow, TimeThatGoesBackwardsIsHarmless) {
  RollingWindow window(10s);
  window.add({.total = 1}, at(20s));
  window.add({.total = 1}, at(5s));
  EXPECT_EQ(window.sum(at(5s)).total, 2U);
  EXPECT_EQ(window.sum(at(29s)).total, 2U);
  EXPECT_EQ(window.sum(at(30s)).total, 0U);
}

TEST(RollingWindow, TheEndOfTimeIsHarmless) {
  RollingWindow window(10s);
  window.add({.total = 1}, kNever);
  EXPECT_LE(window.sum(kNever).total, 1U);
}

TEST(RollingWindow, ClearForgetsAtOnce) {
  RollingWindow window(10s);
  window.add({.total = 7, .failed = 3, .slow = 1}, at(3s));
  window.clear();
  EXPECT_EQ(window.sum(at(3s)).total, 0U);
  EXPECT_EQ(window.sum(at(3s)).failed, 0U);
}

TEST(RollingWindow, ATinyLengthIsTenNanoseconds) {
  RollingWindow window(0ns);
  window.add({.total = 1}, at(0ns));
  EXPECT_EQ(window.sum(at(9ns)).total, 1U);
  EXPECT_EQ(window.sum(at(10ns)).total, 0U);
}

TEST(RollingWindow, TakesBackFromTheSlotItWasAddedTo) {
  RollingWindow window(10s);
  window.add({.failed = 1}, at(500ms));
  window.add({.failed = 1}, at(5s));
  EXPECT_TRUE(window.take_failed(at(500ms), at(6s)));
  EXPECT_FALSE(window.take_failed(at(500ms), at(6s))) << "there was only one in that slot";
  EXPECT_EQ(window.sum(at(10s)).failed, 1U) << "the later one is still there";
  EXPECT_FALSE(window.take_failed(at(5s), at(15s))) << "it has left the window";
  EXPECT_EQ(window.sum(at(15s)).failed, 0U);
}

TEST(RollingWindow, TakesBackTheOldestFirst) {
  RollingWindow window(10s);
  window.add({.failed = 1}, at(0s));
  window.add({.failed = 1}, at(5s));
  EXPECT_TRUE(window.take_oldest_failed(at(6s)));
  EXPECT_EQ(window.sum(at(14s)).failed, 1U);
  EXPECT_TRUE(window.take_oldest_failed(at(14s)));
  EXPECT_FALSE(window.take_oldest_failed(at(14s)));
}

}  // namespace
}  // namespace fusegate::policy
