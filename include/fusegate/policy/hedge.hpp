#pragma once

#include <fusegate/base/ratio.hpp>
#include <fusegate/policy/rolling_window.hpp>

namespace fusegate::policy {

/// The share of an upstream's requests that may be hedged, over ten seconds; no floor, so that a
/// quiet upstream is not hedged at all until a share of its requests is one. The retry budget is
/// charged besides.
class HedgeShare {
 public:
  void on_request(Instant now) { window_.add({.total = 1}, now); }
  /// Is there room for one more? `most` is the asking route's `hedge.max_percent`.
  bool has_room(Ratio most, Instant now) {
    const RollingWindow::Counts seen = window_.sum(now);
    return seen.failed + 1 <= most.of(seen.total);
  }
  void on_hedge(Instant now) { window_.add({.failed = 1}, now); }

 private:
  RollingWindow window_{std::chrono::seconds{10}};  ///< total = requests, failed = hedges.
};

}  // namespace fusegate::policy
