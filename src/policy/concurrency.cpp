#include <fusegate/policy/concurrency.hpp>

#include <algorithm>
#include <utility>

namespace fusegate::policy {

Limiter::Limiter(const ConcurrencySettings& settings)
    : settings_(settings), ring_(settings.queue.length, nullptr) {}

Limiter::Grant Limiter::acquire(Waiter waiter, Instant now) {
  if (waiting_ == 0 && in_flight_ < settings_.max_in_flight) {
    ++in_flight_;
    return Grant::Slot;
  }
  if (waiting_ == ring_.size()) {
    return Grant::QueueFull;
  }
  if (waiting_ == 0) {
    waited_since_ = now;
  }
  place(waiting_) = waiter;
  ++waiting_;
  return Grant::Queued;
}

Limiter::Waiter Limiter::release(Instant now) {
  if (waiting_ == 0 || in_flight_ > settings_.max_in_flight) {
    in_flight_ -= in_flight_ > 0 ? 1 : 0;
    return nullptr;
  }
  // The slot changes hands without ever being free, so that nobody can slip in between.
  return pop(now);
}

bool Limiter::take_spare() {
  if (waiting_ > 0 || in_flight_ >= settings_.max_in_flight) {
    return false;
  }
  ++in_flight_;
  return true;
}

void Limiter::give_back() { in_flight_ -= in_flight_ > 0 ? 1 : 0; }

void Limiter::set_limit(std::uint32_t limit) {
  // Without any slot, those in the queue would have nobody to wait for.
  settings_.max_in_flight = std::max<std::uint32_t>(limit, 1);
}

Limiter::Waiter Limiter::hand_out(Instant now) {
  if (waiting_ == 0 || in_flight_ >= settings_.max_in_flight) {
    return nullptr;
  }
  ++in_flight_;
  return pop(now);
}

Limiter::Waiter Limiter::pop(Instant now) {
  if (now - waited_since_ > settings_.queue.wait) {
    Waiter& newest = place(waiting_ - 1);
    --waiting_;
    return std::exchange(newest, nullptr);
  }
  const Waiter next = place(0);
  place(0) = nullptr;
  head_ = (head_ + 1) % ring_.size();
  --waiting_;
  return next;
}

std::uint32_t Limiter::position_of(Waiter waiter) const {
  std::uint32_t found = 0;
  while (found < waiting_ &&
         ring_[(static_cast<std::size_t>(head_) + found) % ring_.size()] != waiter) {
    ++found;
  }
  return found;
}

bool Limiter::abandon(Waiter waiter) {
  const std::uint32_t found = position_of(waiter);
  if (found == waiting_) {
    return false;
  }
  if (found < waiting_ / 2) {
    for (std::uint32_t position = found; position > 0; --position) {
      place(position) = place(position - 1);
    }
    place(0) = nullptr;
    head_ = (head_ + 1) % ring_.size();
  } else {
    for (std::uint32_t position = found; position + 1 < waiting_; ++position) {
      place(position) = place(position + 1);
    }
    place(waiting_ - 1) = nullptr;
  }
  --waiting_;
  return true;
}

Limiter::Waiter& Limiter::place(std::uint32_t position) {
  return ring_[(static_cast<std::size_t>(head_) + position) % ring_.size()];
}

}  // namespace fusegate::policy
