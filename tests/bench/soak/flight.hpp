#pragma once

// What a caller sends in one go: one request, or several in a pipeline, and how it behaves while it
// sends and reads.
#include "message.hpp"
#include "plan.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace soak {

struct Sent {
  Plan plan;
  std::size_t end = 0;  ///< Of its bytes in the flight.
  bool old = false;     ///< HTTP/1.0.
  bool last = false;    ///< Asks for a close.
};

struct Flight {
  static constexpr std::size_t kNever = ~std::size_t{0};

  std::string bytes;
  std::vector<Sent> sent;
  std::size_t hold_at = kNever;         ///< Waits here for 100 (Continue).
  std::size_t abort_sent = kNever;      ///< Leaves after so many bytes.
  std::size_t abort_received = kNever;  ///< Leaves after so many bytes of the answer.
  bool aborts_with_reset = false;
  bool half_closes = false;    ///< Sends a FIN behind the requests.
  std::size_t piece = kNever;  ///< Bytes of one write.
  bool reads_slowly = false;
};

/// What no server may accept; each is one line of the head.
inline std::string_view malformation(std::uint64_t draw) {
  static constexpr std::array<std::string_view, 6> kLines{
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "Content-Length: 3\r\nContent-Length: 4\r\n",
      "X-Blank : no\r\n",
      "X-Folded: one\r\n two\r\n",
      "Host: another.test\r\n",
      "Transfer-Encoding: chunked, chunked\r\n"};
  return kLines[draw % kLines.size()];
}

inline void append_request(Flight& flight, const Plan& plan, bool old, bool last) {
  std::string& out = flight.bytes;
  const std::string number = text_of(plan.number);
  out.append(plan.method).append(" /").append(plan.route).append("/").append(number);
  out.append(old ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n").append("Host: soak.test\r\n");
  out.append("X-Soak-Number: ").append(number).append("\r\n");
  out.append("X-Soak-Note: ").append(note(plan)).append("\r\n");
  if (plan.keyed) {
    out.append("Idempotency-Key: ").append(number).append("\r\n");
  }
  if (plan.kind == Kind::Upgrade) {
    out.append("Connection: upgrade\r\nUpgrade: soak\r\n");
  } else if (last && !old) {
    out.append("Connection: close\r\n");
  }
  if (plan.kind == Kind::Malformed) {
    out.append(malformation(mixed(plan.key)));
  } else if (plan.request_chunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (plan.request_size > 0 && plan.kind != Kind::Upgrade) {
    out.append("Content-Length: ").append(std::to_string(plan.request_size)).append("\r\n");
  }
  out.append(plan.expect ? "Expect: 100-continue\r\n\r\n" : "\r\n");
  if (plan.expect || plan.kind == Kind::Upgrade) {
    flight.hold_at = out.size();
  }
  if (plan.kind != Kind::Malformed && (plan.has_body() || plan.kind == Kind::Upgrade)) {
    std::string body(plan.request_size, ' ');
    fill(plan.request_key(), 0, body.data(), body.size());
    if (plan.request_chunked) {
      const std::string trailer = "X-Soak-Trailer: " + number + "\r\n";
      append_chunks(out, body, Dice{plan.key + 3}, plan.request_trailer ? trailer : "");
    } else {
      out += body;
    }
  }
  flight.sent.push_back({plan, out.size(), old, last});
}

/// Makes flights from the numbers it is given.
class Flights {
 public:
  explicit Flights(Dice& dice) : dice_(dice) {}

  template <class NextPlan>
  Flight next(NextPlan&& next_plan) {
    Flight flight;
    if (held_.empty() && dice_.percent(10)) {
      pipeline(flight, next_plan);
      if (!flight.sent.empty()) {
        return flight;
      }
    }
    Plan plan = take(next_plan);
    const bool old = plan.kind == Kind::Plain && !plan.request_chunked && !plan.expect &&
                     !plan.early && dice_.percent(2);
    append_request(flight, plan, old, old || dice_.percent(4));
    behave(flight);
    return flight;
  }

 private:
  template <class NextPlan>
  Plan take(NextPlan&& next_plan) {
    if (held_.empty()) {
      return next_plan();
    }
    const Plan plan = held_.front();
    held_.pop_front();
    return plan;
  }

  template <class NextPlan>
  void pipeline(Flight& flight, NextPlan&& next_plan) {
    const std::uint64_t count = 2 + dice_.below(7);
    for (std::uint64_t i = 0; i < count; ++i) {
      const Plan plan = next_plan();
      const bool fits = plan.kind != Kind::Upgrade && !plan.expect && !plan.early &&
                        plan.request_size < 64 * 1024;
      if (!fits) {
        held_.push_back(plan);
        return;
      }
      append_request(flight, plan, false, false);
      if (plan.kind == Kind::Malformed) {
        return;
      }
    }
  }

  void behave(Flight& flight) {
    const Sent& only = flight.sent.front();
    if (dice_.percent(5)) {
      flight.piece = 1 + dice_.below(only.end < 2000 ? 50 : 50'000);
    }
    flight.reads_slowly = dice_.percent(2);
    if (only.plan.kind == Kind::Upgrade) {
      return;
    }
    if (dice_.percent(3)) {
      flight.abort_sent = dice_.below(flight.bytes.size());
    } else if (dice_.percent(3)) {
      flight.abort_received = dice_.below(only.plan.response_size + 200);
    } else {
      flight.half_closes = !only.plan.expect && dice_.percent(1);
    }
    flight.aborts_with_reset = dice_.percent(50);
  }

  Dice& dice_;
  std::deque<Plan> held_;  ///< Numbers that did not fit into a pipeline.
};

}  // namespace soak
