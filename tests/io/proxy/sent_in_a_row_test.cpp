// Messages that are put off to the end of a turn and then meet a broken or a full connection
// (docs/adr/0016-sent-in-a-row.md). Two clients and their servers' connections do the same at the
// same time, so that each turn has several events.
#include "property/proxy/rig.hpp"

#include <gtest/gtest.h>

#include <sys/eventfd.h>

#include <functional>
#include <string>
#include <utility>

namespace fusegate::test {
namespace {

/// Something that happens in the middle of a turn: behind the events that have come before it.
class Meanwhile final : public net::EventSource {
 public:
  Meanwhile(net::EventLoop& loop, std::function<void()> what) : what_(std::move(what)) {
    check_system(loop.watch(event_.fd(), *this, EPOLLIN | EPOLLET), "watch");
  }
  void on_events(std::uint32_t) override { what_(); }

 private:
  std::function<void()> what_;
  Socket event_{::eventfd(1, EFD_CLOEXEC)};
};

class SentInARow : public testing::Test {
 protected:
  static constexpr int kTiny = 1;  // As small a buffer as the system makes.

  SentInARow() {
    config_->routes[0].policy.retries = 0;
    rig_.set_endpoints(0, {Doors::instance().server(0).address()});
  }

  /// Two clients whose requests have both been answered, so that two connections are kept.
  void open_clients(int buffer = 1 << 18) {
    for (Client* client : {&rig_.open_client(false, buffer), &rig_.open_client(false, buffer)}) {
      client->get();
    }
    rig_.settle();
    ASSERT_EQ(servers_.size(), 2U);
    say();
    EXPECT_EQ(answers(), 2U);
  }
  /// All servers that were asked answer.
  void say(const std::string& fields = "") {
    for (ServerConnection& server : servers_) {
      if (server.owes_answer()) {
        server.say("200 OK", "content-length: 0\r\n" + fields);
      }
    }
    rig_.settle();
  }
  /// Asks for answers that no longer fit into what the system keeps for a client.
  void fill() {
    for (Client& client : clients_) {
      client.pause(true);
      client.get();
    }
    rig_.settle();
    say("x-pad: " + std::string(3500, 'p') + "\r\n");
  }
  /// The last requests of full clients, whose answers have to be kept until there is room.
  void fill_and_finish() {
    fill();
    for (Client& client : clients_) {
      client.get("connection: close\r\n");
    }
    rig_.settle();
    say();
  }
  std::size_t answers() const {
    std::size_t all = 0;
    for (const Client& client : clients_) {
      all += client.answers();
    }
    return all;
  }
  void read_on() {
    for (Client& client : clients_) {
      client.pause(false);
    }
    rig_.settle();  // Ends with what the clients read,
    rig_.settle();  // and so there is room.
  }

  std::shared_ptr<config::Config> config_ = base_config();
  WireRig rig_{config_, 1, 1};
  std::deque<Client>& clients_ = rig_.clients();
  std::deque<ServerConnection>& servers_ = rig_.servers();
};

TEST_F(SentInARow, APostThatItsConnectionRefusedIsSentOverAnother) {
  open_clients();
  clients_[0].post();
  const Meanwhile meanwhile{rig_.loop(), [&] {
                              for (ServerConnection& server : servers_) {
                                server.leave(true);
                              }
                            }};
  rig_.settle();
  ASSERT_EQ(servers_.size(), 3U);
  say();
  EXPECT_EQ(answers(), 3U);
  rig_.run_out();
}

TEST_F(SentInARow, AnAnswerThatASlowClientHasNoRoomForIsNotCutByTheClose) {
  open_clients(kTiny);
  fill_and_finish();
  EXPECT_EQ(rig_.sessions(), 2U) << "closed over what was not read yet";
  read_on();
  EXPECT_EQ(answers(), 6U);
  EXPECT_EQ(rig_.sessions(), 0U);
  rig_.run_out();
}

TEST_F(SentInARow, AClientThatNeverReadsItsLastAnswerIsClosedAfterTheBodyTimeout) {
  open_clients(kTiny);
  fill_and_finish();
  rig_.advance(config_->limits.body_timeout - 1ms);
  rig_.settle();
  EXPECT_EQ(rig_.sessions(), 2U);
  rig_.advance(2ms);
  rig_.settle();
  EXPECT_EQ(rig_.sessions(), 0U);
  rig_.run_out();
}

TEST_F(SentInARow, AnswersBehindARestKeepTheirOrder) {
  open_clients(kTiny);
  fill();
  for (int more = 0; more < 3; ++more) {
    for (Client& client : clients_) {
      client.get();
    }
    rig_.settle();
    say();
  }
  read_on();
  say();
  read_on();
  EXPECT_EQ(answers(), 10U);
  rig_.run_out();
}

}  // namespace
}  // namespace fusegate::test
