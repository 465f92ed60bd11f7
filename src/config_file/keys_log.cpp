#include "config_file/custom.hpp"
#include "config_file/keys.hpp"

namespace fusegate::config_file {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kLevels[]{"trace", "debug", "info", "warn", "error"};
constexpr std::string_view kFormats[]{"auto", "text", "json"};

}  // namespace

std::vector<Key> log_keys() {
  return {
      {Level::Global, "log.level",
       word_field<[](Scope& s) -> auto& { return s.global.log.level; }>(kLevels),
       "The least important diagnostics that are written: `trace`, `debug`, `info`, `warn` or "
       "`error`."},
      {Level::Global, "log.format",
       word_field<[](Scope& s) -> auto& { return s.global.log.format; }>(kFormats),
       "`text`, `json`, or `auto`: text on a terminal, else JSON."},
      {Level::Global, "log.access.enabled",
       BoolField{[](Scope& s) -> auto& { return s.global.log.access.enabled; }},
       "One line for each request on standard output."},
      {Level::Global, "log.access.sample",
       PercentField{[](Scope& s) -> auto& { return s.global.log.access.sample; }},
       "The share of requests that are logged, beside those of `log.access.always`."},
      {Level::Global, "log.access.always",
       CustomField{
           read_log_always, write_log_always,
           R"({"type": "array", "items": {"enum": ["5xx", "retried", "rejected", "slow"]}})"},
       "Requests that are logged whatever the sample says: `5xx`, `retried`, `rejected`, `slow`."},
      {Level::Global, "log.access.slow",
       DurationField{[](Scope& s) -> auto& { return s.global.log.access.slow; }, 0s, 24h},
       "From this duration on a request is slow."},
      {Level::Global, "metrics.buckets",
       CustomField{
           read_buckets, write_buckets,
           R"({"type": "array", "minItems": 1, "maxItems": 64, "items": {"$ref": "#/definitions/duration"}})"},
       "Upper bounds of the latency histograms, rising."},
      {Level::Global, "metrics.per_endpoint",
       BoolField{[](Scope& s) -> auto& { return s.global.metrics.per_endpoint; }},
       "Series for each endpoint.", Support::Later},
      {Level::Global, "metrics.max_series",
       IntegerField{[](Scope& s) -> auto& { return s.global.metrics.max_series; }, 100, 1'000'000},
       "The most series `/metrics` may have."},
      {Level::Global, "tracing.otlp_endpoint",
       TextField{[](Scope& s) -> auto& { return s.global.tracing.otlp_endpoint; }},
       "OTLP/HTTP endpoint for spans; empty = `traceparent` passes through untouched.",
       Support::Later},
      {Level::Global, "tracing.sample",
       PercentField{[](Scope& s) -> auto& { return s.global.tracing.sample; }},
       "The share of requests without a sampling decision that are traced."},
      {Level::Global, "state_file",
       TextField{[](Scope& s) -> auto& { return s.global.state_file; }},
       "File that keeps breakers, ejections and budgets across restarts; empty = none."},
  };
}

}  // namespace fusegate::config_file
