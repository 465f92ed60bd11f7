#pragma once

#include "property/proxy/rig.hpp"

#include <string>
#include <utility>
#include <vector>

namespace fusegate::test {

/// Random peers around a rig: bytes in pieces, half-closes, resets, stalls, early and stray
/// responses, and jumps that let every timer fire, in any order.
class WireWorld {
 public:
  WireWorld(Dice dice, std::uint64_t seed)
      : dice_(dice),
        config_(choose_config(dice_)),
        tcp_(dice_.below(8) == 0),
        rig_(config_, 2, seed) {
    change_endpoints();
    rig_.set_endpoints(1, {Doors::instance().server(0).address()});
    workers_used_ = 1 + dice_.below(2);
  }

  void step() {
    act();
    if (dice_.below(4) > 0) {
      rig_.settle();
    }
  }

  /// Nobody does anything any more.
  void finish() {
    const bool silent = dice_.below(2) == 0;
    for (Client& client : clients_) {
      silent ? client.pause(dice_.below(2) == 0) : client.leave(dice_.below(2) == 0);
    }
    rig_.run_out();
  }

  bool used_up() const { return dice_.used_up(); }

 private:
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
    const int buffer = dice_.below(2) == 0 ? 1 : 1 << 18;
    rig_.open_client(tcp_, buffer, dice_.below(workers_used_));
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
      rig_.drain();
    } else {
      rig_.force_breaker(static_cast<policy::Forced>(dice_.below(3)));
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
    rig_.set_endpoints(0, names);
  }

  void advance() {
    switch (dice_.below(6)) {
      case 0:
        return rig_.advance(1ms);
      case 1:
        return rig_.advance(25ms);
      case 2:
        return rig_.advance(300ms);
      case 3:
        return rig_.advance(3s);
      case 4:
        return rig_.advance(40s);
      default:
        return rig_.advance_to_next_deadline();
    }
  }

  template <class List>
  typename List::value_type& pick(List& list) {
    return list[dice_.below(list.size())];
  }
  /// How many bytes go at once.
  std::size_t amount() { return dice_.below(3) > 0 ? 1 << 20 : 1 + dice_.below(200); }

  Dice dice_;
  config::ConfigPtr config_;
  bool tcp_;
  WireRig rig_;
  std::size_t workers_used_ = 1;
  std::deque<Client>& clients_ = rig_.clients();
  std::deque<ServerConnection>& servers_ = rig_.servers();
};

}  // namespace fusegate::test
