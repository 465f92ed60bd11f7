#include <fusegate/policy/rolling_window.hpp>

#include <algorithm>

namespace fusegate::policy {

RollingWindow::RollingWindow(Duration length)
    : slot_length_(std::max(Duration{1}, length / static_cast<Duration::rep>(kSlots))),
      newest_end_(Instant{} + slot_length_) {}

void RollingWindow::add(Counts counts, Instant now) {
  advance(now);
  Counts& slot = slots_[newest_];
  slot.total += counts.total;
  slot.failed += counts.failed;
  slot.slow += counts.slow;
  sum_.total += counts.total;
  sum_.failed += counts.failed;
  sum_.slow += counts.slow;
}

RollingWindow::Counts RollingWindow::sum(Instant now) {
  advance(now);
  return sum_;
}

bool RollingWindow::take_failed(Instant at, Instant now) {
  advance(now);
  const Instant newest_start = newest_end_ - slot_length_;
  if (at >= newest_start) {
    return take_failed_of(0);
  }
  const auto age = (newest_start - at - Duration{1}) / slot_length_ + 1;
  return age < static_cast<Duration::rep>(kSlots) && take_failed_of(static_cast<std::size_t>(age));
}

bool RollingWindow::take_oldest_failed(Instant now) {
  advance(now);
  for (std::size_t age = kSlots; age-- > 0;) {
    if (take_failed_of(age)) {
      return true;
    }
  }
  return false;
}

void RollingWindow::clear() {
  slots_.fill(Counts{});
  sum_ = Counts{};
}

void RollingWindow::advance(Instant now) {
  if (now < newest_end_) {
    return;
  }
  const Duration::rep steps = (now - newest_end_) / slot_length_ + 1;
  newest_end_ = after(newest_end_ - slot_length_, slot_length_ * steps);
  newest_end_ = after(newest_end_, slot_length_);
  if (steps >= static_cast<Duration::rep>(kSlots)) {
    clear();
    return;
  }
  for (Duration::rep step = 0; step < steps; ++step) {
    newest_ = (newest_ + 1) % kSlots;
    Counts& slot = slots_[newest_];
    sum_.total -= slot.total;
    sum_.failed -= slot.failed;
    sum_.slow -= slot.slow;
    slot = Counts{};
  }
}

RollingWindow::Snapshot RollingWindow::snapshot(Instant now) {
  advance(now);
  Snapshot result{.slot_length = slot_length_, .newest_end = newest_end_, .slots = {}};
  for (std::size_t age = 0; age < kSlots; ++age) {
    result.slots[age] = slots_[(newest_ + kSlots - age) % kSlots];
  }
  return result;
}

bool RollingWindow::restore(const Snapshot& snapshot, Instant now) {
  const bool possible = std::ranges::all_of(snapshot.slots, [](const Counts& slot) {
    return std::max({slot.total, slot.failed, slot.slow}) <= kCountMax;
  });
  if (!possible || snapshot.slot_length != slot_length_ ||
      snapshot.newest_end > after(now, slot_length_)) {
    return false;
  }
  clear();
  newest_end_ = snapshot.newest_end;
  for (std::size_t age = 0; age < kSlots; ++age) {
    const Counts& counts = snapshot.slots[age];
    slots_[(newest_ + kSlots - age) % kSlots] = counts;
    sum_.total += counts.total;
    sum_.failed += counts.failed;
    sum_.slow += counts.slow;
  }
  advance(now);
  return true;
}

bool RollingWindow::take_failed_of(std::size_t age) {
  Counts& slot = slots_[(newest_ + kSlots - age) % kSlots];
  if (slot.failed == 0) {
    return false;
  }
  --slot.failed;
  --sum_.failed;
  return true;
}

}  // namespace fusegate::policy
