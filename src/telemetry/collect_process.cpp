#include <fusegate/base/version.hpp>

#include "telemetry/collect.hpp"
#include "telemetry/process_stats.hpp"

namespace fusegate::telemetry {
namespace {

void collect_one(Families& out, std::string_view name, double value) {
  out.start(name);
  out.value({}, value);
}

void collect_config(const Scrape& scrape, Families& out) {
  /// Enough of the hash to tell two configurations apart at a glance.
  constexpr std::size_t kHashShown = 12;
  out.start("fusegate_build_info");
  out.value({{"version", version()},
             {"revision", revision()},
             {"compiler", compiler()},
             {"boost", boost()}},
            1);
  out.start("fusegate_config_info");
  out.value({{"hash", std::string_view(scrape.config.hash).substr(0, kHashShown)}}, 1);
  // The configuration is read once, at the start, and a process with a bad one does not serve.
  collect_one(out, "fusegate_config_last_reload_successful", 1);
  collect_one(out, "fusegate_config_last_reload_success_timestamp_seconds",
              static_cast<double>(scrape.loaded_at.time_since_epoch().count()) / 1e3);
  out.start("fusegate_config_reloads_total");
  for (const std::string_view result : {"applied", "rejected"}) {
    out.value({{"result", result}}, 0);
  }
}

void collect_logs(const Scrape& scrape, Families& out) {
  out.start("fusegate_log_lines_total");
  for (std::size_t i = 0; i < kLevels; ++i) {
    out.value({{"level", word(static_cast<Level>(i))}},
              static_cast<double>(scrape.input.log.lines[i]));
  }
  collect_one(out, "fusegate_log_dropped_total",
              static_cast<double>(scrape.input.log.dropped + scrape.input.access_dropped));
}

}  // namespace

void collect_process(const Scrape& scrape, Families& out) {
  collect_config(scrape, out);
  collect_one(out, "fusegate_ready", scrape.input.ready ? 1 : 0);
  collect_one(out, "fusegate_draining", scrape.input.draining ? 1 : 0);
  collect_logs(scrape, out);
  collect_one(out, "fusegate_replay_buffer_bytes",
              static_cast<double>(sum_of(scrape.workers, [](const WorkerMetrics& worker) {
                return worker.replay_bytes.get();
              })));
  out.start("fusegate_event_loop_lag_seconds");
  out.histogram({},
                histogram_of(scrape.workers, [](const WorkerMetrics& worker) -> const Histogram& {
                  return worker.event_loop_lag;
                }));
  const ProcessStats stats = read_process_stats();
  collect_one(out, "process_cpu_seconds_total", stats.cpu_seconds);
  collect_one(out, "process_resident_memory_bytes", stats.resident_bytes);
  collect_one(out, "process_virtual_memory_bytes", stats.virtual_bytes);
  collect_one(out, "process_open_fds", stats.open_fds);
  collect_one(out, "process_max_fds", stats.max_fds);
  collect_one(out, "process_threads", stats.threads);
  collect_one(out, "process_start_time_seconds", stats.start_time_seconds);
}

}  // namespace fusegate::telemetry
