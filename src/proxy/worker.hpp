#pragma once

#include <fusegate/base/rng.hpp>
#include <fusegate/config/config.hpp>
#include <fusegate/route/route_table.hpp>

#include "http/date.hpp"
#include "net/buffer_pool.hpp"
#include "net/event_loop.hpp"
#include "net/pipe_pool.hpp"
#include "net/timer_queue.hpp"
#include "net/tls_source.hpp"
#include "proxy/upload.hpp"
#include "telemetry/access_log.hpp"
#include "telemetry/log.hpp"
#include "telemetry/worker_metrics.hpp"
#include "upstream/pool.hpp"
#include "upstream/upstream.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace fusegate::proxy {

class Session;
struct RequestContext;

/// Something that may happen often, and is told now and then.
struct Repeats {
  Instant next{};
  std::uint64_t count = 0;

  /// Counts one more. How often it has happened since it was told, when it is time to tell it
  /// again; else 0.
  std::uint64_t due(Instant now, Duration every) {
    ++count;
    if (now < next) {
      return 0;
    }
    next = after(now, every);
    return std::exchange(count, 0);
  }
};

/// What all workers share.
struct Shared {
  config::ConfigPtr config;
  route::RouteTable routes;
  std::vector<std::unique_ptr<upstream::Upstream>> upstreams;
  std::vector<std::unique_ptr<net::TlsSource>> listener_tls;  ///< By listener; null = plain text.
  telemetry::Logger& log;
  std::atomic<std::uint64_t> replay_memory{0};
  std::atomic<std::uint32_t> connections{0};  ///< Client connections, all listeners.
  std::atomic<bool> draining{false};
};

/// One event loop and all that belongs to it: connections, buffers and pools never cross workers.
class Worker final : private net::Timer {
 public:
  Worker(Shared& shared, telemetry::WorkerMetrics& metrics,
         telemetry::AccessLogWriter& access_writer, std::size_t index, Instant now);
  ~Worker() override;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Runs the loop on a thread of its own.
  void start();
  /// Ends the loop; sessions still running are dropped. Any thread.
  void stop();
  void join();

  /// Takes a new client connection over, after expect_one(). Only on this worker's thread.
  void adopt(int fd, const net::SocketAddress& peer, std::uint16_t listener);
  /// Connections now open, those on their way to adopt() included; any thread.
  std::uint32_t load() const { return load_.load(std::memory_order_relaxed); }
  /// One more is on its way; any thread.
  void expect_one() { load_.fetch_add(1, std::memory_order_relaxed); }
  /// Announces the end on kept connections and closes idle ones. On this worker's thread.
  void drain();
  /// Cuts what still runs. On this worker's thread.
  void kill_sessions();

  // What sessions use; on this worker's thread only.
  std::unique_ptr<RequestContext> take_context();
  void give_back(std::unique_ptr<RequestContext> context);
  void enter(Session& session);
  void leave(Session& session);
  /// The time of the turn of the loop in which the event is handled.
  Instant now() const { return now_; }
  /// Takes the time of this turn; called at the start of every event.
  Instant refresh();
  /// The wall clock at `now()`, for logs and HTTP dates.
  WallTime wall_now() const {
    return wall_base_ + std::chrono::duration_cast<std::chrono::milliseconds>(now_ - wall_base_at_);
  }
  /// IMF-fixdate of this second.
  std::string_view date();
  /// Logs what the breakers did since the last call.
  void log_events(upstream::Upstream& upstream);
  /// Says, at most once a minute for each route, that bodies outgrew the replay bound.
  void warn_overflow(std::uint16_t route, std::uint64_t bytes);
  /// Say, at most once a second for each of them, that handshakes failed: the last one and how many
  /// since the line before.
  void warn_upstream_tls(std::uint16_t upstream, std::string_view endpoint,
                         std::string_view reason);
  void warn_client_tls(std::uint16_t listener, std::string_view client, std::string_view reason);
  /// Memory for heads on their way out; used and left within one step, never across a wait.
  char* scratch() { return scratch_.get(); }
  std::size_t scratch_size() const { return scratch_size_; }
  std::uint32_t lingering = 0;  ///< Sessions that drop what their client sends behind the answer.
  bool draining() const { return shared.draining.load(std::memory_order_relaxed); }

  Shared& shared;
  telemetry::WorkerMetrics& metrics;
  net::TimerQueue timers;
  net::EventLoop loop;
  net::BufferPool buffers;
  net::PipePool pipes;
  telemetry::AccessLog access;
  ReplayMemory replay_memory;
  Rng rng;
  std::vector<std::unique_ptr<upstream::Pool>> pools;  ///< By upstream.

 private:
  void on_timer(Instant now) override;
  void every_second(Instant now);
  void run();

  std::size_t index_;
  Instant now_;
  Instant wall_base_at_;
  WallTime wall_base_;
  std::unique_ptr<char[]> scratch_;
  std::size_t scratch_size_;
  std::vector<std::unique_ptr<RequestContext>> contexts_;
  std::size_t contexts_low_water_ = 0;
  std::vector<Session*> sessions_;
  std::atomic<std::uint32_t> load_{0};
  std::array<char, http::kDateSize> date_text_{};
  std::int64_t date_second_ = -1;
  Instant next_second_{};
  std::vector<Instant> overflow_warned_;  ///< By route: not again before this.
  std::vector<Repeats> upstream_tls_warned_;
  std::vector<Repeats> client_tls_warned_;
  std::thread thread_;
};

}  // namespace fusegate::proxy
