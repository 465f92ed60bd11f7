#pragma once

#include <fusegate/base/time.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

/// Numbers with one writer, the worker, and any reader. An addition is a plain load and store (no
/// locked instruction); a reader may miss the very last one and never sees half of one.
namespace fusegate::telemetry {

class Counter {
 public:
  void add(std::uint64_t count = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// A number that goes up and down. One worker's share may be negative; only the sum has a meaning.
class Gauge {
 public:
  void add(std::int64_t change) {
    value_.store(value_.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
  }
  std::int64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// Durations counted by bucket. The edges are the upper bounds, inclusive, ascending, at most 32.
class Histogram {
 public:
  explicit Histogram(const std::vector<Duration>& edges);

  /// A negative time counts as zero.
  void observe(Duration time) {
    const std::int64_t ns = time.count() < 0 ? 0 : time.count();
    // From below, because what is usual is short and like the one before.
    std::size_t bucket = 0;
    while (bucket < size_ && edges_[bucket] < ns) {
      ++bucket;
    }
    counts_[bucket].add();
    sum_.add(static_cast<std::uint64_t>(ns));
  }

  std::size_t buckets() const { return size_ + 1; }  ///< The last one is above every edge.
  std::uint64_t count(std::size_t bucket) const { return counts_[bucket].get(); }
  std::uint64_t sum_ns() const { return sum_.get(); }

 private:
  std::size_t size_;
  std::unique_ptr<std::int64_t[]> edges_;
  std::unique_ptr<Counter[]> counts_;
  Counter sum_;
};

/// Counts by HTTP status and a second, small dimension. A status gets a slot when it is first seen;
/// the slots are allocated at load, and statuses beyond them share the last one.
template <std::size_t Width>
class ByStatus {
 public:
  static constexpr std::size_t kStatuses = 501;  ///< 0 = none or out of range, then 100 to 599.
  static constexpr std::size_t kSlots = 32;

  ByStatus() : slots_(std::make_unique<Slot[]>(kSlots)) {}

  static constexpr std::size_t index_of(unsigned status) {
    return status >= 100 && status < 600 ? status - 99 : 0;
  }
  static constexpr unsigned status_at(std::size_t index) {
    return index == 0 ? 0 : static_cast<unsigned>(index) + 99;
  }

  void add(unsigned status, std::size_t column) {
    const std::size_t index = index_of(status);
    std::uint8_t place = place_[index].load(std::memory_order_relaxed);
    if (place == kUnseen) [[unlikely]] {
      place = used_ < kSlots - 1 ? ++used_ : kShared;
      place_[index].store(place, std::memory_order_relaxed);
    }
    slots_[place - 1][column].add();
  }

  bool has_own_slot(std::size_t index) const {
    return place(index) != kUnseen && place(index) != kShared;
  }
  bool shares_slot(std::size_t index) const { return place(index) == kShared; }
  /// Only of an index that has a slot.
  std::uint64_t get(std::size_t index, std::size_t column) const {
    return slots_[place(index) - 1u][column].get();
  }
  /// Of all statuses together.
  std::uint64_t total(std::size_t column) const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kSlots; ++i) {
      sum += slots_[i][column].get();
    }
    return sum;
  }
  /// What the statuses without a slot of their own add up to.
  std::uint64_t shared(std::size_t column) const { return slots_[kShared - 1][column].get(); }

 private:
  static constexpr std::uint8_t kUnseen = 0;
  static constexpr std::uint8_t kShared = kSlots;
  using Slot = std::array<Counter, Width>;

  std::uint8_t place(std::size_t index) const {
    return place_[index].load(std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint8_t>, kStatuses> place_{};  ///< Number of the slot from 1, or 0.
  std::unique_ptr<Slot[]> slots_;
  std::uint8_t used_ = 0;
};

}  // namespace fusegate::telemetry
