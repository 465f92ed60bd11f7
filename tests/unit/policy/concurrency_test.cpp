#include <fusegate/policy/concurrency.hpp>

#include <gtest/gtest.h>

#include <array>

namespace fusegate::policy {
namespace {

/// Time stands still: nobody waits long, so the queue keeps its order.
constexpr Instant kNow{};

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
  EXPECT_EQ(limiter.acquire(w[0], kNow), Grant::Slot);
  EXPECT_EQ(limiter.acquire(w[1], kNow), Grant::Slot);
  EXPECT_EQ(limiter.acquire(w[2], kNow), Grant::Queued);
  EXPECT_EQ(limiter.acquire(w[3], kNow), Grant::QueueFull);
  EXPECT_EQ(limiter.in_flight(), 2U);
  EXPECT_EQ(limiter.waiting(), 1U);
  EXPECT_EQ(limiter.limit(), 2U);
}

TEST(Limiter, HandsSlotsOverInOrderOfArrival) {
  Limiter limiter(settings(1, 3));
  Waiters w;
  ASSERT_EQ(limiter.acquire(w[0], kNow), Grant::Slot);
  for (std::size_t i = 1; i <= 3; ++i) {
    ASSERT_EQ(limiter.acquire(w[i], kNow), Grant::Queued);
  }
  for (std::size_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(limiter.release(kNow), w[i]);
    EXPECT_EQ(limiter.in_flight(), 1U);
  }
  EXPECT_EQ(limiter.release(kNow), nullptr);
  EXPECT_EQ(limiter.in_flight(), 0U);
}

TEST(Limiter, NobodyOvertakesTheQueue) {
  Limiter limiter(settings(1, 2));
  Waiters w;
  ASSERT_EQ(limiter.acquire(w[0], kNow), Grant::Slot);
  ASSERT_EQ(limiter.acquire(w[1], kNow), Grant::Queued);
  ASSERT_EQ(limiter.release(kNow), w[1]);
  EXPECT_EQ(limiter.acquire(w[2], kNow), Grant::Queued)
      << "the slot belongs to the waiter that was woken";
}

TEST(Limiter, AbandonedWaitersAreSkippedAndTheirPlacesFreeAtOnce) {
  for (std::size_t gone = 1; gone <= 4; ++gone) {
    SCOPED_TRACE(gone);
    Limiter limiter(settings(1, 4));
    Waiters w;
    ASSERT_EQ(limiter.acquire(w[0], kNow), Grant::Slot);
    for (std::size_t i = 1; i <= 4; ++i) {
      ASSERT_EQ(limiter.acquire(w[i], kNow), Grant::Queued);
    }
    EXPECT_TRUE(limiter.abandon(w[gone]));
    EXPECT_FALSE(limiter.abandon(w[gone]));
    EXPECT_EQ(limiter.waiting(), 3U);
    EXPECT_EQ(limiter.acquire(w[5], kNow), Grant::Queued);
    EXPECT_EQ(limiter.acquire(w[6], kNow), Grant::QueueFull);
    for (std::size_t i = 1; i <= 5; ++i) {
      if (i != gone) {
        EXPECT_EQ(limiter.release(kNow), w[i]);
      }
    }
    EXPECT_EQ(limiter.release(kNow), nullptr);
  }
}

TEST(Limiter, WhoHoldsASlotCannotAbandonTheQueue) {
  Limiter limiter(settings(1, 1));
  Waiters w;
  ASSERT_EQ(limiter.acquire(w[0], kNow), Grant::Slot);
  ASSERT_EQ(limiter.acquire(w[1], kNow), Grant::Queued);
  ASSERT_EQ(limiter.release(kNow), w[1]);
  EXPECT_FALSE(limiter.abandon(w[1]));
  EXPECT_EQ(limiter.in_flight(), 1U);
}

TEST(Limiter, WithoutAQueueTheRestIsRefused) {
  Limiter limiter(settings(1, 0));
  Waiters w;
  ASSERT_EQ(limiter.acquire(w[0], kNow), Grant::Slot);
  EXPECT_EQ(limiter.acquire(w[1], kNow), Grant::QueueFull);
  EXPECT_FALSE(limiter.abandon(w[1]));
  EXPECT_EQ(limiter.release(kNow), nullptr);
  EXPECT_EQ(limiter.acquire(w[1], kNow), Grant::Slot);
}

TEST(Limiter, ASlotGivenBackTwiceDoesNotMakeRoom) {
  Limiter limiter(settings(1, 0));
  Waiters w;
  EXPECT_EQ(limiter.release(kNow), nullptr);
  EXPECT_EQ(limiter.acquire(w[0], kNow), Grant::Slot);
  EXPECT_EQ(limiter.acquire(w[1], kNow), Grant::QueueFull);
}

TEST(Limiter, ServesTheNewestFirstWhenNobodyInOrderWouldBeServedInTime) {
  Limiter limiter(settings(1, 8));  // The wait is 50 ms.
  Waiters w;
  using std::chrono::milliseconds;
  const auto at = [](int ms) { return Instant{std::chrono::seconds{1}} + milliseconds{ms}; };
  ASSERT_EQ(limiter.acquire(w[0], at(0)), Grant::Slot);
  for (std::size_t i = 1; i <= 3; ++i) {
    ASSERT_EQ(limiter.acquire(w[i], at(static_cast<int>(i))), Grant::Queued);
  }
  EXPECT_EQ(limiter.release(at(50)), w[1]) << "still in order";
  ASSERT_EQ(limiter.acquire(w[4], at(51)), Grant::Queued);
  EXPECT_EQ(limiter.release(at(52)), w[4]) << "somebody has waited for 51 ms";
  EXPECT_EQ(limiter.release(at(53)), w[3]);
  EXPECT_TRUE(limiter.abandon(w[2]));
  ASSERT_EQ(limiter.acquire(w[5], at(54)), Grant::Queued);
  ASSERT_EQ(limiter.acquire(w[6], at(55)), Grant::Queued);
  EXPECT_EQ(limiter.release(at(56)), w[5]) << "the queue was empty: order of arrival again";
}

}  // namespace
}  // namespace fusegate::policy
