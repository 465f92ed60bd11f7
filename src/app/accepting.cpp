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
    proxy::Worker& first = *workers_.front();
    listeners_.push_back(std::make_unique<net::Listener>(
        first.loop, first.timers, *std::move(bound),
        [this, index](int client, const net::SocketAddress& peer) {
          on_accept(client, peer, index);
        },
        [this, index](int error) { on_exhausted(error, index); }));
    addresses_.push_back(listeners_.back()->address());
    log_.info("listening", {{"listener", std::string_view{configured[index].name}},
                            {"address", std::string_view{addresses_.back()}}});
  }
  return {};
}

void DataPlane::on_accept(int fd, const net::SocketAddress& peer, std::uint16_t listener) {
  const std::uint32_t open = shared_.connections.fetch_add(1, std::memory_order_relaxed);
  if (open >= shared_.config->runtime.max_connections) {
    shared_.connections.fetch_sub(1, std::memory_order_relaxed);
    refuse_over_limit(fd, listener);
    return;
  }
  const auto least =
      std::ranges::min_element(workers_, {}, [](const auto& worker) { return worker->load(); });
  proxy::Worker& worker = **least;
  if (&worker == workers_.front().get()) {
    worker.adopt(fd, peer, listener);
    return;
  }
  worker.loop.post([&worker, fd, peer, listener] { worker.adopt(fd, peer, listener); });
}

/// New clients wait in the backlog meanwhile; those that are here are served on.
void DataPlane::on_exhausted(int error, std::uint16_t listener) {
  proxy::Worker& first = *workers_.front();
  first.metrics.listener(listener).exhausted.add();
  if (first.now() < exhausted_warned_) {
    return;
  }
  exhausted_warned_ = first.now() + kWarnEvery;
  log_.warn("accepting pauses: raise the limit of open files (ulimit -n), or lower max_connections",
            {{"listener", std::string_view{shared_.config->listeners[listener].name}},
             {"error", std::string_view{std::strerror(error)}},
             {"connections", connections()}});
}

/// One connection too many is told so; it may not cost more than a write.
void DataPlane::refuse_over_limit(int fd, std::uint16_t listener) {
  proxy::Worker& first = *workers_.front();
  http::LocalReply answer;
  answer.reason = RejectReason::OverLimit;
  answer.detail = "runtime.max_connections client connections are open";
  answer.overloaded = true;
  answer.retry_marker = "other;reason=overload";
  answer.date = first.date();
  http::HeadBuffer out{first.scratch(), first.scratch_size()};
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
  first.metrics.record(report);
  first.access.record(report);
}

}  // namespace fusegate::app
