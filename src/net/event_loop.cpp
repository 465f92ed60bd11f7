#include "net/event_loop.hpp"

#include "net/clock.hpp"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace fusegate::net {

EventLoop::EventLoop(TimerQueue& timers, Instant now)
    : timers_(timers),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      now_(now) {
  if (epoll_ < 0 || wake_ < 0 || !watch(wake_, *this, EPOLLIN)) {
    throw std::system_error(errno, std::generic_category(), "cannot make an event loop");
  }
}

EventLoop::~EventLoop() {
  ::close(wake_);
  ::close(epoll_);
}

bool EventLoop::watch(int fd, EventSource& source, std::uint32_t events) {
  epoll_event wanted{};
  wanted.events = events;
  wanted.data.ptr = &source;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &wanted) == 0;
}

void EventLoop::change(int fd, EventSource& source, std::uint32_t events) {
  epoll_event wanted{};
  wanted.events = events;
  wanted.data.ptr = &source;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &wanted);
}

void EventLoop::forget(int fd, EventSource& source) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  forget_closing(source);
}

void EventLoop::forget_closing(EventSource& source) {
  EventSource* const address = &source;
  for (int at = next_; at < count_; ++at) {
    epoll_event& event = batch_[static_cast<std::size_t>(at)];
    if (event.data.ptr == address) {
      event.data.ptr = nullptr;
    }
  }
  for (auto& queue : again_) {
    std::erase(queue, address);
  }
}

bool EventLoop::has_event(const EventSource& source) const {
  return std::any_of(batch_.begin() + next_, batch_.begin() + count_,
                     [&](const epoll_event& event) { return event.data.ptr == &source; });
}

void EventLoop::post(std::function<void()> task) {
  bool first;
  {
    const std::lock_guard lock{mutex_};
    first = posted_.empty();
    posted_.push_back(std::move(task));
  }
  if (::pthread_equal(::pthread_self(), thread_.load(std::memory_order_relaxed)) != 0) {
    posted_here_ = true;
  } else if (first) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
  }
}

void EventLoop::run_posted() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock{mutex_};
    tasks.swap(posted_);
  }
  for (const auto& task : tasks) {
    task();
  }
}

void EventLoop::on_events(std::uint32_t) {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto taken = ::read(wake_, &count, sizeof count);
  run_posted();
}

int EventLoop::wait_ms() const {
  const Instant next = timers_.next();
  if (next == kNever) {
    return -1;
  }
  // Rounded up: never early, and deadlines close together share one wake-up.
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now_).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

bool EventLoop::fetch(int wait_ms) {
  const bool asked = posted_here_ || waiting_turns() > 0;
  count_ = std::max(0, ::epoll_wait(epoll_, batch_.data(), kBatch, asked ? 0 : wait_ms));
  return asked || count_ > 0;
}

std::size_t EventLoop::dispatch() {
  const std::size_t waiting = waiting_turns();
  for (next_ = 0; next_ < count_;) {
    const epoll_event& event = batch_[static_cast<std::size_t>(next_++)];
    if (event.data.ptr != nullptr) {
      static_cast<EventSource*>(event.data.ptr)->on_events(event.events);
    }
  }
  outbox_.deliver();
  const auto fresh = static_cast<std::size_t>(std::exchange(count_, 0));
  next_ = 0;
  // Who went to a queue instead has cost next to nothing.
  const std::size_t put_off = waiting_turns() - std::min(waiting, waiting_turns());
  const std::size_t at_once = fresh - std::min(fresh, put_off);
  for (auto& queue : again_) {
    dispatch_again(queue, 1 + at_once / kFreshForEach);
  }
  return fresh;
}

void EventLoop::dispatch_again(std::vector<EventSource*>& queue, std::size_t turns) {
  for (; turns > 0 && !queue.empty(); --turns) {
    EventSource* const source = queue.front();
    queue.erase(queue.begin());
    source->on_events(0);
  }
}

void EventLoop::turn(Instant now) {
  now_ = now;
  if (std::exchange(posted_here_, false)) {
    run_posted();
  }
  const std::size_t fresh = dispatch();
  if (!stopped_) {
    timers_.expire(now_, 1 + fresh);
  }
}

void EventLoop::run() {
  thread_.store(::pthread_self(), std::memory_order_relaxed);
  while (!stopped_) {
    fetch(wait_ms());
    turn(net::now());
  }
}

}  // namespace fusegate::net
