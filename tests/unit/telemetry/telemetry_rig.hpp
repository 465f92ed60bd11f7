#pragma once

#include <fusegate/config/config.hpp>
#include <fusegate/exchange/report.hpp>

#include "telemetry/line.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>

namespace fusegate::test {

using namespace std::chrono_literals;

/// Two routes to two upstreams behind one listener.
inline std::shared_ptr<config::Config> two_routes() {
  auto config = std::make_shared<config::Config>();
  config->listeners.resize(1);
  config->listeners[0].name = "egress";
  config->upstreams.resize(2);
  config->upstreams[0].name = "payments";
  config->upstreams[1].name = "orders";
  config->routes.resize(2);
  config->routes[0].name = "pay";
  config->routes[0].upstream = 0;
  config->routes[1].name = "all";
  config->routes[1].upstream = 1;
  config->hash = "0123456789abcdef0123456789abcdef";
  return config;
}

inline WallTime wall(Duration since_1970) {
  return WallTime{std::chrono::duration_cast<WallTime::duration>(since_1970)};
}

/// 2026-11-23T18:01:38.508Z
inline const WallTime kEvening = wall(1795456898s + 508ms);

/// The request of the contract's example: a reset on a kept connection, then 200.
struct Example {
  exchange::EndpointState first{"10.1.2.3:8443", 0, policy::BreakerSettings{}, 128, Instant{}};
  exchange::EndpointState second{"10.1.2.9:8443", 1, policy::BreakerSettings{}, 128, Instant{}};
  exchange::Report report;

  Example() {
    first.epoch = 1;
    second.epoch = 2;
    report.listener = 0;
    report.route = 0;
    report.upstream = 0;
    report.status = 200;
    report.result = RequestResult::Ok;
    report.method = "POST";
    report.host = "payments.local";
    report.path = "/payments/1?card=4111";
    report.protocol = "HTTP/1.1";
    report.request_id = "r-1";
    report.trace_id = "t-1";
    report.client = "127.0.0.1:60952";
    report.started_wall = kEvening;
    report.duration = 212400us;
    report.upstream_time = 211800us;
    report.backoff = 400us;
    report.bytes_in = 120;
    report.bytes_out = 512;
    report.attempts = 2;
    report.try_count = 2;
    report.tries[0] = {.endpoint = &first,
                       .duration = 180100us,
                       .kind = AttemptKind::First,
                       .result = AttemptResult::Reset,
                       .failure = FailureClass::NoResponse,
                       .reused = true};
    report.tries[1] = {.endpoint = &second,
                       .duration = 31300us,
                       .wait = 400us,
                       .status = 200,
                       .kind = AttemptKind::Retry,
                       .result = AttemptResult::Ok};
  }
};

/// A pipe whose reader is the test.
class Pipe {
 public:
  Pipe() {
    if (::pipe(ends_.data()) != 0) {
      std::abort();
    }
  }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  int writer() const { return ends_[1]; }
  void close_writer() {
    if (ends_[1] >= 0) {
      ::close(ends_[1]);
      ends_[1] = -1;
    }
  }
  /// Writers get EPIPE from now on, and no signal.
  void close_reader() {
    if (ends_[0] >= 0) {
      std::signal(SIGPIPE, SIG_IGN);
      ::close(ends_[0]);
      ends_[0] = -1;
    }
  }
  /// Everything written; the write end is closed first.
  std::string drain() {
    close_writer();
    return read_all();
  }
  int reader() const { return ends_[0]; }
  /// Until the write end is closed.
  std::string read_all() const {
    std::string all;
    std::array<char, 4096> piece;
    for (ssize_t got; (got = ::read(ends_[0], piece.data(), piece.size())) > 0;) {
      all.append(piece.data(), static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

}  // namespace fusegate::test
