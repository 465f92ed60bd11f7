#include "telemetry/metrics.hpp"

#include "telemetry/metric_list.hpp"
#include "unit/telemetry/telemetry_rig.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace fusegate::telemetry {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

ScrapeInput input_for(const config::Config& config) {
  ScrapeInput input;
  for (const auto& upstream : config.upstreams) {
    UpstreamSnapshot& snapshot = input.upstreams.emplace_back();
    snapshot.name = upstream.name;
    snapshot.endpoints = {{.name = "10.1.2.3:8443", .slot = 0, .epoch = 1}};
  }
  return input;
}

class MetricsTest : public testing::Test {
 protected:
  std::string scrape() {
    if (!metrics_) {
      metrics_ = std::make_unique<Metrics>(config_, 2, test::kEvening);
    }
    return metrics_->scrape(input_);
  }
  WorkerMetrics& worker(std::size_t index) {
    if (!metrics_) {
      metrics_ = std::make_unique<Metrics>(config_, 2, test::kEvening);
    }
    return metrics_->worker(index);
  }

  std::shared_ptr<config::Config> config_ = test::two_routes();
  ScrapeInput input_ = input_for(*config_);
  std::unique_ptr<Metrics> metrics_;
  test::Example example_;
};

/// One row of the table in docs/metrics.md, and the same as told by a scrape.
struct Row {
  std::string type;
  std::set<std::string> labels;
  std::string help;
  bool operator==(const Row&) const = default;
};
void PrintTo(const Row& row, std::ostream* out) {
  *out << row.type << " {";
  for (const auto& label : row.labels) {
    *out << label << ' ';
  }
  *out << "} " << row.help;
}

std::vector<std::string> split(const std::string& text, std::string_view separator) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  for (std::size_t to; (to = text.find(separator, from)) != std::string::npos;
       from = to + separator.size()) {
    parts.push_back(text.substr(from, to - from));
  }
  parts.push_back(text.substr(from));
  return parts;
}

std::map<std::string, Row> rows_of_docs() {
  const auto page = std::filesystem::path(__FILE__).parent_path() / "../../../docs/metrics.md";
  std::ifstream file(page);
  std::map<std::string, Row> rows;
  for (std::string line; std::getline(file, line);) {
    const bool names_metric = line.starts_with("| `fusegate_") || line.starts_with("| `process_");
    const auto cells = split(line, " | ");
    if (!names_metric || cells.size() != 4) {
      continue;
    }
    Row& row = rows[cells[0].substr(3, cells[0].size() - 4)];
    row.type = cells[1];
    if (cells[2] != "-") {
      const auto labels = split(cells[2], ", ");
      row.labels = {labels.begin(), labels.end()};
    }
    row.help = cells[3].substr(0, cells[3].size() - 2);
  }
  return rows;
}

/// The family of a sample: histograms have three suffixes.
std::string family_of(const std::string& sample, const std::map<std::string, Row>& rows) {
  const std::string name = sample.substr(0, sample.find_first_of("{ "));
  for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
    if (name.ends_with(suffix) && rows.contains(name.substr(0, name.size() - suffix.size()))) {
      return name.substr(0, name.size() - suffix.size());
    }
  }
  return name;
}

std::map<std::string, Row> rows_of_scrape(const std::string& text) {
  std::map<std::string, Row> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto words = split(line, " ");
    if (line.starts_with("# HELP ")) {
      rows[words[2]].help = line.substr(8 + words[2].size());
    } else if (line.starts_with("# TYPE ")) {
      rows[words[2]].type = words[3];
    } else if (const std::size_t open = line.find('{'); open != std::string::npos) {
      Row& row = rows[family_of(line, rows)];
      for (const auto& pair : split(line.substr(open + 1, line.rfind('}') - open - 1), "\",")) {
        row.labels.insert(pair.substr(0, pair.find('=')));
      }
      row.labels.erase("le");
      row.labels.erase("");
    }
  }
  return rows;
}

/// A scrape with the labels of each sample in the order of their names, `le` last.
std::string sorted(const std::string& text) {
  std::string all;
  for (const std::string& line : split(text, "\n")) {
    const std::size_t open = line.find('{');
    const std::size_t close = line.rfind('}');
    if (line.starts_with('#') || open == std::string::npos) {
      all += line + '\n';
      continue;
    }
    auto labels = split(line.substr(open + 1, close - open - 2), "\",");
    std::ranges::sort(labels, {}, [](const std::string& label) {
      return std::pair(label.starts_with("le="), label);
    });
    all += line.substr(0, open + 1);
    for (const std::string& label : labels) {
      all += label + (label == labels.back() ? "\"" : "\",");
    }
    all += line.substr(close) + '\n';
  }
  return all;
}

TEST_F(MetricsTest, TellsExactlyWhatThePageSays) {
  config_->metrics.per_endpoint = true;
  const auto docs = rows_of_docs();
  const auto code = rows_of_scrape(scrape());
  ASSERT_FALSE(docs.empty());
  for (const auto& [name, row] : code) {
    ASSERT_TRUE(docs.contains(name)) << name << " is missing in docs/metrics.md";
    EXPECT_EQ(docs.at(name), row) << name;
  }
  for (const auto& [name, row] : docs) {
    EXPECT_TRUE(code.contains(name)) << name << " is in docs/metrics.md only";
  }
}

TEST_F(MetricsTest, ListsTheLabelsItUses) {
  config_->metrics.per_endpoint = true;
  for (const auto& [name, row] : rows_of_scrape(scrape())) {
    const MetricInfo* info = find_metric(name);
    ASSERT_NE(info, nullptr) << name;
    std::set<std::string> labels;
    for (const auto& label : split(std::string(info->labels), ",")) {
      labels.insert(label);
    }
    labels.erase("");
    EXPECT_EQ(labels, row.labels) << name;
  }
}

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

std::size_t samples_in(const std::string& text) {
  const auto lines = split(text, "\n");
  return static_cast<std::size_t>(std::ranges::count_if(
      lines, [](const std::string& line) { return !line.empty() && line[0] != '#'; }));
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

TEST_F(MetricsTest, SatisfiesPromtool) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "promtool is not installed";
  }
  config_->metrics.per_endpoint = true;
  worker(0).record(example_.report);
  const auto file = std::filesystem::temp_directory_path() /
                    ("fusegate-scrape-" + std::to_string(::getpid()) + ".txt");
  std::ofstream(file) << scrape();
  const int status = std::system(("promtool check metrics < '" + file.string() + "' 1>&2").c_str());
  std::filesystem::remove(file);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace fusegate::telemetry
