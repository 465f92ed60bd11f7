#include "telemetry/metrics.hpp"

#include "unit/telemetry/metrics_rig.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace fusegate::telemetry {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

TEST_F(MetricsTest, HasEverySeriesOfBoundedLabelsFromTheStart) {
  const std::string text = sorted(scrape());
  for (
      const std::string_view series : {
          R"(fusegate_requests_total{code="200",result="ok",route="pay",upstream="payments"} 0)",
          R"(fusegate_attempts_total{code="",kind="hedge",result="tls_failed",upstream="orders"} 0)",
          R"(fusegate_retries_denied_total{reason="not_retryable",route="all",upstream="orders"} 0)",
          R"(fusegate_rejected_total{reason="try_timeout",route="pay",upstream="payments"} 0)",
          R"(fusegate_rejected_total{reason="no_route",route="",upstream=""} 0)",
          R"(fusegate_breaker_transitions_total{from="closed",reason="failure_rate",to="open",upstream="orders"} 0)",
          R"(fusegate_upstream_connects_total{result="tls_failed",upstream="orders"} 0)",
          R"(fusegate_endpoints{state="ramping",upstream="orders"} 0)",
          R"(fusegate_config_info{hash="0123456789ab"} 1)",
          R"(fusegate_metric_series_folded_total{metric="fusegate_requests_total"} 0)",
      }) {
    EXPECT_THAT(text, HasSubstr(series));
  }
  EXPECT_THAT(text, Not(HasSubstr("endpoint=")));
}

TEST_F(MetricsTest, AddsUpTheWorkers) {
  worker(0).record(example_.report);
  worker(1).record(example_.report);
  worker(0).listener(0).opened();
  worker(1).listener(0).opened();
  worker(1).listener(0).closed();
  worker(0).upstream(0).lookup_ended(DnsResult::Ok, test::wall(5s));
  worker(1).upstream(0).lookup_ended(DnsResult::Ok, test::wall(9s));
  worker(1).upstream(0).connect_ended(ConnectResult::Timeout, 1s);
  const std::string text = sorted(scrape());
  for (
      const std::string_view series : {
          R"(fusegate_requests_total{code="200",result="ok",route="pay",upstream="payments"} 2)",
          R"(fusegate_attempts_total{code="",kind="first",result="reset",upstream="payments"} 2)",
          R"(fusegate_attempts_total{code="200",kind="retry",result="ok",upstream="payments"} 2)",
          R"(fusegate_retries_total{reason="no_response",route="pay",upstream="payments"} 2)",
          R"(fusegate_recovered_total{route="pay",upstream="payments"} 2)",
          R"(fusegate_request_duration_seconds_count{route="pay",upstream="payments"} 2)",
          R"(fusegate_request_duration_seconds_bucket{route="pay",upstream="payments",le="0.1"} 0)",
          R"(fusegate_request_duration_seconds_bucket{route="pay",upstream="payments",le="0.25"} 2)",
          R"(fusegate_request_duration_seconds_bucket{route="pay",upstream="payments",le="+Inf"} 2)",
          R"(fusegate_downstream_connections{listener="egress"} 1)",
          R"(fusegate_downstream_connections_total{listener="egress"} 2)",
          R"(fusegate_dns_last_success_timestamp_seconds{upstream="payments"} 9)",
          R"(fusegate_upstream_connects_total{result="timeout",upstream="payments"} 1)",
      }) {
    EXPECT_THAT(text, HasSubstr(series));
  }
}

TEST_F(MetricsTest, TellsTheStateOfTheBreaker) {
  UpstreamSnapshot& orders = input_.upstreams[1];
  orders.breaker = {.state = BreakerState::Open,
                    .open_until = test::wall(100s + 500ms),
                    .attempts = 8,
                    .failures = 2};
  orders.counters.time_in_state[0] = 1500ms;
  orders.counters.transitions[0][1][0] = 3;
  orders.probes.lost = 4;
  orders.budget_available = 7;
  const std::string text = sorted(scrape());
  EXPECT_THAT(
      text,
      AllOf(HasSubstr(R"(fusegate_breaker_state{state="open",upstream="orders"} 1)"),
            HasSubstr(R"(fusegate_breaker_state{state="closed",upstream="orders"} 0)"),
            HasSubstr(R"(fusegate_breaker_open_until_timestamp_seconds{upstream="orders"} 100.5)"),
            HasSubstr(R"(fusegate_breaker_failure_ratio{upstream="orders"} 0.25)"),
            HasSubstr(R"(state_seconds_total{state="closed",upstream="orders"} 1.5)"),
            HasSubstr(R"(reason="consecutive_failures",to="open",upstream="orders"} 3)"),
            HasSubstr(R"(fusegate_breaker_probes_total{result="lost",upstream="orders"} 4)"),
            HasSubstr(R"(fusegate_retry_budget_available{upstream="orders"} 7)")));
}

