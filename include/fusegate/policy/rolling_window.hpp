#pragma once

#include <fusegate/base/time.hpp>

#include <array>
#include <cstdint>

namespace fusegate::policy {

/// Counts of three kinds over a trailing window of ten slots. O(1) per call (amortised), no
/// allocation. Time that does not advance, or jumps far ahead, is harmless.
///
/// The meaning of the three counts is the owner's: the breaker uses total/failed/slow, the budget
/// requests/charges.
class RollingWindow {
 public:
  struct Counts {
    std::uint64_t total = 0;
    std::uint64_t failed = 0;
    std::uint64_t slow = 0;
  };

  explicit RollingWindow(Duration length);

  void add(Counts counts, Instant now);
  /// The sums of the slots that are still inside the window at `now`.
  Counts sum(Instant now);
  void clear();

 private:
  static constexpr std::size_t kSlots = 10;
  void advance(Instant now);

  Duration slot_length_;
  std::int64_t newest_ = -1;  ///< Number of the newest slot since the start of the time line.
  std::array<Counts, kSlots> slots_{};
  Counts sum_{};
};

}  // namespace fusegate::policy
