#include "proxy/worker.hpp"

#include "net/clock.hpp"
#include "net/frame_pool.hpp"
#include "proxy/request_context.hpp"
#include "proxy/session.hpp"

#include <algorithm>
#include <utility>

namespace fusegate::proxy {
namespace {

constexpr Duration kTick = std::chrono::milliseconds{100};
constexpr Duration kWarnEvery = std::chrono::minutes{1};
/// Chosen: a wrong certificate is noticed, and a flood of bad handshakes is no flood of lines.
constexpr Duration kTlsWarnEvery = std::chrono::seconds{1};

void observe_lag(void* metrics, Duration lag) {
  static_cast<telemetry::WorkerMetrics*>(metrics)->event_loop_lag.observe(lag);
}

/// Room for a head with everything that is added to it, and for an answer of ours.
std::size_t scratch_for(const config::Limits& limits) {
  return std::max(limits.request_head, limits.response_head) * 2 + 32 * 1024;
}

}  // namespace

Worker::Worker(Shared& all, telemetry::WorkerMetrics& counters,
               telemetry::AccessLogWriter& access_writer, std::size_t index, Instant now)
    : shared(all),
      metrics(counters),
      timers(&observe_lag, &counters),
      loop(timers, now),
      access(all.config, access_writer, index + 1),
      replay_memory{all.replay_memory, counters.replay_bytes},
      rng(static_cast<std::uint64_t>(now.time_since_epoch().count()) * (index + 1)),
      index_(index),
      now_(now),
      wall_base_at_(now_),
      wall_base_(net::wall_now()),
      scratch_size_(scratch_for(all.config->limits)),
      overflow_warned_(all.config->routes.size()),
      upstream_tls_warned_(all.config->upstreams.size()),
      client_tls_warned_(all.config->listeners.size()) {
  scratch_ = std::make_unique_for_overwrite<char[]>(scratch_size_);
  for (std::size_t id = 0; id < all.config->upstreams.size(); ++id) {
    pools.push_back(std::make_unique<upstream::Pool>(loop, *all.upstreams[id],
                                                     counters.upstream(id).connections_idle));
  }
  timers.set(*this, now + kTick);
}

Worker::~Worker() { join(); }

void Worker::start() {
  thread_ = std::thread{[this] { run(); }};
}

void Worker::run() {
  loop.run();
  for (auto& pool : pools) {
    pool->close_all();
  }
  loop.run_posted();  // What was on its way here still holds connections.
  contexts_.clear();
  net::frame_pool::trim();
}

void Worker::stop() {
  loop.post([this] {
    kill_sessions();
    access.flush();
    loop.stop();
  });
}

void Worker::join() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Worker::adopt(int fd, const net::SocketAddress& peer, std::uint16_t listener) {
  refresh();
  Session::run(boost::intrusive_ptr<Session>{new Session(*this, fd, peer, listener)});
}

void Worker::drain() {
  const auto all = sessions_;
  for (Session* session : all) {
    session->signal(kDrain);
  }
}

void Worker::kill_sessions() {
  // Ending one session must not pull the next from under the loop.
  std::vector<boost::intrusive_ptr<Session>> all;
  for (Session* session : sessions_) {
    all.emplace_back(session);
  }
  for (const auto& session : all) {
    session->kill();
  }
}

std::unique_ptr<RequestContext> Worker::take_context() {
  if (contexts_.empty()) {
    return std::make_unique<RequestContext>(shared.config->limits.header_count);
  }
  auto taken = std::move(contexts_.back());
  contexts_.pop_back();
  contexts_low_water_ = std::min(contexts_low_water_, contexts_.size());
  return taken;
}

void Worker::give_back(std::unique_ptr<RequestContext> context_back) {
  context_back->recycle();
  contexts_.push_back(std::move(context_back));
}

void Worker::enter(Session& session) {
  session.place = sessions_.size();
  sessions_.push_back(&session);
}

void Worker::leave(Session& session) {
  sessions_[session.place] = sessions_.back();
  sessions_[session.place]->place = session.place;
  sessions_.pop_back();
  load_.fetch_sub(1, std::memory_order_relaxed);
  shared.connections.fetch_sub(1, std::memory_order_relaxed);
}

std::string_view Worker::date() {
  const WallTime now = wall_now();
  const auto second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  if (second != date_second_) {
    date_second_ = second;
    http::format_date(now, date_text_.data());
  }
  return {date_text_.data(), date_text_.size()};
}

void Worker::log_events(upstream::Upstream& upstream) {
  for (;;) {
    const auto event =
        upstream.with([](exchange::UpstreamState& state) { return state.take_event(); });
    if (!event) {
      return;
    }
    const auto& moved = event->transition;
    const bool opened = moved.to == BreakerState::Open || moved.to == BreakerState::ForcedOpen;
    const std::string_view what = event->endpoint.empty() ? "breaker" : "endpoint";
    // An operator's word is obeyed in every mode; all else is only imagined in shadow mode.
    const bool imagined = event->endpoint.empty() && moved.reason != TransitionReason::Operator &&
                          upstream.settings().breaker.mode == policy::BreakerMode::Shadow;
    shared.log.log(
        opened ? telemetry::Level::Warn : telemetry::Level::Info,
        imagined ? "breaker in shadow mode would have changed state" : "breaker state changed",
        {{"what", what},
         {"upstream", std::string_view{upstream.settings().name}},
         {"endpoint", std::string_view{event->endpoint}},
         {"from", word(moved.from)},
         {"to", word(moved.to)},
         {"reason", word(moved.reason)}});
  }
}

void Worker::warn_overflow(std::uint16_t route, std::uint64_t bytes) {
  if (now_ < overflow_warned_[route]) {
    return;
  }
  overflow_warned_[route] = now_ + kWarnEvery;
  shared.log.warn(
      "request body outgrew retry.max_body_replay and could not be retried",
      {{"route", std::string_view{shared.config->routes[route].name}}, {"bytes", bytes}});
}

void Worker::warn_upstream_tls(std::uint16_t upstream, std::string_view endpoint,
                               std::string_view reason) {
  if (const auto count = upstream_tls_warned_[upstream].due(now_, kTlsWarnEvery)) {
    shared.log.warn("TLS handshake with an upstream failed",
                    {{"upstream", std::string_view{shared.config->upstreams[upstream].name}},
                     {"endpoint", endpoint},
                     {"reason", reason},
                     {"failures", count}});
  }
}

void Worker::warn_client_tls(std::uint16_t listener, std::string_view client,
                             std::string_view reason) {
  if (const auto count = client_tls_warned_[listener].due(now_, kTlsWarnEvery)) {
    shared.log.warn("TLS handshake with a client failed",
                    {{"listener", std::string_view{shared.config->listeners[listener].name}},
                     {"client", client},
                     {"reason", reason},
                     {"failures", count}});
  }
}

Instant Worker::refresh() {
  now_ = loop.now();
  return now_;
}

void Worker::on_timer(Instant now) {
  now_ = now;
  // Again and again, so that a step of the wall clock is followed.
  wall_base_at_ = now;
  wall_base_ = net::wall_now();
  access.flush();
  if (now >= next_second_) {
    next_second_ = now + std::chrono::seconds{1};
    every_second(now);
  }
  timers.set(*this, now + kTick);
}

void Worker::every_second(Instant now) {
  for (auto& pool : pools) {
    pool->expire(now);
  }
  buffers.trim();
  pipes.trim();
  net::frame_pool::trim();
  for (std::size_t drop = (contexts_low_water_ + 1) / 2; drop > 0; --drop) {
    contexts_.pop_back();
  }
  contexts_low_water_ = contexts_.size();
  if (index_ != 0) {
    return;
  }
  for (auto& upstream : shared.upstreams) {
    const bool events = upstream->with([&](exchange::UpstreamState& state) {
      state.tick(now);
      return state.has_events();
    });
    if (events) {
      log_events(*upstream);
    }
  }
}

}  // namespace fusegate::proxy
