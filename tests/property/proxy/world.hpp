#pragma once

#include "property/proxy/client.hpp"
#include "property/proxy/server.hpp"
#include "property/proxy/settings.hpp"
#include "proxy/session.hpp"
#include "proxy/worker.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>

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
/// a clock that the script moves: bytes in pieces, half-closes, resets, stalls, early and stray
/// responses, and jumps that let every timer fire, in any order.
class WireWorld {
 public:
  WireWorld(Dice dice, std::uint64_t seed)
      : dice_(dice),
        config_(choose_config(dice_)),
        shared_{config_, route::RouteTable{config_}, {}, Sinks::instance().log} {
    tcp_ = dice_.below(8) == 0;
    for (const auto& settings : config_->upstreams) {
      shared_.upstreams.push_back(std::make_unique<upstream::Upstream>(settings, seed, now_));
    }
    change_endpoints();
    shared_.upstreams[1]->add_fixed({Doors::instance().server(0).address()}, now_);
    const std::size_t count = 1 + dice_.below(2);
    for (std::size_t index = 0; index < count; ++index) {
      metrics_.push_back(std::make_unique<telemetry::WorkerMetrics>(*config_));
      workers_.push_back(std::make_unique<proxy::Worker>(shared_, *metrics_.back(),
                                                         Sinks::instance().access, index, now_));
    }
  }
  ~WireWorld() {
    for (auto& worker : workers_) {
      worker->kill_sessions();
      worker->loop.run_posted();
    }
    for (ServerConnection& connection : servers_) {
      connection.leave(true);
    }
  }

  void step() {
    act();
    if (dice_.below(4) > 0) {
      settle();
    }
  }

  /// Nobody does anything any more: deadlines alone must end everything, and nothing may be left.
  void finish() {
    const bool silent = dice_.below(2) == 0;
    for (Client& client : clients_) {
      silent ? client.pause(dice_.below(2) == 0) : client.leave(dice_.below(2) == 0);
    }
    settle();
    Duration jump = 50ms;
    for (int i = 0; i < 300 && sessions() > 0; ++i) {
      now_ += jump;
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

  bool used_up() const { return dice_.used_up(); }

 private:
  static constexpr int kTurnsMax = 5000;

  void act() {
    switch (dice_.below(20)) {
      case 0:
        open_client();
        return;
      case 1:
      case 2:
      case 3:
        if (clients_.empty()) {
          open_client();
        }
        if (Client& client = pick(clients_); client.may_ask()) {
          client.ask(dice_);
          client.send(amount());
        }
        return;
      case 4:
        break;
      case 5:
      case 6:
      case 7:
      case 8:
        answer();
        return;
      case 9:
      case 10:
        advance();
        return;
      default:
        disturb();
        return;
    }
    for (Client& client : clients_) {
      client.send(amount());
    }
    for (ServerConnection& server : servers_) {
      server.send(amount());
    }
  }

  void open_client() {
    if (clients_.size() >= 6) {
      return;
    }
    net::SocketAddress peer;
    const int buffer = dice_.below(2) == 0 ? 1 : 1 << 18;
    auto [own, accepted] = Doors::instance().client_pair(tcp_, buffer, peer);
    clients_.emplace_back(clients_.size(), std::move(own), tcp_, ledger_);
    shared_.connections.fetch_add(1);
    workers_[dice_.below(workers_.size())]->adopt(accepted.release(), peer, 0);
  }

  /// One connection that owes a response gives one, or a part of it.
  void answer() {
    std::vector<ServerConnection*> owing;
    for (ServerConnection& server : servers_) {
      if (server.owes_answer()) {
        owing.push_back(&server);
      }
    }
    if (!owing.empty()) {
      ServerConnection& server = *owing[dice_.below(owing.size())];
      server.answer(dice_);
      server.send(amount());
    }
  }

  void disturb() {
    const auto kind = dice_.below(12);
    if (kind == 11) {
      disturb_all();
    } else if (kind % 2 == 0 && !servers_.empty()) {
      disturb_server(pick(servers_), kind);
    } else if (!clients_.empty()) {
      disturb_client(pick(clients_), kind);
    }
  }
  void disturb_server(ServerConnection& server, std::uint64_t kind) {
    switch (kind) {
      case 0:
        return server.end();
      case 2:
        return server.leave(dice_.below(2) == 0);
      case 4:
        return server.pause(dice_.below(2) == 0);
      case 6:
        return server.stray();
      case 8:
        server.talk_in_tunnel(body_size(dice_));
        return server.send(amount());
      default:
        return server.send(amount());
    }
  }
  void disturb_client(Client& client, std::uint64_t kind) {
    switch (kind) {
      case 1:
        return client.end();
      case 3:
        return client.leave(dice_.below(2) == 0);
      case 5:
        return client.pause(dice_.below(2) == 0);
      case 7:
        client.talk_in_tunnel(body_size(dice_));
        return client.send(amount());
      default:
        return client.send(amount());
    }
  }
  void disturb_all() {
    const auto kind = dice_.below(6);
    if (kind < 4) {
      change_endpoints();
    } else if (kind == 4) {
      shared_.draining = true;
      for (auto& worker : workers_) {
        worker->drain();
      }
    } else {
      shared_.upstreams[0]->with([&](exchange::UpstreamState& state) {
        state.force_breaker(static_cast<policy::Forced>(dice_.below(3)), now_ + 1s, now_);
        return 0;
      });
    }
  }

  void change_endpoints() {
    const Doors& doors = Doors::instance();
    const auto chosen = dice_.below(64);
    std::vector<std::string> names;
    const std::size_t first = tcp_ ? 2 : 0;
    names.push_back(doors.server(first).address());
    for (const auto& [bit, address] :
         {std::pair{1U, doors.server(1).address()}, std::pair{2U, doors.server(2).address()},
          std::pair{4U, doors.nobody()}, std::pair{8U, doors.stuck()},
          std::pair{16U, doors.missing()}}) {
      if ((chosen & bit) != 0) {
        names.push_back(address);
      }
    }
    if ((chosen & 32U) != 0) {
      names.erase(names.begin());
    }
    shared_.upstreams[0]->set_resolved(0, names, now_, &proxy::Session::grant_slot);
  }

  void advance() {
    switch (dice_.below(6)) {
      case 0:
        now_ += 1ms;
        return;
      case 1:
        now_ += 25ms;
        return;
      case 2:
        now_ += 300ms;
        return;
      case 3:
        now_ += 3s;
        return;
      case 4:
        now_ += 40s;
        return;
      default:
        for (auto& worker : workers_) {
          now_ = std::max(now_, worker->timers.next());
        }
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
      server.pause(false);
      server.receive();
      EXPECT_TRUE(tcp_ || !server.is_open()) << "a connection was forgotten";
    }
  }

  template <class List>
  typename List::value_type& pick(List& list) {
    return list[dice_.below(list.size())];
  }
  /// How many bytes go at once.
  std::size_t amount() { return dice_.below(3) > 0 ? 1 << 20 : 1 + dice_.below(200); }
  std::size_t sessions() const {
    std::size_t count = 0;
    for (const auto& worker : workers_) {
      count += worker->load();
    }
    return count;
  }

  Dice dice_;
  config::ConfigPtr config_;
  proxy::Shared shared_;
  Instant now_{1000s};
  bool tcp_ = false;
  Ledger ledger_;
  std::deque<Client> clients_;
  std::deque<ServerConnection> servers_;
  std::vector<std::unique_ptr<telemetry::WorkerMetrics>> metrics_;
  std::vector<std::unique_ptr<proxy::Worker>> workers_;
};

}  // namespace fusegate::test
