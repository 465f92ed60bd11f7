#include <fusegate/policy/concurrency.hpp>

#include <gtest/gtest.h>

#include <array>

namespace fusegate::policy {
namespace {

using Grant = Limiter::Grant;

ConcurrencySettings settings(std::uint32_t slots, std::uint32_t length) {
  ConcurrencySettings made;
  made.max_in_flight = slots;
  made.queue.length = length;
  return made;
}

struct Waiters {
  std::array<char, 8> tokens{};
  Limiter::Waiter operator[](std::size_t i) { return &tokens[i]; }
};

TEST(Limiter, GivesOutExactlyItsSlotsThenItsQueue) {
  Limiter limiter(settings(2, 1));
  Waiters w;
  EXPECT_EQ(limiter.acquire(w[0]), Grant::Slot);
  EXPECT_EQ(limiter.acquire(w[1]), Grant::Slot);
  EXPECT_EQ(limiter.acquire(w[2]), Grant::Queued);
  EXPECT_EQ(limiter.acquire(w[3]), Grant::QueueFull);
  EXPECT_EQ(limiter.in_flight(), 2U);
  EXPECT_EQ(limiter.waiting(), 1U);
  EXPECT_EQ(limiter.limit(), 2U);
}

TEST(Limiter, HandsSlotsOverInOrderOfArrival) {
  Limiter limiter(settings(1, 3));
  Waiters w;
  ASSERT_EQ(limiter.acquire(w[0]), Grant::Slot);
  for (std::size_t i = 1; i <= 3; ++i) {
    ASSERT_EQ(limiter.acquire(w[i]), Grant::Queued);
  }
  for (std::size_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(limiter.release(), w[i]);
    EXPECT_EQ(limiter.in_flight(), 1U);
  }
  EXPECT_EQ(limiter.release(), nullptr);
  EXPECT_EQ(limiter.in_flight(), 0U);
}

TEST(Limiter, NobodyOvertakesTheQueue) {
  Limiter limiter(settings(1, 2));
  Waiters w;
  ASSERT_EQ(limiter.acquire(w[0]), Grant::Slot);
  ASSERT_EQ(limiter.acquire(w[1]), Grant::Queued);
  ASSERT_EQ(limiter.release(), w[1]);
  EXPECT_EQ(limiter.acquire(w[2]), Grant::Queued)
      << "the slot belongs to the waiter that was woken";
}

TEST(Limiter, AbandonedWaitersAreSkippedAndTheirPlacesFreeAtOnce) {
  for (std::size_t gone = 1; gone <= 4; ++gone) {
    SCOPED_TRACE(gone);
    Limiter limiter(settings(1, 4));
    Waiters w;
    ASSERT_EQ(limiter.acquire(w[0]), Grant::Slot);
    for (std::size_t i = 1; i <= 4; ++i) {
      ASSERT_EQ(limiter.acquire(w[i]), Grant::Queued);
    }
    EXPECT_TRUE(limiter.abandon(w[gone]));
    EXPECT_FALSE(limiter.abandon(w[gone]));
    EXPECT_EQ(limiter.waiting(), 3U);
    EXPECT_EQ(limiter.acquire(w[5]), Grant::Queued);
    EXPECT_EQ(limiter.acquire(w[6]), Grant::QueueFull);
    for (std::size_t i = 1; i <= 5; ++i) {
      if (i != gone) {
        EXPECT_EQ(limiter.release(), w[i]);
      }
    }
    EXPECT_EQ(limiter.release(), nullptr);
  }
}

TEST(Limiter, WhoHoldsASlotCannotAbandonTheQueue) {
  Limiter limiter(settings(1, 1));
  Waiters w;
  ASSERT_EQ(limiter.acquire(w[0]), Grant::Slot);
  ASSERT_EQ(limiter.acquire(w[1]), Grant::Queued);
  ASSERT_EQ(limiter.release(), w[1]);
  EXPECT_FALSE(limiter.abandon(w[1]));
  EXPECT_EQ(limiter.in_flight(), 1U);
}

TEST(Limiter, WithoutAQueueTheRestIsRefused) {
  Limiter limiter(settings(1, 0));
  Waiters w;
  ASSERT_EQ(limiter.acquire(w[0]), Grant::Slot);
  EXPECT_EQ(limiter.acquire(w[1]), Grant::QueueFull);
  EXPECT_FALSE(limiter.abandon(w[1]));
  EXPECT_EQ(limiter.release(), nullptr);
  EXPECT_EQ(limiter.acquire(w[1]), Grant::Slot);
}

TEST(Limiter, ASlotGivenBackTwiceDoesNotMakeRoom) {
  Limiter limiter(settings(1, 0));
  Waiters w;
  EXPECT_EQ(limiter.release(), nullptr);
  EXPECT_EQ(limiter.acquire(w[0]), Grant::Slot);
  EXPECT_EQ(limiter.acquire(w[1]), Grant::QueueFull);
}

}  // namespace
}  // namespace fusegate::policy
