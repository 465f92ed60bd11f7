#pragma once

#include <fusegate/base/time.hpp>

#include <cstddef>
#include <vector>

namespace fusegate::net {

class TimerQueue;

/// A deadline that can be moved at no cost. Fires once per `set`, by `on_timer`.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer();

  Instant deadline() const { return deadline_; }

 protected:
  virtual void on_timer(Instant now) = 0;

 private:
  friend class TimerQueue;
  static constexpr std::size_t kOutside = static_cast<std::size_t>(-1);
  TimerQueue* queue_ = nullptr;
  std::size_t index_ = kOutside;
  Instant key_ = kNever;
  Instant deadline_ = kNever;
};

/// All deadlines of a worker in one binary heap; its event loop sleeps until the first of them.
///
/// Deadlines are moved far more often than they expire, so the heap is lazy: a later deadline is
/// only written down, and the timer is put in its new place when the old one comes up. A connection
/// therefore costs one heap operation per expired key instead of several per request, and no timer
/// system call at all. Precision: one millisecond, never early.
class TimerQueue {
 public:
  /// `on_lag` is told how late the loop came to each expiry; may be empty.
  TimerQueue(void (*on_lag)(void*, Duration), void* lag_owner);
  ~TimerQueue();

  void set(Timer& timer, Instant deadline);
  void cancel(Timer& timer) { timer.deadline_ = kNever; }
  std::size_t size() const { return heap_.size(); }
  /// When to look again, `kNever` when there is nothing to wait for. May come before any deadline.
  Instant next() const { return heap_.empty() ? kNever : heap_.front()->key_; }
  /// Fires those whose deadline is at or before `now`, the first ones first, `most` of them.
  void expire(Instant now, std::size_t most = static_cast<std::size_t>(-1));

 private:
  friend class Timer;
  void remove(Timer& timer);
  void place(Timer* timer, std::size_t index);
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);

  void (*on_lag_)(void*, Duration);
  void* lag_owner_;
  std::vector<Timer*> heap_;
};

}  // namespace fusegate::net
