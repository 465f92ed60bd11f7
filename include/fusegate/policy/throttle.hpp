#pragma once

#include <fusegate/base/rng.hpp>
#include <fusegate/base/time.hpp>
#include <fusegate/policy/rolling_window.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace fusegate::policy {

/// Adaptive throttling (Google, Site Reliability Engineering, chapter 21): of the calls that would
/// be made, refuse the share
///
///     P = max(0, (requests - K * accepts) / (requests + 1)),   K = 2
///
/// so that about K times what the upstream accepts is sent to it, and the rest costs it nothing.
/// Requests refused here count as requests.
///
/// Three things differ from the book, which counts over two minutes:
/// - The window is as short as it can be: the newest tenths of `window` that hold `kEnough`
///   requests. An outage is noticed when half of a window has failed, and after it the share let
///   through grows e-fold in half a window; with two minutes that is one minute of useless calls
///   and nine minutes of recovery at 100 calls a second. With less than `min_requests` in all of
///   `window` nothing is refused: after one failure of a quiet upstream the book refuses every
///   second call.
/// - A call is counted when it is made, not when it ends: an upstream that hangs must not look
///   idle. But a crowd that starts at once is no outage, so a call that is out counts only when it
///   has been out longer than the slowest that was accepted lately.
/// - One call in `kProbeEvery` passes however the dice fall, so that recovery is seen.
///
/// Not thread-safe. `now` may repeat; an earlier one is harmless. O(1), no allocation.
class Throttle {
 public:
  /// Enough requests to judge by. Chosen: the refused share is then right to about 0.1.
  static constexpr std::uint64_t kEnough = 50;
  static constexpr Duration kProbeEvery = std::chrono::seconds{1};
  static constexpr double kMultiplier = 2.0;

  Throttle(Duration window, std::uint32_t min_requests);

  /// May one more call be made at `now`? Each call that may is ended by one of the next three.
  bool admit(Rng& rng, Instant now);
  /// `latency` is the time since it was admitted.
  void accepted(Duration latency, Instant now);
  void failed(Duration latency, Instant now);
  /// Given up before its result was known. It counts only if it was overdue.
  void cancelled(Duration latency, Instant now);
  /// One that was accepted failed after all.
  void take_back(Instant now);
  void clear();

  /// The share of calls refused at `now`, below 1.
  double refused_share(Instant now) const;

  /// What outlives the process. Calls that are out are left out, for nobody will tell their end,
  /// and so is how slow the slowest was, which the first one that is accepted tells again.
  struct Snapshot {
    RollingWindow::Snapshot window;  ///< total = requests, failed = those that were accepted.
    Instant last_admitted{};         ///< The epoch = none.
    bool operator==(const Snapshot&) const = default;
  };
  Snapshot snapshot(Instant now);
  /// Goes on where `snapshot` stood; its slots may shift by half of one, because those of a
  /// throttle are counted from the beginning of the time line. False, and nothing changed, when it
  /// is not that of a throttle with this window, or impossible.
  bool restore(const Snapshot& snapshot, Instant now);

 private:
  static constexpr std::int64_t kSlots = 10;
  struct Slot {
    std::uint64_t requests = 0;  ///< Ended or refused in this slot.
    std::uint64_t accepts = 0;   ///< Ended well in this slot.
    std::uint32_t out = 0;       ///< Admitted in this slot and not ended.
  };

  std::int64_t number_of(Instant at) const { return at.time_since_epoch() / slot_length_; }
  bool holds(std::int64_t number) const { return number > newest_ - kSlots && number <= newest_; }
  static std::size_t index_of(std::int64_t number);
  Slot& advance(Instant now);
  void came_back(Duration latency, Instant now);
  Duration patience() const;

  Duration slot_length_;
  std::uint64_t min_requests_;
  std::int64_t newest_ = 0;  ///< Number of the newest slot, from the beginning of time.
  std::array<Slot, kSlots> slots_{};
  Instant last_admitted_{};
  /// The slowest accepted calls of this window and the one before; zero = none.
  Duration slowest_{};
  Duration slowest_before_{};
  Instant slowest_until_{};  ///< When this window ends.
};

}  // namespace fusegate::policy
