// What a service does with its requests, without sockets: endpoints with a few slots each, an
// exponential time for each request, and a queue in order of arrival.
#pragma once

#include <fusegate/base/rng.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <optional>
#include <queue>
#include <string_view>
#include <vector>

using Nanoseconds = std::int64_t;
inline constexpr Nanoseconds kMillisecond = 1'000'000;

enum class Manner { Serves, Errors, Refuses, Silent };

/// From `at` on, an endpoint behaves in another way.
struct Event {
  Nanoseconds at = 0;
  std::size_t endpoint = 0;
  Manner manner = Manner::Serves;
  double slower = 1;
};

inline Event parse_event(const char* text) {
  char manner[16] = "";
  Event event;
  long long ms = 0;
  if (std::sscanf(text, "%lld:%zu:%15[a-z]:%lf", &ms, &event.endpoint, manner, &event.slower) !=
      4) {
    std::fprintf(stderr, "service: \"%s\" is not MS:ENDPOINT:MANNER:FACTOR\n", text);
    std::exit(2);
  }
  event.at = ms * kMillisecond;
  const std::string_view name{manner};
  event.manner = name == "errors"    ? Manner::Errors
                 : name == "refuses" ? Manner::Refuses
                 : name == "silent"  ? Manner::Silent
                                     : Manner::Serves;
  return event;
}

/// Who asked.
struct Job {
  int fd = -1;
  std::uint64_t serial = 0;  ///< Of the connection: a descriptor is used again.
};

struct Answer {
  Nanoseconds at = 0;
  std::size_t endpoint = 0;
  std::uint64_t epoch = 0;
  Job job;
  bool good = true;
  bool worked = true;  ///< Held a slot.
  bool operator<(const Answer& other) const { return at > other.at; }
};

class Model {
 public:
  Model(std::size_t endpoints, unsigned slots, double mean_ms, std::size_t backlog,
        std::uint64_t seed)
      : slots_(slots), mean_(mean_ms * 1e6), backlog_(backlog), rng_(seed), endpoints_(endpoints) {}

  void behave(const Event& event) {
    endpoints_[event.endpoint].manner = event.manner;
    endpoints_[event.endpoint].slower = event.slower;
  }

  /// As a process that is killed: what waits and what is worked on is gone.
  void restart(std::size_t index) {
    Endpoint& endpoint = endpoints_[index];
    ++endpoint.epoch;
    endpoint.busy = 0;
    endpoint.queue.clear();
  }

  /// A request; `light` ones need no slot.
  void arrive(std::size_t index, Job job, bool light, Nanoseconds now) {
    Endpoint& endpoint = endpoints_[index];
    if (endpoint.manner == Manner::Silent) {
      return;
    }
    const bool full = endpoint.busy >= slots_ && endpoint.queue.size() >= backlog_;
    const bool good = !full && endpoint.manner != Manner::Errors;
    if (light || !good) {
      answers_.push({now + kMillisecond, index, endpoint.epoch, job, good, false});
    } else if (endpoint.busy < slots_) {
      ++endpoint.busy;
      begin(index, job, now);
    } else {
      endpoint.queue.push_back(job);
    }
  }

  /// When the next answer is due.
  std::optional<Nanoseconds> next() const {
    return answers_.empty() ? std::nullopt : std::optional{answers_.top().at};
  }

  /// The next answer that is due by `now` and not lost; its slot goes to the next in the queue.
  std::optional<Answer> take(Nanoseconds now) {
    while (!answers_.empty() && answers_.top().at <= now) {
      const Answer answer = answers_.top();
      answers_.pop();
      Endpoint& endpoint = endpoints_[answer.endpoint];
      if (answer.epoch != endpoint.epoch) {
        continue;
      }
      if (answer.worked && endpoint.queue.empty()) {
        --endpoint.busy;
      } else if (answer.worked) {
        begin(answer.endpoint, endpoint.queue.front(), answer.at);
        endpoint.queue.pop_front();
      }
      if (endpoint.manner != Manner::Silent) {
        return answer;
      }
    }
    return std::nullopt;
  }

 private:
  struct Endpoint {
    Manner manner = Manner::Serves;
    double slower = 1;
    std::uint64_t epoch = 0;  ///< Work begun before a restart is gone.
    unsigned busy = 0;
    std::deque<Job> queue;
  };

  void begin(std::size_t index, Job job, Nanoseconds now) {
    const double time = -std::log(1 - rng_.uniform()) * mean_ * endpoints_[index].slower;
    answers_.push({now + static_cast<Nanoseconds>(time), index, endpoints_[index].epoch, job});
  }

  unsigned slots_;
  double mean_;
  std::size_t backlog_;
  fusegate::Rng rng_;
  std::vector<Endpoint> endpoints_;
  std::priority_queue<Answer> answers_;
};
