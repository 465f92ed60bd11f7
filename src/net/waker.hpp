#pragma once

#include <coroutine>
#include <cstdint>
#include <utility>

namespace fusegate::net {

/// How one coroutine waits for any of several things: sockets and timers set event bits, the
/// coroutine awaits a mask. Bits stay set until they are taken, so nothing is lost in between.
/// Belongs to one worker thread.
class Waker {
 public:
  using Events = std::uint32_t;

  /// Sets `events`; resumes the coroutine inside this call when it waits for one of them.
  void signal(Events events) {
    ready_ |= events;
    if (waiting_ && (ready_ & wanted_) != 0) {
      std::exchange(waiting_, nullptr).resume();
    }
  }

  void clear(Events events) { ready_ &= ~events; }

  /// Awaits any of `wanted`; yields those that happened and takes them.
  auto wait(Events wanted) {
    struct Awaiter {
      Waker& waker;
      Events wanted;
      bool await_ready() const noexcept { return (waker.ready_ & wanted) != 0; }
      void await_suspend(std::coroutine_handle<> self) noexcept {
        waker.wanted_ = wanted;
        waker.waiting_ = self;
      }
      Events await_resume() noexcept {
        const Events happened = waker.ready_ & wanted;
        waker.ready_ &= ~wanted;
        return happened;
      }
    };
    return Awaiter{*this, wanted};
  }

 private:
  Events ready_ = 0;
  Events wanted_ = 0;
  std::coroutine_handle<> waiting_;
};

}  // namespace fusegate::net
