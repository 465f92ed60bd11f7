#pragma once

#include <fusegate/base/time.hpp>

#include <cstdint>
#include <vector>

namespace fusegate::policy {

/// Source of the defaults: Envoy's 1024 requests per cluster; HAProxy's queue with a wait bound;
/// adaptive by measurement, docs/adr/0011-adaptive-by-default.md.
struct ConcurrencySettings {
  std::uint32_t max_in_flight = 1024;
  bool adaptive = true;
  struct Queue {
    std::uint32_t length = 128;
    Duration wait = std::chrono::milliseconds{50};
    bool operator==(const Queue&) const = default;
  } queue;
  bool operator==(const ConcurrencySettings&) const = default;
};

/// Slots for attempts in flight and a bounded queue of those waiting for one.
/// Exact: never more than `max_in_flight` slots are out, never more than `queue.length` wait.
///
/// The queue is served in order of arrival while it empties now and then. When somebody has been
/// waiting without a break for longer than `queue.wait`, nobody in order of arrival would be served
/// in time any more: then the newest is served first, and the oldest run into their time limit
/// (adaptive LIFO; source: Facebook, "Fail at Scale", 2015).
///
/// A waiter is an opaque token of the caller's, unique and not null; `release` names the waiter
/// that now holds the slot, and the caller wakes it. No allocation after the constructor.
class Limiter {
 public:
  using Waiter = void*;
  enum class Grant : std::uint8_t { Slot, Queued, QueueFull };

  explicit Limiter(const ConcurrencySettings& settings);

  /// A slot if one is free and nobody waits; else a place in the queue; else nothing.
  Grant acquire(Waiter waiter, Instant now);
  /// Gives a slot back. Returns the waiter that takes it over, or nullptr.
  Waiter release(Instant now);
  /// Leaves the queue; those behind move up. False when the waiter is not in it (it already holds a
  /// slot). O(distance to the nearer end), and waiters that time out stand at the head.
  bool abandon(Waiter waiter);
  bool is_waiting(Waiter waiter) const { return position_of(waiter) < waiting_; }

  /// Changes how many slots there are, at least one. After a cut, slots that come back are kept
  /// until the new limit holds; after a rise, call `hand_out` until it has nobody left.
  void set_limit(std::uint32_t limit);
  /// A waiter that may have a slot which is free although there is a queue, or nullptr.
  Waiter hand_out(Instant now);

  /// A slot beside the one that the caller holds, only when one is free and nobody waits.
  [[nodiscard]] bool take_spare();
  /// Its return. It goes to nobody in particular; `hand_out` follows.
  void give_back();

  std::uint32_t in_flight() const { return in_flight_; }
  std::uint32_t limit() const { return settings_.max_in_flight; }
  std::uint32_t waiting() const { return waiting_; }

 private:
  /// Takes the waiter whose turn it is out of the queue, which is not empty.
  Waiter pop(Instant now);
  /// `waiting_` when it is not in the queue.
  std::uint32_t position_of(Waiter waiter) const;
  /// The ring's place for the waiter at `position` in the queue; 0 is the next to be served.
  Waiter& place(std::uint32_t position);

  ConcurrencySettings settings_;
  std::uint32_t in_flight_ = 0;
  std::uint32_t waiting_ = 0;
  std::uint32_t head_ = 0;
  Instant waited_since_{};    ///< Since when somebody has been waiting without a break.
  std::vector<Waiter> ring_;  ///< The `waiting_` places from `head_` on, without gaps.
};

}  // namespace fusegate::policy
