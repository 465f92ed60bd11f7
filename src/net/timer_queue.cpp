#include "net/timer_queue.hpp"

namespace fusegate::net {

Timer::~Timer() {
  if (queue_ != nullptr && index_ != kOutside) {
    queue_->remove(*this);
  }
}

TimerQueue::TimerQueue(void (*on_lag)(void*, Duration), void* lag_owner)
    : on_lag_(on_lag), lag_owner_(lag_owner) {}

TimerQueue::~TimerQueue() {
  for (Timer* timer : heap_) {
    timer->index_ = Timer::kOutside;
  }
}

void TimerQueue::set(Timer& timer, Instant deadline) {
  timer.queue_ = this;
  timer.deadline_ = deadline;
  if (timer.index_ == Timer::kOutside) {
    if (deadline == kNever) {
      return;
    }
    timer.key_ = deadline;
    heap_.push_back(&timer);
    timer.index_ = heap_.size() - 1;
    sift_up(timer.index_);
  } else if (deadline < timer.key_) {
    timer.key_ = deadline;
    sift_up(timer.index_);
  }
}

void TimerQueue::remove(Timer& timer) {
  const std::size_t index = timer.index_;
  timer.index_ = Timer::kOutside;
  Timer* last = heap_.back();
  heap_.pop_back();
  if (last == &timer) {
    return;
  }
  place(last, index);
  sift_up(index);
  sift_down(last->index_);
}

void TimerQueue::place(Timer* timer, std::size_t index) {
  heap_[index] = timer;
  timer->index_ = index;
}

void TimerQueue::sift_up(std::size_t index) {
  Timer* timer = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (heap_[parent]->key_ <= timer->key_) {
      break;
    }
    place(heap_[parent], index);
    index = parent;
  }
  place(timer, index);
}

void TimerQueue::sift_down(std::size_t index) {
  Timer* timer = heap_[index];
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) {
      break;
    }
    if (child + 1 < heap_.size() && heap_[child + 1]->key_ < heap_[child]->key_) {
      ++child;
    }
    if (timer->key_ <= heap_[child]->key_) {
      break;
    }
    place(heap_[child], index);
    index = child;
  }
  place(timer, index);
}

void TimerQueue::expire(Instant now, std::size_t most) {
  while (most > 0 && !heap_.empty() && heap_.front()->key_ <= now) {
    Timer& timer = *heap_.front();
    if (timer.deadline_ > now && timer.deadline_ != kNever) {
      timer.key_ = timer.deadline_;
      sift_down(0);
      continue;
    }
    const Instant due = timer.deadline_;
    remove(timer);
    timer.deadline_ = kNever;
    if (due == kNever) {
      continue;
    }
    if (on_lag_ != nullptr) {
      on_lag_(lag_owner_, now - due);
    }
    timer.on_timer(now);
    --most;
  }
}

}  // namespace fusegate::net
