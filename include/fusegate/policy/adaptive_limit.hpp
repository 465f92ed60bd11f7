#pragma once

#include <fusegate/base/time.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace fusegate::policy {

/// How many attempts one endpoint should have in flight, learned from its answers.
///
/// In calm the limit is not felt: it lies at four times the concurrency that was used of late, at
/// least `kCalmLimit`, and doubles at once whenever it is reached. It binds only on signs that work
/// piles up *in front of* the endpoint:
/// - queueing: the fast quarter of the answers has become slower than it was in calm by more than
///   eight mean answer times (and 25 ms; at most a quarter of the time after which callers were
///   seen to give up). A queue delays every request, so its mark is that even the fast ones are
///   late; a mix of fast and slow requests, or a few slow ones, does not show there. When more is
///   out than was ever usual, a quarter of that lateness is enough if what is out will take twice
///   as long at the pace of the answers (Little's law): a queue is seen while it grows, not when it
///   is through.
/// - drops: a third of the attempts or more ended by a timeout or by a caller who left.
/// Then the limit is cut in proportion to the lateness, at most to a tenth, and judged again only
/// by attempts begun after the cut. When the answers are on time and the limit is in use, it grows
/// by an eighth at a time. If even `kFloor` at a time are late, there is no queue of ours left to
/// shorten: the endpoint itself has become slower, and what it does now is the new calm.
/// One that answers nothing at all gets one attempt at a time.
///
/// Differs from Netflix's Gradient2, which compares the mean with a slow average of the mean: that
/// average follows a standing queue, so the limit creeps up for as long as the overload lasts.
/// There is no probing for a minimum latency, so calm traffic sees no dips.
///
/// Not thread-safe. `now` must not go backwards. O(1) a call; no allocation.
class AdaptiveLimit {
 public:
  /// Never above `max`, at least 1.
  AdaptiveLimit(std::uint32_t max, Instant now);

  std::uint32_t limit() const { return limit_; }
  /// Signs of queueing or drops were seen and the limit is in force.
  bool overloaded() const { return overloaded_; }

  /// An attempt was begun and now there are `in_flight`.
  void on_start(std::uint32_t in_flight, Instant now) {
    in_flight_ = in_flight;
    peak_ = in_flight > peak_ ? in_flight : peak_;
    heard_at_ = in_flight == 1 ? now : heard_at_;
  }
  /// A good answer `latency` after its attempt began. Failures that the endpoint answers quickly
  /// say nothing about its capacity and must not be reported.
  void on_answer(Duration latency, Instant now);
  /// An attempt ended without an answer because its time ran out or its caller left.
  void on_drop(Duration age, Instant now);
  /// The limit is in the way of an attempt. In calm it doubles, at most once in `kGrowEvery`, but
  /// not while answers fail to come. True when the limit has grown.
  bool on_full(Instant now);

  static constexpr std::uint32_t kCalmLimit = 64;
  static constexpr std::uint32_t kFloor = 4;
  static constexpr Duration kGrowEvery = std::chrono::milliseconds{10};

 private:
  /// Answers needed for a verdict; fewer are mere anecdotes.
  static constexpr std::uint32_t kMinSamples = 12;
  /// So many must do when the others do not come.
  static constexpr std::uint32_t kFewSamples = 4;
  static constexpr std::size_t kSamples = 32;
  /// Windows until the calm is known well enough to be defended against creeping up.
  static constexpr std::uint32_t kApprentice = 32;

  void judge_if_due(Instant now);
  void judge(Instant now);
  void cut(double factor, std::uint32_t floor, Instant now);
  void relax(Duration low, Duration mean, Instant now);
  void grow(Duration lateness, Instant now);
  bool silent(Instant now) const;
  bool dropping() const;
  bool piling_up() const;
  bool is_queueing(Duration lateness, Duration expected) const;
  Duration expected_wait(Instant now) const;
  void learn(Duration low, Duration mean, Instant now);
  void start_window(Instant now);
  Duration tolerance() const;
  Duration low_quarter();

  std::uint32_t max_;
  std::uint32_t limit_;
  bool overloaded_ = false;
  bool suspected_ = false;  ///< The last window was late or dropping, too.
  /// Latencies in calm: the windows' averages, smoothed, and what is taken for calm, which follows
  /// them down at once and up only slowly.
  struct Calm {
    Duration smooth{};
    Duration value{};
    void set(Duration seen) { smooth = value = seen; }
    void follow(Duration seen, double creep);
  };
  Calm calm_low_;   ///< Of the fast quarter.
  Calm calm_mean_;  ///< Of all.
  Instant window_start_;
  Instant changed_at_;           ///< Of the last cut; attempts begun before it are not judged by.
  Instant grown_at_{};           ///< Of the last doubling.
  Instant heard_at_;             ///< The last answer, or the first start after having had none out.
  Instant in_use_at_{};          ///< When the limit was last in use while overloaded.
  std::uint32_t in_flight_ = 0;  ///< After the last start.
  std::uint32_t ended_ = 0;      ///< Answers in this window, whenever their attempts began.
  std::uint32_t peak_ = 0;       ///< Most in flight in this window.
  std::uint32_t usual_ = 0;      ///< A slowly sinking maximum of the windows' peaks.
  std::uint32_t learned_ = 0;    ///< Calm windows seen, up to `kApprentice`.
  std::uint32_t answers_ = 0;
  std::uint32_t drops_ = 0;
  Duration drop_ages_{};
  Duration patience_{};  ///< After how long attempts were given up in numbers; 0 = not seen.
  Duration sum_{};
  std::array<Duration, kSamples> samples_{};
};

}  // namespace fusegate::policy
