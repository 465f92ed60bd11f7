#pragma once

#include <fusegate/base/ratio.hpp>
#include <fusegate/base/time.hpp>
#include <fusegate/policy/rolling_window.hpp>

#include <cstdint>

namespace fusegate::policy {

/// Source: ratio and window from Finagle's and Linkerd's retry budgets; the floor is per window and
/// ours, because sidecars are many and small.
struct BudgetSettings {
  Ratio percent = Ratio::percent(20);
  Duration window = std::chrono::seconds{10};
  std::uint32_t min_retries = 10;  ///< Retries per window that are always allowed.
  bool operator==(const BudgetSettings&) const = default;
};

/// One allowance for the retries and hedges of an upstream: at most
/// `percent * requests in the window + min_retries`, charged when an attempt is *scheduled*, so
/// that attempts still waiting in backoff count. Exact integers; never negative; O(1).
class Budget {
 public:
  explicit Budget(const BudgetSettings& settings);

  /// A client request arrived (once per request, not per attempt).
  void on_request(Instant now);
  /// Pays for one extra attempt, or says no and changes nothing.
  [[nodiscard]] bool try_charge(Instant now);
  /// Notes an extra attempt that is made without asking. It takes the room of a later charge, so
  /// that all extra attempts together stay within the allowance while there are charges to deny.
  void note(Instant now);
  /// Gives back the charge made at `charged_at`: the scheduled attempt never happened (local
  /// refusal, client gone). A charge that has left the window meanwhile is not there any more, so
  /// its refund is lost; it must not pay for somebody else's retry.
  void refund(Instant charged_at, Instant now);
  /// The same when the time of the charge is not known: takes the oldest charge in the window.
  void refund(Instant now);

  /// Charges the window allows in all, and how many of them are left; never negative.
  std::uint64_t capacity(Instant now);
  std::uint64_t available(Instant now);

  /// For a restart; as of RollingWindow.
  RollingWindow::Snapshot snapshot(Instant now) { return window_.snapshot(now); }
  bool restore(const RollingWindow::Snapshot& snapshot, Instant now) {
    return window_.restore(snapshot, now);
  }

 private:
  BudgetSettings settings_;
  RollingWindow window_;  ///< total = requests, failed = charges not given back.
};

}  // namespace fusegate::policy
