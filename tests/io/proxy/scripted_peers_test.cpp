// Orders of events between a client, the proxy and its servers that random scripts have found, each
// by itself. Every rig also judges whose response is whose, and that the loop comes to rest.
#include "property/proxy/rig.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace fusegate::test {
namespace {

class ScriptedPeers : public testing::Test {
 protected:
  config::RequestPolicy& policy() { return config_->routes[0].policy; }
  /// Begins with two servers, whose connections appear in `servers()` as they are accepted.
  WireRig& rig() {
    if (!rig_) {
      rig_ = std::make_unique<WireRig>(config_, 1, 1);
      rig_->set_endpoints(
          0, {Doors::instance().server(0).address(), Doors::instance().server(1).address()});
    }
    return *rig_;
  }
  std::deque<ServerConnection>& servers() { return rig().servers(); }

  std::shared_ptr<config::Config> config_ = base_config();
  std::unique_ptr<WireRig> rig_;
};

TEST_F(ScriptedPeers, AClientThatSendsAheadLetsTheLoopSleepDuringABackoff) {
  Client& client = rig().open_client();
  client.get();
  client.get();
  rig().settle();
  servers().at(0).say("503 Unavailable", "retry-after: 1\r\ncontent-length: 0\r\n");
  rig().settle();
  EXPECT_EQ(client.answers(), 0U) << "this is to be retried";
  rig().advance(2s);
  rig().settle();
  ASSERT_EQ(servers().size(), 2U);
  servers().at(1).say("200 OK");
  rig().settle();
  EXPECT_EQ(client.answers(), 1U);
  rig().run_out();
}

TEST_F(ScriptedPeers, AClientThatSendsAheadLetsTheLoopSleepWhileItWaitsForASlot) {
  config_->upstreams[0].concurrency.max_in_flight = 1;
  Client& first = rig().open_client();
  first.get();
  rig().settle();
  Client& second = rig().open_client();
  second.get();
  second.get();
  rig().settle();
  servers().at(0).say("200 OK");
  rig().settle();
  EXPECT_EQ(first.answers(), 1U);
  rig().run_out();
}

TEST_F(ScriptedPeers, AnInterimResponseOfALateAttemptEndsNoRace) {
  policy().hedge.enabled = true;
  policy().hedge.after = 20ms;
  policy().hedge.max_percent = Ratio::percent(100);
  Client& client = rig().open_client();
  client.get();
  rig().settle();
  rig().advance(25ms);
  rig().settle();
  ASSERT_EQ(servers().size(), 2U) << "the hedge";
  servers().at(0).say("103 Early Hints", "");
  rig().settle();
  EXPECT_EQ(client.answers(), 0U);
  servers().at(0).say("200 OK");
  rig().settle();
  EXPECT_EQ(client.answers(), 1U);
  rig().run_out();
}

TEST_F(ScriptedPeers, AClientThatSendsAheadEndsNoRace) {
  policy().hedge.enabled = true;
  policy().hedge.after = 20ms;
  policy().hedge.max_percent = Ratio::percent(100);
  Client& client = rig().open_client();
  client.get();
  rig().settle();
  rig().advance(25ms);
  rig().settle();
  ASSERT_EQ(servers().size(), 2U) << "the hedge";
  client.get();
  rig().settle();
  EXPECT_EQ(client.answers(), 0U);
  servers().at(1).say("200 OK");
  rig().settle();
  EXPECT_EQ(client.answers(), 1U);
  rig().run_out();
}

TEST_F(ScriptedPeers, AResponseNobodyAskedForReachesNobody) {
  rig().set_endpoints(0, {Doors::instance().server(0).address()});
  Client& client = rig().open_client();
  client.get();
  rig().settle();
  servers().at(0).say("200 OK");
  rig().settle();
  EXPECT_EQ(client.answers(), 1U);
  // Both in one turn, in either order.
  client.get();
  servers().at(0).stray();
  rig().settle();
  EXPECT_EQ(client.answers(), 1U);
  ASSERT_EQ(servers().size(), 2U) << "a connection that has spoken out of turn is not used";
  servers().at(1).say("200 OK");
  servers().at(1).stray();
  client.get();
  rig().settle();
  ASSERT_EQ(servers().size(), 3U);
  servers().at(2).say("200 OK");
  rig().settle();
  EXPECT_EQ(client.answers(), 3U);
  rig().run_out();
}

}  // namespace
}  // namespace fusegate::test
