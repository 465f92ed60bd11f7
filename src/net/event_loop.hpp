#pragma once

#include "net/outbox.hpp"
#include "net/timer_queue.hpp"

#include <pthread.h>
#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace fusegate::net {

/// Something with a descriptor that an event loop watches.
class EventSource {
 public:
  /// `events` as epoll_wait(2) gives them; 0 when the source itself asked by `EventLoop::again`.
  virtual void on_events(std::uint32_t events) = 0;

 protected:
  ~EventSource() = default;
};

/// In which queue a source waits for its turn: of those of whom nothing is known yet, or of those
/// known to take long (docs/adr/0013-turns.md). Neither waits for the other.
enum class Rank : std::uint8_t { New, Long };

/// The loop of one worker: sockets, deadlines, and tasks from other threads.
///
/// A descriptor is registered once and stays so, edge-triggered: a kept connection costs no
/// epoll_ctl(2) per request (Asio 1.81 spends one on each wait; docs/adr/0006). All but `post`
/// belongs to the thread that runs the loop, or to any before it runs.
class EventLoop final : private EventSource {
 public:
  /// `timers` are expired by the loop and must outlive it.
  EventLoop(TimerQueue& timers, Instant now);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Returns after `stop`. Turns by the clock, and sleeps while there is nothing to do.
  void run();
  void stop() { stopped_ = true; }
  /// Half of a turn: fetches what has happened, waiting for it at most `wait_ms` (as epoll_wait(2);
  /// not at all when a source asked by `again`). False when nothing has.
  bool fetch(int wait_ms);
  /// The other half: handles what was fetched, then deadlines up to `now`: as many as there were
  /// fresh events, and one more. Of many that come together (to close a stalled connection may take
  /// 0.3 ms, of kernel memory to free) none keeps a request waiting for all.
  void turn(Instant now);
  /// When this turn began: read once for all events of a turn, because reading the clock for each
  /// was felt. Behind the true time by what the turn has done so far, normally far below 1 ms.
  Instant now() const { return now_; }

  /// Registers `fd`; `events` as in epoll_ctl(2). False when the system refuses (errno).
  bool watch(int fd, EventSource& source, std::uint32_t events);
  void change(int fd, EventSource& source, std::uint32_t events);
  /// Nothing more is told to `source`, not even what has been fetched already.
  void forget(int fd, EventSource& source);
  /// The same for a descriptor that is closed at once: the kernel takes the last descriptor of a
  /// socket out by itself, which saves a system call for each connection. Nothing here is ever
  /// duplicated or inherited.
  void forget_closing(EventSource& source);
  /// An event for `source` has been fetched and comes later in this turn.
  bool has_event(const EventSource& source) const;
  /// Calls the source once more, with no events, after those of this turn; in a later one where
  /// many ask, in the order of asking within a rank.
  void again(EventSource& source, Rank rank = Rank::New) {
    again_[static_cast<std::size_t>(rank)].push_back(&source);
  }

  /// Where to put a small message that may wait until the rest of what has come is looked at. Null:
  /// nothing else has come, so that it is to be sent now.
  char* put_off(Stream& stream, std::size_t size) {
    return next_ < count_ || !outbox_.empty() ? outbox_.room(stream, size) : nullptr;
  }
  /// Sends what was put off, before its time.
  void deliver() { outbox_.deliver(); }

  /// Runs `task` on the loop's thread, after what it does now. Any thread.
  void post(std::function<void()> task);
  /// Runs what has been posted; for the time after `run`.
  void run_posted();

 private:
  static constexpr int kBatch = 128;
  /// Of each queue of those who asked by `again` one has its turn after so many events that were
  /// handled at once, and one in any case: a request that has just come waits for one long body,
  /// not for all that are on their way, and no number of requests stops the bodies. Chosen: a turn
  /// of a body (10 to 90 us) takes about as long as eight events of small requests, and the look
  /// for more (0.5 us) little of it.
  static constexpr int kFreshForEach = 8;
  void on_events(std::uint32_t events) override;
  std::size_t dispatch();
  std::size_t waiting_turns() const { return again_[0].size() + again_[1].size(); }
  void dispatch_again(std::vector<EventSource*>& queue, std::size_t turns);
  int wait_ms() const;

  TimerQueue& timers_;
  int epoll_;
  int wake_;
  bool stopped_ = false;
  Instant now_;
  int next_ = 0;   ///< Place in the batch.
  int count_ = 0;  ///< Size of the batch.
  std::array<epoll_event, kBatch> batch_;
  std::atomic<pthread_t> thread_{};  ///< Who runs the loop: what it posts itself wakes nobody.
  bool posted_here_ = false;
  Outbox outbox_;
  std::array<std::vector<EventSource*>, 2> again_;  ///< By rank; first come, first served.
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace fusegate::net
