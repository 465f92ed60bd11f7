#include <fusegate/policy/latency_quantile.hpp>

#include <algorithm>
#include <bit>

namespace fusegate::policy {
namespace {

constexpr Duration kWindow = std::chrono::seconds{10};
constexpr Duration kKnownFor = std::chrono::milliseconds{100};
/// The first bucket ends at 2^14 ns, 16 microseconds; the last at more than an hour.
constexpr unsigned kFirstOctave = 14;
constexpr unsigned kPerOctave = 4;

}  // namespace

std::size_t LatencyQuantile::bucket_of(Duration latency) {
  const auto ns = static_cast<std::uint64_t>(std::max<Duration::rep>(latency.count(), 0));
  if (ns < (std::uint64_t{1} << kFirstOctave)) {
    return 0;
  }
  const auto octave = static_cast<unsigned>(std::bit_width(ns)) - 1;
  const auto quarter = static_cast<unsigned>(ns >> (octave - 2)) & 3U;
  return std::min<std::size_t>(1 + (octave - kFirstOctave) * kPerOctave + quarter, kBuckets - 1);
}

Duration LatencyQuantile::upper_edge(std::size_t bucket) {
  if (bucket == 0) {
    return Duration{std::int64_t{1} << kFirstOctave};
  }
  const std::size_t octave = kFirstOctave + (bucket - 1) / kPerOctave;
  const std::size_t quarter = (bucket - 1) % kPerOctave;
  return Duration{static_cast<std::int64_t>((5 + quarter) << (octave - 2))};
}

void LatencyQuantile::rotate(Instant now) {
  if (now < turn_at_) {
    return;
  }
  if (now - turn_at_ < kWindow) {
    older_ = newer_;
    older_count_ = newer_count_;
  } else {  // Nothing for a whole window.
    older_ = {};
    older_count_ = 0;
  }
  newer_ = {};
  newer_count_ = 0;
  turn_at_ = now + kWindow;
}

void LatencyQuantile::add(Duration latency, Instant now) {
  rotate(now);
  ++newer_[bucket_of(latency)];
  ++newer_count_;
}

std::optional<Duration> LatencyQuantile::value(Instant now) {
  rotate(now);
  if (now >= known_until_) {
    known_ = work_out();
    known_until_ = now + kKnownFor;
  }
  return known_;
}

std::optional<Duration> LatencyQuantile::work_out() const {
  const std::uint64_t count = std::uint64_t{newer_count_} + older_count_;
  if (count < kMinSamples) {
    return std::nullopt;
  }
  const std::uint64_t rank = (count * percent_ + 99) / 100;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += std::uint64_t{newer_[i]} + older_[i];
    if (seen >= rank) {
      return upper_edge(i);
    }
  }
  return upper_edge(kBuckets - 1);
}

}  // namespace fusegate::policy
