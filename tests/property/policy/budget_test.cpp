// The window, the budget and the limiter against models that are slow, simple and obviously right.
#include <fusegate/base/rng.hpp>
#include <fusegate/policy/budget.hpp>
#include <fusegate/policy/rolling_window.hpp>

#include "property/policy/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

/// Remembers everything; what counts is in the newest ten slots.
class Ledger {
 public:
  explicit Ledger(Duration window) : slot_(window / 10) {}

  void add(std::int64_t count, Instant at) { entries_.push_back({slot(at), count}); }
  bool take(Instant at, Instant now) {
    const auto found = std::ranges::find_if(entries_, [&](const Entry& each) {
      return each.slot == slot(at) && each.slot > slot(now) - 10 && each.count > 0;
    });
    if (found == entries_.end()) {
      return false;
    }
    --found->count;
    return true;
  }
  std::uint64_t sum(Instant now) const {
    std::int64_t total = 0;
    for (const Entry& each : entries_) {
      total += each.slot > slot(now) - 10 ? each.count : 0;
    }
    return static_cast<std::uint64_t>(total);
  }

 private:
  struct Entry {
    std::int64_t slot;
    std::int64_t count;
  };
  std::int64_t slot(Instant at) const { return at.time_since_epoch() / slot_; }

  Duration slot_;
  std::vector<Entry> entries_;
};

Duration pause(Rng& dice, Duration window) {
  switch (dice.below(10)) {
    case 0:
      return dice.between(0ns, window * 3);
    case 1:
    case 2:
      return dice.between(0ns, window / 5);
    case 3:
      return window / 10;
    default:
      return dice.between(0ns, window / 100);
  }
}

TEST(RollingWindowProperty, AgreesWithALedger) {
  for_each_seed(200, [](std::uint64_t seed) {
    Rng dice(seed);
    const Duration length = dice.between(1us, 60s) / 10 * 10;
    RollingWindow window(length);
    Ledger totals(length);
    Ledger failures(length);
    Instant now{};
    for (int i = 0; i < 300 && !::testing::Test::HasFailure(); ++i) {
      now += pause(dice, length);
      const auto total = dice.below(5);
      const auto failed = dice.below(3);
      window.add({.total = total, .failed = failed, .slow = 0}, now);
      totals.add(static_cast<std::int64_t>(total), now);
      failures.add(static_cast<std::int64_t>(failed), now);
      const Instant past = now - std::min(now - Instant{}, dice.between(0ns, length * 2));
      EXPECT_EQ(window.take_failed(past, now), failures.take(past, now));
      EXPECT_EQ(window.sum(now).total, totals.sum(now));
      EXPECT_EQ(window.sum(now).failed, failures.sum(now));
    }
  });
}

/// Charges and refunds in any order: never above the capacity, never short of it, never negative.
TEST(BudgetProperty, AgreesWithALedgerAndNeverExceedsItsCapacity) {
  for_each_seed(300, [](std::uint64_t seed) {
    Rng dice(seed);
    const double percents[] = {20, 30, 60, 75, 100, 0};
    const double percent = percents[dice.below(6)];
    const auto floor = static_cast<std::uint32_t>(dice.below(12));
    const Duration length = dice.between(1ms, 60s) / 10 * 10;
    Budget budget({.percent = Ratio::percent(percent), .window = length, .min_retries = floor});
    Ledger requests(length);
    Ledger charges(length);
    std::vector<Instant> paid;
    Instant now{};
    for (int i = 0; i < 400 && !::testing::Test::HasFailure(); ++i) {
      now += pause(dice, length);
      const auto arriving = dice.below(6);
      for (std::uint64_t request = 0; request < arriving; ++request) {
        budget.on_request(now);
        requests.add(1, now);
      }
      const std::uint64_t capacity =
          requests.sum(now) * static_cast<std::uint64_t>(percent) / 100 + floor;
      EXPECT_EQ(budget.capacity(now), capacity);
      const bool may = charges.sum(now) < capacity;
      EXPECT_EQ(budget.try_charge(now), may);
      if (may) {
        charges.add(1, now);
        paid.push_back(now);
      }
      if (!paid.empty() && dice.below(3) == 0) {
        const auto chosen = paid.begin() + static_cast<std::ptrdiff_t>(dice.below(paid.size()));
        budget.refund(*chosen, now);
        charges.take(*chosen, now);
        paid.erase(chosen);
      }
      const std::uint64_t charged = charges.sum(now);
      EXPECT_EQ(budget.available(now), capacity > charged ? capacity - charged : 0);
    }
  });
}

/// Everything fails and everybody retries as much as allowed: the load factor tends to 1 + ratio.
TEST(BudgetProperty, UnderTotalFailureTheAddedLoadIsTheShare) {
  for (const double percent : {20.0, 30.0, 60.0}) {
    SCOPED_TRACE(percent);
    Budget budget({.percent = Ratio::percent(percent), .window = 10s, .min_retries = 10});
    std::uint64_t requests = 0;
    std::uint64_t retries = 0;
    for (Instant now{}; now < Instant{} + 10min; now += 2ms) {
      ++requests;
      budget.on_request(now);
      retries += budget.try_charge(now) ? 1 : 0;
      retries += budget.try_charge(now) ? 1 : 0;
    }
    const double factor = static_cast<double>(retries) / static_cast<double>(requests);
    // The floor of one window each, and one window of the share for charges that leave first.
    EXPECT_LE(factor, percent / 100 + 0.02);
    EXPECT_GE(factor, percent / 100 - 0.03);
  }
}

}  // namespace
}  // namespace fusegate::policy
