#pragma once

#include "property/proxy/client.hpp"
#include "property/proxy/server.hpp"
#include "property/proxy/settings.hpp"
#include "proxy/session.hpp"
#include "proxy/worker.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fusegate::test {

/// What every world writes its logs to.
struct Sinks {
  Sinks() : fd(::open("/dev/null", O_WRONLY | O_CLOEXEC)) {
    check_system(fd.is_open(), "/dev/null");
  }
  static Sinks& instance() {
    static Sinks sinks;
    return sinks;
  }
  Socket fd;
  telemetry::Logger log{config::Log{.level = config::LogLevel::Error}, fd.fd()};
  telemetry::AccessLogWriter access{fd.fd()};
};

/// Real workers, sessions and attempts between scripted clients and servers, over real sockets, on
/// a clock that the script moves.
class WireRig {
 public:
  WireRig(config::ConfigPtr settings, std::size_t workers, std::uint64_t seed)
      : config_(std::move(settings)),
        shared_{config_, route::RouteTable{config_}, {}, {}, Sinks::instance().log} {
    shared_.listener_tls.resize(config_->listeners.size());  // Plain text.
    for (const auto& upstream : config_->upstreams) {
      shared_.upstreams.push_back(std::make_unique<upstream::Upstream>(upstream, seed, now_));
    }
    for (std::size_t index = 0; index < workers; ++index) {
      metrics_.push_back(std::make_unique<telemetry::WorkerMetrics>(*config_));
      workers_.push_back(std::make_unique<proxy::Worker>(shared_, *metrics_.back(),
                                                         Sinks::instance().access, index, now_));
    }
  }
  WireRig(const WireRig&) = delete;
  WireRig& operator=(const WireRig&) = delete;
  ~WireRig() {
    for (auto& worker : workers_) {
      worker->kill_sessions();
      worker->loop.run_posted();
    }
    for (ServerConnection& connection : servers_) {
      connection.leave(true);
    }
  }

  Client& open_client(bool tcp = false, int buffer = 1 << 18, std::size_t worker = 0) {
    net::SocketAddress peer;
    auto [own, accepted] = Doors::instance().client_pair(tcp, buffer, peer);
    clients_.emplace_back(clients_.size(), std::move(own), tcp, ledger_);
    shared_.connections.fetch_add(1);
    workers_[worker]->expect_one();
    workers_[worker]->adopt(accepted.release(), peer, 0);
    return clients_.back();
  }
  void set_endpoints(std::size_t upstream, const std::vector<std::string>& addresses) {
    shared_.upstreams[upstream]->set_resolved(0, addresses, now_, &proxy::Session::grant_slot);
  }
  void drain() {
    shared_.draining = true;
    for (auto& worker : workers_) {
      worker->drain();
    }
  }
  void force_breaker(policy::Forced how) {
    shared_.upstreams[0]->with([&](exchange::UpstreamState& state) {
      state.force_breaker(how, now_ + 1s, now_);
      return 0;
    });
  }

  void advance(Duration time) { now_ += time; }
  void advance_to_next_deadline() {
    for (auto& worker : workers_) {
      now_ = std::max(now_, worker->timers.next());
    }
  }

  /// Turns the loops until nothing moves while the clock stands still.
  void settle() {
    for (int turns = 0;; ++turns) {
      bool moved = false;
      for (auto& worker : workers_) {
        moved = worker->loop.fetch(0) || worker->timers.next() <= now_ || moved;
        worker->loop.turn(now_);
      }
      if (!moved) {
        break;
      }
      if (turns == kTurnsMax) {
        ADD_FAILURE() << "the loop spins";
        break;
      }
    }
    accept();
    for (Client& client : clients_) {
      client.receive();
    }
    for (ServerConnection& server : servers_) {
      server.receive();
    }
  }

  /// Deadlines alone must end everything, and nothing may be left.
  void run_out() {
    settle();
    Duration jump = 50ms;
    for (int i = 0; i < 300 && sessions() > 0; ++i) {
      advance(jump);
      jump = std::min<Duration>(jump * 2, 1h);
      settle();
    }
    EXPECT_EQ(sessions(), 0U) << "a session waits for ever";
    for (auto& worker : workers_) {
      for (auto& pool : worker->pools) {
        pool->close_all();
      }
    }
    settle();
    check_nothing_left();
  }

  std::size_t sessions() const {
    std::size_t count = 0;
    for (const auto& worker : workers_) {
      count += worker->load();
    }
    return count;
  }
  net::EventLoop& loop(std::size_t worker = 0) { return workers_[worker]->loop; }
  std::deque<Client>& clients() { return clients_; }
  std::deque<ServerConnection>& servers() { return servers_; }

 private:
  static constexpr int kTurnsMax = 5000;

  void accept() {
    const Doors& doors = Doors::instance();
    for (std::size_t index = 0; index < doors.servers(); ++index) {
      for (Socket socket = doors.server(index).accept(); socket.is_open();
           socket = doors.server(index).accept()) {
        servers_.emplace_back(std::move(socket), index == 2, ledger_);
      }
    }
  }

  void check_nothing_left() {
    std::int64_t in_flight = 0;
    std::int64_t open = 0;
    std::int64_t replay = 0;
    std::int64_t connections = 0;
    for (const auto& metrics : metrics_) {
      in_flight += metrics->route(0).in_flight.get();
      open += metrics->listener(0).open.get();
      replay += metrics->replay_bytes.get();
      for (std::size_t id = 0; id < shared_.upstreams.size(); ++id) {
        connections += metrics->upstream(id).connections_active.get();
        connections += metrics->upstream(id).connections_idle.get();
      }
    }
    EXPECT_EQ(in_flight, 0);
    EXPECT_EQ(open, 0);
    EXPECT_EQ(connections, 0);
    EXPECT_EQ(replay, 0);
    EXPECT_EQ(shared_.replay_memory.load(), 0U);
    EXPECT_EQ(shared_.connections.load(), 0U);
    for (auto& upstream : shared_.upstreams) {
      upstream->with([](exchange::UpstreamState& state) {
        EXPECT_EQ(state.attempts_in_flight(), 0U);
        EXPECT_EQ(state.limiter().in_flight(), 0U);
        EXPECT_EQ(state.limiter().waiting(), 0U);
        EXPECT_EQ(state.breaker().probes_in_flight(), 0U);
        for (const auto& endpoint : state.endpoints()) {
          EXPECT_EQ(endpoint->pins, 0U);
        }
        return 0;
      });
    }
    for (ServerConnection& server : servers_) {
      server.await_end();
      EXPECT_TRUE(!server.is_open()) << "a connection was forgotten";
    }
  }

  config::ConfigPtr config_;
  proxy::Shared shared_;
  Instant now_{1000s};
  Ledger ledger_;
  std::deque<Client> clients_;
  std::deque<ServerConnection> servers_;
  std::vector<std::unique_ptr<telemetry::WorkerMetrics>> metrics_;
  std::vector<std::unique_ptr<proxy::Worker>> workers_;
};

}  // namespace fusegate::test
