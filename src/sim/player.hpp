#pragma once

#include <fusegate/config/config.hpp>
#include <fusegate/exchange/exchange.hpp>

#include "sim/outcome.hpp"
#include "sim/service.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

namespace fusegate::sim {

/// Plays a scenario with the code that decides in production: each request is an Exchange against
/// one UpstreamState, driven by a virtual clock. The same seed gives the same run.
class Player {
 public:
  Player(const config::UpstreamConfig& upstream, const config::RequestPolicy& policy,
         const Scenario& scenario, const Model& model, std::uint64_t seed);
  ~Player();
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  Outcome play();

 private:
  using Decision = exchange::Decision;
  using Ending = exchange::Exchange::Ending;
  enum class What : std::uint8_t { Wake, Slot, SlotTimeout, Leave, Hedge, Answer, Work, Timeout };

  struct Event {
    Instant at;
    std::uint64_t order;
    std::uint64_t job;  ///< Of Answer, Work and Timeout.
    std::uint32_t request;
    std::uint32_t generation;
    std::uint8_t endpoint;
    What what;
    bool operator>(const Event& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  /// An attempt on its way; 0 = none.
  struct Lane {
    std::uint64_t job = 0;
    std::uint8_t endpoint = 0;
  };
  struct Request {
    exchange::Report report;
    std::optional<exchange::Exchange> exchange;
    Instant arrived;
    std::uint32_t index = 0;  ///< Its place in the list.
    std::uint32_t generation = 0;
    unsigned status = 0;  ///< Of the last response.
    Lane current;
    Lane other;
    bool queued = false;
  };

  void arrive();
  void handle(const Event& event);
  void obey(Request& request, const Decision& decision);
  void attempt(Request& request, const Decision& decision);
  void fail(Request& request, FailureClass failure, AttemptResult result, RejectReason reason,
            bool nothing_written);
  void answer(Request& request, unsigned status);
  bool select(Request& request, std::uint64_t job);
  void work_done(const Event& event);
  void end(Request& request, Ending ending);
  void begin_anew();
  void wake_waiters();
  void push(What what, Instant at, const Request& request, std::uint64_t job = 0,
            std::uint8_t endpoint = 0);
  Weather weather(std::uint32_t endpoint) const;
  double rate() const;
  Second& second_of(Instant at);
  void close_second();

  const config::UpstreamConfig& upstream_;
  config::RequestPolicy policy_;
  const Scenario& scenario_;
  const Model& model_;
  std::uint64_t seed_;
  Rng rng_;
  Instant begin_;
  Instant now_;
  std::unique_ptr<exchange::UpstreamState> state_;
  std::vector<Server> servers_;
  std::vector<std::unique_ptr<Request>> requests_;
  std::vector<std::uint32_t> free_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<std::vector<float>> latencies_;  ///< Of good answers, by the second of arrival.
  Outcome outcome_;
  std::uint64_t next_order_ = 0;
  std::uint64_t next_job_ = 1;
};

}  // namespace fusegate::sim
