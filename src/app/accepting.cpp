#include "app/data_plane.hpp"
#include "http/local_reply.hpp"
#include "net/clock.hpp"
#include "proxy/session.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

/// The listeners of the data plane: who gets a new connection, and what becomes of those that are
/// too many.
namespace fusegate::app {
namespace {

constexpr Duration kWarnEvery = std::chrono::minutes{1};

}  // namespace

std::expected<void, std::string> DataPlane::bind() {
  if (const auto read = certificates_.load(); !read) {
    return read;
  }
  const auto& configured = shared_.config->listeners;
  for (std::size_t at = 0; at < configured.size(); ++at) {
    const auto index = static_cast<std::uint16_t>(at);
    const std::string& text = configured[index].address.text;
    const auto address = net::parse_address(text);
    if (!address) {
      return std::unexpected("cannot listen on " + text + ": " + address.error());
    }
    auto bound = net::Listener::bind(*address, text);
    if (!bound) {
      return std::unexpected(bound.error());
    }
    for (std::size_t worker = 1; worker < workers_.size(); ++worker) {
      auto shared = bound->share(text);
      if (!shared) {
        return std::unexpected(shared.error());
      }
      add_listener(*workers_[worker], *std::move(shared), index);
    }
    add_listener(*workers_.front(), *std::move(bound), index);
    addresses_.push_back(listeners_.back().listener->address());
    log_.info("listening", {{"listener", std::string_view{configured[index].name}},
                            {"address", std::string_view{addresses_.back()}}});
  }
  return {};
}

void DataPlane::add_listener(proxy::Worker& worker, net::Listener::Bound bound,
                             std::uint16_t index) {
  listeners_.push_back(
      {worker, std::make_unique<net::Listener>(
                   worker.loop, worker.timers, std::move(bound),
                   [this, &worker, index](int client, const net::SocketAddress& peer) {
                     on_accept(worker, client, peer, index);
                   },
                   [this, &worker, index](int error) { on_exhausted(worker, error, index); })});
}

/// `here` has accepted it; the worker with the fewest connections gets it.
void DataPlane::on_accept(proxy::Worker& here, int fd, const net::SocketAddress& peer,
                          std::uint16_t listener) {
  const std::uint32_t open = shared_.connections.fetch_add(1, std::memory_order_relaxed);
  if (open >= shared_.config->runtime.max_connections) {
    shared_.connections.fetch_sub(1, std::memory_order_relaxed);
    refuse_over_limit(here, fd, listener);
    return;
  }
  const auto least =
      std::ranges::min_element(workers_, {}, [](const auto& worker) { return worker->load(); });
  proxy::Worker& chosen = here.load() <= (*least)->load() ? here : **least;
  chosen.expect_one();
  if (&chosen == &here) {
    chosen.adopt(fd, peer, listener);
    return;
  }
  chosen.loop.post([&chosen, fd, peer, listener] { chosen.adopt(fd, peer, listener); });
}

/// New clients wait in the backlog meanwhile; those that are here are served on.
void DataPlane::on_exhausted(proxy::Worker& here, int error, std::uint16_t listener) {
  here.metrics.listener(listener).exhausted.add();
  {
    const std::lock_guard lock{exhausted_mutex_};
    if (here.now() < exhausted_warned_) {
      return;
    }
    exhausted_warned_ = here.now() + kWarnEvery;
  }
  log_.warn("accepting pauses: raise the limit of open files (ulimit -n), or lower max_connections",
            {{"listener", std::string_view{shared_.config->listeners[listener].name}},
             {"error", std::string_view{std::strerror(error)}},
             {"connections", connections()}});
}

/// One connection too many is told so; it may not cost more than a write.
void DataPlane::refuse_over_limit(proxy::Worker& here, int fd, std::uint16_t listener) {
  http::LocalReply answer;
  answer.reason = RejectReason::OverLimit;
  answer.detail = "runtime.max_connections client connections are open";
  answer.overloaded = true;
  answer.retry_marker = "other;reason=overload";
  answer.date = here.date();
  http::HeadBuffer out{here.scratch(), here.scratch_size()};
  http::write_local_reply(answer, out);
  char request[4096];
  // What has arrived is read, because closing with unread bytes would reset the connection.
  [[maybe_unused]] const auto read = ::recv(fd, request, sizeof request, MSG_DONTWAIT);
  if (shared_.listener_tls[listener] == nullptr) {  // A handshake would cost far more.
    [[maybe_unused]] const auto sent = ::send(fd, out.data, out.size, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  ::shutdown(fd, SHUT_WR);
  ::close(fd);
  exchange::Report report;
  report.listener = listener;
  report.status = 503;
  report.result = RequestResult::Rejected;
  report.reason = RejectReason::OverLimit;
  report.protocol = "HTTP/1.1";
  report.started_wall = net::wall_now();
  here.metrics.record(report);
  here.access.record(report);
}

}  // namespace fusegate::app
