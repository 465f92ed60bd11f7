#include "telemetry/worker_metrics.hpp"

#include "unit/telemetry/telemetry_rig.hpp"

#include <gtest/gtest.h>

namespace fusegate::telemetry {
namespace {

using namespace std::chrono_literals;

template <class Enum>
std::size_t at(Enum value) {
  return static_cast<std::size_t>(value);
}

class WorkerMetricsTest : public testing::Test {
 protected:
  std::shared_ptr<config::Config> config_ = test::two_routes();
  test::Example example_;
};

TEST_F(WorkerMetricsTest, CountsTheWholeStoryOfARequest) {
  WorkerMetrics metrics(*config_);
  metrics.record(example_.report);
  const RouteCounters& route = metrics.route(0);
  EXPECT_EQ(route.requests.get(decltype(route.requests)::index_of(200), at(RequestResult::Ok)), 1u);
  EXPECT_EQ(route.recovered.get(), 1u);
  EXPECT_EQ(route.bytes_in.get(), 120u);
  EXPECT_EQ(route.bytes_out.get(), 512u);
  EXPECT_EQ(route.attempts.get(), 2u);
  EXPECT_EQ(route.retries[at(FailureClass::NoResponse)].get(), 1u);
  EXPECT_EQ(route.backoff_ns.get(), 400'000u);
  EXPECT_EQ(route.duration.sum_ns(), 212'400'000u);

  using Column = UpstreamCounters;
  const UpstreamCounters& upstream = metrics.upstream(0);
  using Attempts = decltype(upstream.attempts);
  EXPECT_EQ(upstream.attempts.get(std::remove_cvref_t<Attempts>::index_of(0),
                                  Column::attempt_column(AttemptKind::First, AttemptResult::Reset)),
            1u);
  EXPECT_EQ(upstream.attempts.get(std::remove_cvref_t<Attempts>::index_of(200),
                                  Column::attempt_column(AttemptKind::Retry, AttemptResult::Ok)),
            1u);
  EXPECT_EQ(upstream.attempt_duration.sum_ns(), 211'400'000u);
  EXPECT_EQ(metrics.route(1).attempts.get(), 0u) << "the other route saw nothing";
}

TEST_F(WorkerMetricsTest, CountsDenialsRejectionsAndOverflows) {
  WorkerMetrics metrics(*config_);
  auto& report = example_.report;
  report.denied = DenyReason::Budget;
  report.result = RequestResult::Rejected;
  report.reason = RejectReason::Reset;
  report.status = 502;
  report.replay_overflow = true;
  report.queue_wait = 3ms;
  report.queue_upstream = 0;
  metrics.record(report);
  const RouteCounters& route = metrics.route(0);
  EXPECT_EQ(route.denied[at(DenyReason::Budget)].get(), 1u);
  EXPECT_EQ(route.rejected[at(RejectReason::Reset)].get(), 1u);
  EXPECT_EQ(route.replay_overflows.get(), 1u);
  EXPECT_EQ(route.recovered.get(), 0u);
  EXPECT_EQ(metrics.upstream(0).queue_wait.sum_ns(), 3'000'000u);
}

TEST_F(WorkerMetricsTest, CountsRequestsWithoutARouteApart) {
  WorkerMetrics metrics(*config_);
  exchange::Report report;
  report.status = 404;
  report.result = RequestResult::Rejected;
  report.reason = RejectReason::NoRoute;
  metrics.record(report);
  EXPECT_EQ(metrics.route(exchange::Report::kNone).rejected[at(RejectReason::NoRoute)].get(), 1u);
  EXPECT_EQ(metrics.route(0).requests.total(at(RequestResult::Rejected)), 0u);
}

TEST_F(WorkerMetricsTest, CountsAClientThatLeftAs499) {
  WorkerMetrics metrics(*config_);
  example_.report.result = RequestResult::ClientGone;
  metrics.record(example_.report);
  const auto& requests = metrics.route(0).requests;
  EXPECT_TRUE(requests.has_own_slot(std::remove_cvref_t<decltype(requests)>::index_of(499)));
  EXPECT_FALSE(requests.has_own_slot(std::remove_cvref_t<decltype(requests)>::index_of(200)));
}

TEST_F(WorkerMetricsTest, KeepsEndpointsApartOnlyWhenAsked) {
  WorkerMetrics without(*config_);
  without.record(example_.report);
  EXPECT_TRUE(without.upstream(0).endpoints.empty());

  config_->metrics.per_endpoint = true;
  WorkerMetrics metrics(*config_);
  metrics.record(example_.report);
  metrics.record(example_.report);
  const auto& endpoints = metrics.upstream(0).endpoints;
  EXPECT_EQ(endpoints[0].attempts[at(AttemptResult::Reset)].get(), 2u);
  EXPECT_EQ(endpoints[1].attempts[at(AttemptResult::Ok)].get(), 2u);

  example_.first.epoch = 9;
  metrics.record(example_.report);
  EXPECT_EQ(endpoints[0].attempts[at(AttemptResult::Reset)].get(), 1u)
      << "a new endpoint in the slot begins at zero";
}

TEST(Histogram, PutsEdgesIntoTheirOwnBucket) {
  Histogram histogram({1ms, 10ms});
  histogram.observe(0ns);
  histogram.observe(1ms);
  histogram.observe(1ms + 1ns);
  histogram.observe(10ms);
  histogram.observe(1h);
  histogram.observe(-1s);
  EXPECT_EQ(histogram.count(0), 3u);
  EXPECT_EQ(histogram.count(1), 2u);
  EXPECT_EQ(histogram.count(2), 1u);
  EXPECT_EQ(histogram.sum_ns(), 3'600'012'000'001u);
}

TEST(ByStatus, SharesTheLastSlotWhenTheOthersAreTaken) {
  ByStatus<1> counts;
  for (unsigned status = 100; status < 600; ++status) {
    counts.add(status, 0);
  }
  unsigned own = 0;
  for (std::size_t i = 0; i < ByStatus<1>::kStatuses; ++i) {
    own += counts.has_own_slot(i) ? 1 : 0;
  }
  EXPECT_EQ(own, ByStatus<1>::kSlots - 1);
  EXPECT_EQ(counts.shared(0), 500 - own);
  EXPECT_EQ(counts.total(0), 500u);
}

TEST(ByStatus, CountsImpossibleStatusesAsNone) {
  ByStatus<1> counts;
  for (const unsigned status : {0u, 99u, 600u, 65535u}) {
    counts.add(status, 0);
  }
  EXPECT_EQ(counts.get(0, 0), 4u);
}

}  // namespace
}  // namespace fusegate::telemetry
