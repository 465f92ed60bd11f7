#include "sim/player.hpp"

#include <algorithm>
#include <cmath>

namespace fusegate::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kRefusal = 1ms;  ///< Until an answer without work. Chosen.
constexpr Duration kLength = kCalm + kFault + kAfter;

}  // namespace

Player::Player(const config::UpstreamConfig& upstream, const config::RequestPolicy& policy,
               const Scenario& scenario, const Model& model, std::uint64_t seed)
    : upstream_(upstream),
      policy_(policy),
      scenario_(scenario),
      model_(model),
      seed_(seed),
      rng_(seed),
      begin_(Instant{} + 1000s),
      now_(begin_) {
  policy_.fallback = {};  // What another upstream would do is not modelled.
  for (std::uint32_t i = 0; i < model.endpoints; ++i) {
    servers_.emplace_back(model, rng_.next());
  }
  const auto seconds = static_cast<std::size_t>(kLength / 1s);
  outcome_.seconds.resize(seconds);
  latencies_.resize(seconds);
  begin_anew();
}

Player::~Player() {
  for (const auto& request : requests_) {
    if (request->exchange) {
      (void)request->exchange->end(Ending::ClientGone, now_);
    }
  }
}

/// A proxy that has just started: it knows its endpoints and nothing else.
void Player::begin_anew() {
  for (const auto& request : requests_) {
    if (request->exchange) {
      end(*request, Ending::ClientGone);
    }
  }
  state_ = std::make_unique<exchange::UpstreamState>(upstream_, seed_, now_);
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < model_.endpoints; ++i) {
    names.push_back("endpoint-" + std::to_string(i + 1));
  }
  state_->set_endpoints(names, now_);
}

Weather Player::weather(std::uint32_t endpoint) const {
  const Duration since = now_ - begin_ - kCalm;
  const bool in_fault = since >= Duration::zero() && since < kFault;
  return in_fault ? scenario_.weather(endpoint, model_.endpoints, since) : Weather{};
}

double Player::rate() const {
  const Duration since = now_ - begin_ - kCalm;
  const bool in_fault = since >= Duration::zero() && since < kFault;
  return model_.rate * (in_fault ? scenario_.surge : 1);
}

Second& Player::second_of(Instant at) {
  const auto second = static_cast<std::size_t>((at - begin_) / 1s);
  return outcome_.seconds[std::min(second, outcome_.seconds.size() - 1)];
}

void Player::push(What what, Instant at, const Request& request, std::uint64_t job,
                  std::uint8_t endpoint) {
  events_.push({at, next_order_++, job, request.index, request.generation, endpoint, what});
}

Outcome Player::play() {
  const Instant end = begin_ + kLength;
  Instant tick = begin_ + 1s;
  Instant next = begin_;
  bool restarted = !scenario_.callers_restart;
  while (now_ < end) {
    const Instant due = events_.empty() ? kNever : events_.top().at;
    const Instant step = std::min({due, next, tick});
    now_ = std::min(step, end);
    if (!restarted && now_ >= begin_ + kCalm) {
      restarted = true;
      begin_anew();
    }
    if (step == tick) {
      close_second();
      tick += 1s;
    } else if (step == next) {
      arrive();
      const double gap = -std::log(1 - rng_.uniform()) / rate();
      next = now_ + Duration{static_cast<Duration::rep>(gap * 1e9) + 1};
    } else {
      const Event event = events_.top();
      events_.pop();
      handle(event);
    }
  }
  for (std::size_t i = 0; i < latencies_.size(); ++i) {
    auto& seen = latencies_[i];
    std::ranges::sort(seen);
    if (!seen.empty()) {
      outcome_.seconds[i].p50_ms = seen[seen.size() / 2];
      outcome_.seconds[i].p99_ms = seen[seen.size() * 99 / 100];
    }
  }
  return outcome_;
}

