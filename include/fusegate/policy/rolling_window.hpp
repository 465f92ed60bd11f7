#pragma once

#include <fusegate/base/time.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace fusegate::policy {

/// Counts of three kinds over a trailing window of ten slots. O(1) per call, no allocation, and no
/// division while the slot stays the same. Time that does not advance, or jumps far ahead, is
/// harmless: a late count goes into the newest slot.
///
/// A slot leaves as a whole, so the window covers between nine tenths and all of its length.
/// The meaning of the three counts is the owner's: the breaker uses total/failed/slow, the budget
/// requests/charges.
class RollingWindow {
 public:
  struct Counts {
    std::uint64_t total = 0;
    std::uint64_t failed = 0;
    std::uint64_t slow = 0;
    bool operator==(const Counts&) const = default;
  };
  static constexpr std::size_t kSlots = 10;
  /// More than any process counts in a window; ten slots of it fit a sum without overflow.
  static constexpr std::uint64_t kCountMax = std::uint64_t{1} << 48;

  /// `length` is the whole window; a length under ten nanoseconds counts as ten.
  explicit RollingWindow(Duration length);

  void add(Counts counts, Instant now);
  /// The sums of the slots that are still inside the window at `now`.
  Counts sum(Instant now);
  /// Takes back one `failed` that was added at `at`. False, and nothing changed, when that slot has
  /// left the window or holds none.
  bool take_failed(Instant at, Instant now);
  /// Takes back one `failed` of the oldest slot that holds one. False when there is none.
  bool take_oldest_failed(Instant now);
  void clear();

  /// Everything the window holds, to be kept outside the process.
  struct Snapshot {
    Duration slot_length{};
    Instant newest_end{};                ///< Where the newest slot ends.
    std::array<Counts, kSlots> slots{};  ///< The newest first.
    bool operator==(const Snapshot&) const = default;
  };
  Snapshot snapshot(Instant now);
  /// Becomes what `snapshot` describes; what has left the window at `now` is gone. False, and
  /// nothing changed, when it is not that of a window of this length, or impossible.
  bool restore(const Snapshot& snapshot, Instant now);

 private:
  void advance(Instant now);
  bool take_failed_of(std::size_t age);

  Duration slot_length_;
  Instant newest_end_;      ///< Where the newest slot ends; calls before it need no advance.
  std::size_t newest_ = 0;  ///< Index of the newest slot; the one after it is the oldest.
  std::array<Counts, kSlots> slots_{};
  Counts sum_{};
};

}  // namespace fusegate::policy
