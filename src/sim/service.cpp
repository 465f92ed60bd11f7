#include "sim/service.hpp"

#include <cmath>

namespace fusegate::sim {

Duration Server::work(double slower) {
  const auto mean = static_cast<double>(model_.service_time.count()) * slower;
  return Duration{static_cast<Duration::rep>(-std::log(1 - rng_.uniform()) * mean) + 1};
}

Server::Taken Server::arrive(Job job, double slower, Instant now, Instant& done) {
  if (busy_ < model_.slots) {
    ++busy_;
    done = after(now, work(slower));
    return Taken::Works;
  }
  if (waiting() >= model_.backlog) {
    return Taken::Refused;
  }
  queue_.push_back(job);
  return Taken::Queues;
}

std::optional<Server::Next> Server::finish(double slower, Instant now) {
  if (waiting() == 0) {
    --busy_;
    return std::nullopt;
  }
  const Next next{queue_[head_], after(now, work(slower))};
  ++head_;
  if (head_ == queue_.size()) {
    queue_.clear();
    head_ = 0;
  } else if (head_ >= 4096) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  return next;
}

}  // namespace fusegate::sim