void Player::close_second() {
  state_->tick(now_);
  while (state_->take_event()) {  // Nobody logs here.
  }
  second_of(now_ - 1ns).breaker = state_->breaker().state();
  wake_waiters();
}

void Player::arrive() {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(requests_.size()));
    requests_.push_back(std::make_unique<Request>());
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  Request& request = *requests_[index];
  request.report.attempts = request.report.try_count = 0;
  request.report.denied.reset();
  request.index = index;
  request.status = 0;
  request.arrived = now_;
  request.current = request.other = {};
  request.queued = false;
  ++outcome_.requests;
  ++second_of(now_).offered;
  const exchange::RequestTraits traits{.repeatable = true, .hedgeable = policy_.hedge.enabled};
  request.exchange.emplace(policy_, *state_, traits, request.report, now_);
  push(What::Leave, after(now_, model_.patience), request);
  obey(request, request.exchange->begin(&request, now_));
}

void Player::obey(Request& request, const Decision& decision) {
  switch (decision.kind) {
    case Decision::Kind::Attempt:
      attempt(request, decision);
      break;
    case Decision::Kind::Wait:
      push(What::Wake, decision.until, request);
      break;
    case Decision::Kind::Queue:
      request.queued = true;
      push(What::SlotTimeout, decision.until, request);
      break;
    case Decision::Kind::Continue:
      request.current = request.other;
      request.other = {};
      break;
    case Decision::Kind::Forward: {
      const bool good = request.status == 200;
      Second& second = second_of(request.arrived);
      ++(good ? second.good : second.bad);
      if (good) {
        const auto at = static_cast<std::size_t>((request.arrived - begin_) / 1s);
        latencies_[std::min(at, latencies_.size() - 1)].push_back(
            std::chrono::duration<float, std::milli>(now_ - request.arrived).count());
      }
      end(request, Ending::Delivered);
      break;
    }
    case Decision::Kind::ForwardHeld:
      ++second_of(request.arrived).bad;
      end(request, Ending::Delivered);
      break;
    case Decision::Kind::Reject:
      ++second_of(request.arrived).refused;
      end(request, Ending::Rejected);
      break;
  }
  wake_waiters();
}

void Player::wake_waiters() {
  while (auto* const waiter = state_->limiter().hand_out(now_)) {
    Request& next = *static_cast<Request*>(waiter);
    next.queued = false;
    push(What::Slot, now_, next);
  }
}

void Player::attempt(Request& request, const Decision& decision) {
  ++outcome_.attempts;
  ++second_of(now_).attempts;
  const std::uint64_t job = next_job_++;
  const auto endpoint = static_cast<std::uint8_t>(decision.endpoint->slot);
  request.current = {job, endpoint};
  request.exchange->on_connection(!decision.fresh_connection);
  push(What::Timeout, decision.until, request, job);
  if (decision.hedge_at != kNever) {
    push(What::Hedge, decision.hedge_at, request, job);
  }
  const Weather now = weather(endpoint);
  Instant done = now_ + kRefusal;
  switch (now.manner) {
    case Manner::Serves:
      switch (servers_[endpoint].arrive(job | std::uint64_t{request.index} << 40, now.slower, now_,
                                        done)) {
        case Server::Taken::Works:
          push(What::Work, done, request, job, endpoint);
          break;
        case Server::Taken::Queues:
          break;
        case Server::Taken::Refused:
          push(What::Answer, now_ + kRefusal, request, job, endpoint);
          break;
      }
      break;
    case Manner::Errors:
    case Manner::Refuses:
      push(What::Answer, done, request, job, endpoint);
      break;
    case Manner::BlackHole:
      break;
  }
}

/// Makes the attempt `job` the current one; false when it is over.
bool Player::select(Request& request, std::uint64_t job) {
  if (request.current.job == job) {
    return true;
  }
  if (request.other.job != job) {
    return false;
  }
  request.exchange->switch_attempt();
  std::swap(request.current, request.other);
  return true;
}

}  // namespace fusegate::sim
