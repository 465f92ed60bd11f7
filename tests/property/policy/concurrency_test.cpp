#include <fusegate/base/rng.hpp>
#include <fusegate/policy/concurrency.hpp>

#include "property/policy/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>
#include <vector>

namespace fusegate::policy {
namespace {

/// Time stands still: nobody waits long, so the queue keeps its order.
constexpr Instant kNow{};

/// The limiter beside a plain list of holders and a plain queue.
class LimiterModel {
 public:
  explicit LimiterModel(Rng& dice)
      : slots_(static_cast<std::uint32_t>(1 + dice.below(4))),
        length_(static_cast<std::uint32_t>(dice.below(6))),
        limiter_(settings()) {}

  void acquire() {
    char* const waiter = &tokens_.emplace_back();
    auto expected = Limiter::Grant::QueueFull;
    if (queue_.empty() && holders_ < slots_) {
      expected = Limiter::Grant::Slot;
      ++holders_;
    } else if (queue_.size() < length_) {
      expected = Limiter::Grant::Queued;
      queue_.push_back(waiter);
    }
    EXPECT_EQ(limiter_.acquire(waiter, kNow), expected);
  }

  void release() {
    if (holders_ == 0) {
      return;
    }
    Limiter::Waiter expected = nullptr;
    if (queue_.empty()) {
      --holders_;
    } else {
      expected = queue_.front();
      queue_.pop_front();
    }
    EXPECT_EQ(limiter_.release(kNow), expected) << "first in, first out";
  }

  void abandon(Rng& dice) {
    if (queue_.empty() || dice.below(8) == 0) {
      char stranger = 0;
      EXPECT_FALSE(limiter_.abandon(&stranger));
      return;
    }
    const auto chosen = queue_.begin() + static_cast<std::ptrdiff_t>(dice.below(queue_.size()));
    EXPECT_TRUE(limiter_.abandon(*chosen));
    queue_.erase(chosen);
  }

  void check() const {
    EXPECT_EQ(limiter_.in_flight(), holders_);
    EXPECT_EQ(limiter_.waiting(), queue_.size());
    EXPECT_LE(limiter_.in_flight(), slots_);
    EXPECT_LE(limiter_.waiting(), length_);
  }

 private:
  ConcurrencySettings settings() const {
    ConcurrencySettings made;
    made.max_in_flight = slots_;
    made.queue.length = length_;
    return made;
  }

  std::uint32_t slots_;
  std::uint32_t length_;
  Limiter limiter_;
  std::uint32_t holders_ = 0;
  std::deque<Limiter::Waiter> queue_;
  std::deque<char> tokens_;  ///< Addresses stay valid while it grows.
};

TEST(LimiterProperty, AgreesWithAPlainQueue) {
  for_each_seed(300, [](std::uint64_t seed) {
    Rng dice(seed);
    LimiterModel model(dice);
    for (int i = 0; i < 500 && !::testing::Test::HasFailure(); ++i) {
      switch (dice.below(5)) {
        case 0:
        case 1:
          model.acquire();
          break;
        case 2:
        case 3:
          model.release();
          break;
        default:
          model.abandon(dice);
          break;
      }
      model.check();
    }
  });
}

}  // namespace
}  // namespace fusegate::policy
