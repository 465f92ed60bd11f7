#pragma once

#include <fusegate/base/time.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace fusegate::policy {

/// A live quantile of answer times over the last ten to twenty seconds. Buckets grow by a quarter
/// of an octave, so the answer is at most a fifth too long and never too short. O(1) per sample;
/// the quantile is worked out anew at most ten times a second. No allocation.
class LatencyQuantile {
 public:
  /// `percent` from 1 to 99.
  explicit LatencyQuantile(std::uint32_t percent) : percent_(percent) {}

  void add(Duration latency, Instant now);
  /// nullopt while there are fewer than `kMinSamples`: a guess would hedge the wrong requests.
  std::optional<Duration> value(Instant now);

  static constexpr std::uint32_t kMinSamples = 50;

 private:
  static constexpr std::size_t kBuckets = 128;
  static std::size_t bucket_of(Duration latency);
  static Duration upper_edge(std::size_t bucket);
  void rotate(Instant now);
  std::optional<Duration> work_out() const;

  std::uint32_t percent_;
  std::array<std::uint32_t, kBuckets> newer_{};
  std::array<std::uint32_t, kBuckets> older_{};
  std::uint32_t newer_count_ = 0;
  std::uint32_t older_count_ = 0;
  Instant turn_at_{};  ///< When the newer window becomes the older one.
  Instant known_until_{};
  std::optional<Duration> known_;
};

}  // namespace fusegate::policy