TEST_F(MetricsTest, CountsItsOwnSeries) {
  worker(0).record(example_.report);
  const std::string text = scrape();
  EXPECT_THAT(text, HasSubstr("fusegate_metric_series " + std::to_string(samples_in(text)) + "\n"));
}

TEST_F(MetricsTest, FoldsStatusesBeyondTheLimit) {
  config_->metrics.max_series = static_cast<std::uint32_t>(samples_in(scrape())) + 2;
  metrics_.reset();
  auto& report = example_.report;
  report.upstream = exchange::Report::kNone;
  for (const std::uint16_t status : {201, 202, 203, 204}) {
    report.status = status;
    worker(0).record(report);
    scrape();
  }
  const std::string text = sorted(scrape());
  EXPECT_THAT(
      text,
      AllOf(HasSubstr(R"(code="201",result="ok",route="pay")"),
            HasSubstr(R"(code="202",result="ok",route="pay")"), Not(HasSubstr(R"(code="203")")),
            HasSubstr(R"(code="_other",result="ok",route="pay",upstream="payments"} 2)"),
            HasSubstr(R"(folded_total{metric="fusegate_requests_total"} 2)")));
}

TEST_F(MetricsTest, TellsEndpointsWhenAsked) {
  config_->metrics.per_endpoint = true;
  worker(0).record(example_.report);
  const std::string text = sorted(scrape());
  EXPECT_THAT(text, AllOf(HasSubstr(R"(fusegate_endpoint_attempts_total{endpoint="10.1.2.3:8443",)"
                                    R"(result="reset",upstream="payments"} 1)"),
                          HasSubstr(R"(fusegate_endpoint_state{endpoint="10.1.2.3:8443",)"
                                    R"(state="healthy",upstream="payments"} 1)")));
}

TEST_F(MetricsTest, DescribesTheProcess) {
  std::map<std::string, double> values;
  for (const std::string& line : split(scrape(), "\n")) {
    if (line.starts_with("process_")) {
      values[line.substr(0, line.find(' '))] = std::stod(line.substr(line.find(' ')));
    }
  }
  EXPECT_GT(values["process_resident_memory_bytes"], 1e6);
  EXPECT_GE(values["process_threads"], 1);
  EXPECT_GE(values["process_open_fds"], 3);
  EXPECT_GT(values["process_max_fds"], values["process_open_fds"]);
  EXPECT_GT(values["process_start_time_seconds"], 1.5e9);
}

TEST_F(MetricsTest, SumsUpRoutes) {
  worker(0).record(example_.report);
  worker(1).record(example_.report);
  worker(1).route(0).in_flight.add(1);
  const auto routes = metrics_->routes();
  ASSERT_EQ(routes.size(), 2u);
  EXPECT_EQ(routes[0].settings.name, "pay");
  EXPECT_EQ(routes[0].upstream, "payments");
  EXPECT_EQ(routes[0].requests, 2u);
  EXPECT_EQ(routes[0].attempts, 4u);
  EXPECT_EQ(routes[0].retries, 2u);
  EXPECT_EQ(routes[0].recovered, 2u);
  EXPECT_EQ(routes[0].in_flight, 1);
  EXPECT_EQ(routes[1].requests, 0u);
}

/// The shape of 10 routes and 3 upstreams that the size estimate of the page speaks of.
TEST_F(MetricsTest, StaysBelowTheDefaultLimitInACommonSize) {
  config_->upstreams.resize(3);
  config_->routes.resize(10);
  input_ = input_for(*config_);
  EXPECT_LT(samples_in(scrape()), config_->metrics.max_series);
}

}  // namespace
}  // namespace fusegate::telemetry
