#include <fusegate/policy/throttle.hpp>

#include <algorithm>

namespace fusegate::policy {

Throttle::Throttle(Duration window, std::uint32_t min_requests)
    : slot_length_(std::max(Duration{1}, window / kSlots)), min_requests_(min_requests) {}

bool Throttle::admit(Rng& rng, Instant now) {
  Slot& slot = advance(now);
  const double refused = refused_share(now);
  const bool due = now - last_admitted_ >= kProbeEvery;
  if (refused > 0 && !due && rng.uniform() < refused) {
    ++slot.requests;
    return false;
  }
  ++slot.out;
  last_admitted_ = now;
  return true;
}

void Throttle::accepted(Duration latency, Instant now) {
  came_back(latency, now);
  Slot& slot = advance(now);
  ++slot.requests;
  ++slot.accepts;
  if (now >= slowest_until_) {
    // After a pause longer than a window both are out of date.
    const bool recent = now - slowest_until_ < slot_length_ * kSlots;
    slowest_before_ = recent ? slowest_ : Duration::zero();
    slowest_ = Duration::zero();
    slowest_until_ = after(now, slot_length_ * kSlots);
  }
  slowest_ = std::max({slowest_, latency, Duration{1}});
}

void Throttle::failed(Duration latency, Instant now) {
  came_back(latency, now);
  ++advance(now).requests;
}

void Throttle::cancelled(Duration latency, Instant now) {
  came_back(latency, now);
  if (latency > patience()) {
    ++advance(now).requests;
  }
}

void Throttle::take_back(Instant now) {
  advance(now);
  for (std::int64_t number = newest_; holds(number) && number >= 0; --number) {
    Slot& slot = slots_[index_of(number)];
    if (slot.accepts > 0) {
      --slot.accepts;
      return;
    }
  }
}

void Throttle::clear() {
  slots_.fill(Slot{});
  slowest_ = slowest_before_ = Duration::zero();
}

double Throttle::refused_share(Instant now) const {
  const Instant overdue_before = now - std::min(patience(), now.time_since_epoch());
  const std::int64_t oldest_overdue_end = number_of(overdue_before);
  const std::int64_t latest = std::max(number_of(now), newest_);
  std::uint64_t requests = 0;
  std::uint64_t accepts = 0;
  for (std::int64_t number = latest; number > latest - kSlots; --number) {
    if (!holds(number) || number < 0) {
      continue;
    }
    const Slot& slot = slots_[index_of(number)];
    requests += slot.requests + (number < oldest_overdue_end ? slot.out : 0);
    accepts += slot.accepts;
    if (requests >= std::max(kEnough, min_requests_)) {
      break;
    }
  }
  if (requests < min_requests_) {
    return 0.0;
  }
  const auto asked = static_cast<double>(requests);
  const double excess = asked - kMultiplier * static_cast<double>(accepts);
  return std::max(0.0, excess / (asked + 1.0));
}

Throttle::Snapshot Throttle::snapshot(Instant now) {
  advance(now);
  Snapshot result{.window = {.slot_length = slot_length_,
                             .newest_end = Instant{} + slot_length_ * (newest_ + 1),
                             .slots = {}},
                  .last_admitted = last_admitted_};
  for (std::int64_t age = 0; age < kSlots && age <= newest_; ++age) {
    const Slot& slot = slots_[index_of(newest_ - age)];
    result.window.slots[static_cast<std::size_t>(age)] = {slot.requests, slot.accepts, 0};
  }
  return result;
}

bool Throttle::restore(const Snapshot& snapshot, Instant now) {
  const RollingWindow::Snapshot& window = snapshot.window;
  const bool possible = std::ranges::all_of(window.slots, [](const RollingWindow::Counts& slot) {
    return slot.total <= RollingWindow::kCountMax && slot.failed <= slot.total;
  });
  if (!possible || window.slot_length != slot_length_ || snapshot.last_admitted > now ||
      window.newest_end > after(now, slot_length_)) {
    return false;
  }
  clear();
  const std::int64_t nearest = number_of(window.newest_end - slot_length_ / 2);
  newest_ = std::clamp<std::int64_t>(nearest, 0, std::max<std::int64_t>(number_of(now), 0));
  for (std::int64_t age = 0; age < kSlots && age <= newest_; ++age) {
    const RollingWindow::Counts& counts = window.slots[static_cast<std::size_t>(age)];
    slots_[index_of(newest_ - age)] = {.requests = counts.total, .accepts = counts.failed};
  }
  last_admitted_ = snapshot.last_admitted;
  advance(now);
  return true;
}

std::size_t Throttle::index_of(std::int64_t number) {
  return static_cast<std::size_t>(number % kSlots);
}

Throttle::Slot& Throttle::advance(Instant now) {
  const std::int64_t number = number_of(now);
  if (number > newest_) {
    const std::int64_t first = std::max(newest_ + 1, number - kSlots + 1);
    for (std::int64_t next = first; next <= number; ++next) {
      slots_[index_of(next)] = Slot{};
    }
    newest_ = number;
  }
  return slots_[index_of(newest_)];
}

/// Calls that are out are counted where they began; one that began before the window is forgotten.
void Throttle::came_back(Duration latency, Instant now) {
  advance(now);
  const std::int64_t number = number_of(now - std::min(latency, now.time_since_epoch()));
  Slot& slot = slots_[index_of(number)];
  if (holds(number) && slot.out > 0) {
    --slot.out;
  }
}

/// How long a call may be out without counting. Unknown until one has been accepted: for ever.
Duration Throttle::patience() const {
  const Duration slowest = std::max(slowest_, slowest_before_);
  return slowest > Duration::zero() ? slowest : Duration::max();
}

}  // namespace fusegate::policy
