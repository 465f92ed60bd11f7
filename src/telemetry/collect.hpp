#pragma once

#include "telemetry/families.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/series_limit.hpp"

/// Internal to src/telemetry: the parts of a scrape, each family in exactly one of them.
namespace fusegate::telemetry {

/// What all parts read.
struct Scrape {
  const config::Config& config;
  const Workers& workers;
  const ScrapeInput& input;
  WallTime loaded_at;
};

void collect_routes(const Scrape& scrape, SeriesLimit& limit, Families& out);
void collect_attempts(const Scrape& scrape, SeriesLimit& limit, Families& out);
void collect_connections(const Scrape& scrape, Families& out);
void collect_breakers(const Scrape& scrape, Families& out);
void collect_endpoints(const Scrape& scrape, SeriesLimit& limit, Families& out);
/// Everything about the process itself but the number of series, which is known last.
void collect_process(const Scrape& scrape, Families& out);

}  // namespace fusegate::telemetry
