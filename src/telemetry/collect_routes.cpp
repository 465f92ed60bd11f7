#include "telemetry/collect.hpp"
#include "telemetry/status_sum.hpp"

namespace fusegate::telemetry {
namespace {

/// The labels and the index of one row; the last row is for requests that matched no route and has
/// empty labels, which Prometheus treats as absent.
struct Row {
  std::size_t index;
  std::string_view route;
  std::string_view upstream;
};

std::vector<Row> rows_of(const config::Config& config) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const config::RouteConfig& route = config.routes[i];
    rows.push_back({i, route.name, config.upstreams[route.upstream].name});
  }
  rows.push_back({config.routes.size(), "", ""});
  return rows;
}

template <class Select>
double total(const Scrape& scrape, const Row& row, Select counter) {
  return static_cast<double>(sum_of(
      scrape.workers, [&](const WorkerMetrics& w) { return counter(w.route(row.index)).get(); }));
}

void collect_requests(const Scrape& scrape, const std::vector<Row>& rows, SeriesLimit& limit,
                      Families& out) {
  constexpr std::string_view kName = "fusegate_requests_total";
  constexpr unsigned kAlways = 200;
  out.start(kName);
  for (const Row& row : rows) {
    StatusSum sum(kRequestResults);
    sum.touch(kAlways);
    for (const WorkerMetrics& worker : scrape.workers) {
      sum.add(worker.route(row.index).requests);
    }
    const auto fixed = [](unsigned status, std::size_t column) {
      return status == kAlways && column == static_cast<std::size_t>(RequestResult::Ok);
    };
    sum.emit(kName, row.route, limit, fixed,
             [&](std::string_view code, std::size_t column, double value) {
               out.value({{"route", row.route},
                          {"upstream", row.upstream},
                          {"code", code},
                          {"result", word(static_cast<RequestResult>(column))}},
                         value);
             });
  }
}

/// A counter by route, upstream and the words of an enumeration from `first` on.
template <class Enum, class Select>
void collect_by(const Scrape& scrape, const std::vector<Row>& rows, Families& out,
                std::string_view name, std::string_view label, std::size_t first, std::size_t count,
                Select array) {
  out.start(name);
  for (const Row& row : rows) {
    for (std::size_t i = first; i < count; ++i) {
      const double value =
          total(scrape, row, [&](const RouteCounters& r) -> const Counter& { return array(r)[i]; });
      out.value(
          {{"route", row.route}, {"upstream", row.upstream}, {label, word(static_cast<Enum>(i))}},
          value);
    }
  }
}

template <class Select>
void collect_by_route(const Scrape& scrape, const std::vector<Row>& rows, Families& out,
                      std::string_view name, Select counter, double scale = 1) {
  out.start(name);
  for (const Row& row : rows) {
    out.value({{"route", row.route}}, total(scrape, row, counter) * scale);
  }
}

void collect_durations(const Scrape& scrape, const std::vector<Row>& rows, Families& out) {
  out.start("fusegate_request_duration_seconds");
  for (const Row& row : rows) {
    out.histogram({{"route", row.route}, {"upstream", row.upstream}},
                  histogram_of(scrape.workers, [&](const WorkerMetrics& w) -> const Histogram& {
                    return w.route(row.index).duration;
                  }));
  }
}

void collect_recovered_and_hedges(const Scrape& scrape, const std::vector<Row>& rows,
                                  Families& out) {
  out.start("fusegate_recovered_total");
  for (const Row& row : rows) {
    out.value(
        {{"route", row.route}, {"upstream", row.upstream}},
        total(scrape, row, [](const RouteCounters& r) -> const Counter& { return r.recovered; }));
  }
  out.start("fusegate_hedges_total");
  for (const Row& row : rows) {
    out.value(
        {{"route", row.route}, {"upstream", row.upstream}, {"result", "won"}},
        total(scrape, row, [](const RouteCounters& r) -> const Counter& { return r.hedges_won; }));
    out.value(
        {{"route", row.route}, {"upstream", row.upstream}, {"result", "lost"}},
        total(scrape, row, [](const RouteCounters& r) -> const Counter& { return r.hedges_lost; }));
  }
}

}  // namespace

void collect_routes(const Scrape& scrape, SeriesLimit& limit, Families& out) {
  const std::vector<Row> rows = rows_of(scrape.config);
  collect_requests(scrape, rows, limit, out);
  collect_durations(scrape, rows, out);
  collect_by_route(scrape, rows, out, "fusegate_requests_in_flight",
                   [](const RouteCounters& r) -> const Gauge& { return r.in_flight; });
  collect_by<RejectReason>(scrape, rows, out, "fusegate_rejected_total", "reason", 1,
                           kRejectReasons,
                           [](const RouteCounters& r) -> const auto& { return r.rejected; });
  collect_recovered_and_hedges(scrape, rows, out);
  collect_by_route(scrape, rows, out, "fusegate_request_bytes_total",
                   [](const RouteCounters& r) -> const Counter& { return r.bytes_in; });
  collect_by_route(scrape, rows, out, "fusegate_response_bytes_total",
                   [](const RouteCounters& r) -> const Counter& { return r.bytes_out; });
  collect_by<FailureClass>(scrape, rows, out, "fusegate_retries_total", "reason", 0,
                           kFailureClasses,
                           [](const RouteCounters& r) -> const auto& { return r.retries; });
  collect_by<DenyReason>(scrape, rows, out, "fusegate_retries_denied_total", "reason", 0,
                         kDenyReasons,
                         [](const RouteCounters& r) -> const auto& { return r.denied; });
  collect_by_route(
      scrape, rows, out, "fusegate_retry_backoff_seconds_total",
      [](const RouteCounters& r) -> const Counter& { return r.backoff_ns; }, 1e-9);
  collect_by_route(scrape, rows, out, "fusegate_replay_overflow_total",
                   [](const RouteCounters& r) -> const Counter& { return r.replay_overflows; });
}

}  // namespace fusegate::telemetry
