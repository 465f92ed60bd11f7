#include "sim/service.hpp"

#include <gtest/gtest.h>

namespace fusegate::sim {
namespace {

using namespace std::chrono_literals;

constexpr Instant at(Duration since_start) { return Instant{} + 1000s + since_start; }

TEST(Server, WorksOnAsManyAsItHasSlots) {
  const Model model{.slots = 2, .backlog = 1};
  Server server(model, 1);
  Instant done;
  EXPECT_EQ(server.arrive(1, 1, at(0s), done), Server::Taken::Works);
  EXPECT_GT(done, at(0s));
  EXPECT_EQ(server.arrive(2, 1, at(0s), done), Server::Taken::Works);
  EXPECT_EQ(server.arrive(3, 1, at(0s), done), Server::Taken::Queues);
  EXPECT_EQ(server.arrive(4, 1, at(0s), done), Server::Taken::Refused);
  EXPECT_EQ(server.waiting(), 1U);
}

TEST(Server, ServesItsQueueInOrderOfArrival) {
  const Model model{.slots = 1};
  Server server(model, 1);
  Instant done;
  for (Server::Job job = 1; job <= 4; ++job) {
    (void)server.arrive(job, 1, at(0s), done);
  }
  for (Server::Job job = 2; job <= 4; ++job) {
    const auto next = server.finish(1, at(1s));
    ASSERT_TRUE(next);
    EXPECT_EQ(next->job, job);
    EXPECT_GT(next->done, at(1s));
  }
  EXPECT_FALSE(server.finish(1, at(2s)));
  EXPECT_EQ(server.busy(), 0U);
}

TEST(Server, TakesItsMeanTimeAndMoreWhenItIsSlower) {
  const Model model{.slots = 1, .service_time = 20ms};
  for (const double slower : {1.0, 5.0}) {
    Server server(model, 7);
    Duration sum{};
    Instant done;
    for (int i = 0; i < 20'000; ++i) {
      (void)server.arrive(1, slower, at(0s), done);
      sum += done - at(0s);
      (void)server.finish(slower, done);
    }
    const double mean = std::chrono::duration<double>(sum).count() / 20'000;
    EXPECT_NEAR(mean, 0.020 * slower, 0.0006 * slower);
  }
}

}  // namespace
}  // namespace fusegate::sim
