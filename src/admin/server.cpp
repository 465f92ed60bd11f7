#include "admin/server.hpp"

#include "admin/bind.hpp"
#include "admin/pages.hpp"
#include "admin/session.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <pthread.h>
#include <sys/socket.h>

#include <exception>
#include <list>
#include <thread>
#include <utility>

namespace fusegate::admin {
namespace {

namespace asio = boost::asio;
using Protocol = asio::generic::stream_protocol;
using Acceptor = asio::basic_socket_acceptor<Protocol>;

/// Of each connection, which has it from its listening socket; bytes. A large page goes to the
/// kernel in pieces: in one, it would keep the core for milliseconds.
constexpr int kSendBuffer = 128 * 1024;

/// One listening socket, its connections counted.
struct Listener {
  Listener(asio::io_context& context, Listening&& bound, Handler answer)
      : listening(std::move(bound)),
        handler(std::move(answer)),
        acceptor(context),
        pause(context) {}

  /// Of the acceptor's descriptor; asio throws where we return.
  bool open() {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    ::getsockname(listening.fd(), reinterpret_cast<sockaddr*>(&address), &length);
    boost::system::error_code error;
    acceptor.assign(Protocol(address.ss_family, 0), listening.fd(), error);
    if (!error) {
      listening.release();
      boost::system::error_code otherwise;  // Then it is the system's usual size.
      acceptor.set_option(asio::socket_base::send_buffer_size(kSendBuffer), otherwise);
    }
    return !error;
  }

  Listening listening;
  Handler handler;
  Acceptor acceptor;
  asio::steady_timer pause;
  Connections connections;
};

/// Forgets a connection, however it ended. What was thrown is not told: only memory
/// can be short there, which costs the connection and nothing else.
struct ConnectionEnd {
  Listener* listener;
  Connections::iterator connection;

  void operator()(const std::exception_ptr&) const { listener->connections.erase(connection); }
};

/// A listener that stopped accepting unnoticed would look like a dead process to its probes.
struct AcceptorEnd {
  void operator()(const std::exception_ptr& failure) const {
    if (failure) {
      std::rethrow_exception(failure);  // Out of `run`, and so ends the process.
    }
  }
};

/// Takes every connection; when there are too many, the one that has kept us waiting longest has to
/// go. Were the newest to wait instead, clients that never end their heads would keep scrapes and
/// probes out: those speak at once, so that they are never the one that goes.
asio::awaitable<void> accept_all(Listener& listener) {
  constexpr std::chrono::milliseconds kPauseAfterError{100};
  while (listener.acceptor.is_open()) {
    auto [error, socket] = co_await listener.acceptor.async_accept(kAwait);
    if (error == asio::error::operation_aborted) {
      co_return;
    }
    if (error) {
      // Most likely out of descriptors: trying again at once would only burn the processor.
      listener.pause.expires_after(kPauseAfterError);
      co_await listener.pause.async_wait(kAwait);
      continue;
    }
    auto& all = listener.connections;
    if (all.size() >= Server::kConnectionsMax) {
      // Its session ends when it next gets a turn, and takes it out of the list; until then it must
      // not be chosen again.
      all.front().close();
      all.splice(all.end(), all, all.begin());
    }
    const auto connection = all.emplace(all.end(), std::move(socket));
    asio::co_spawn(listener.acceptor.get_executor(),
                   serve(all, connection, listener.listening.is_unix(), listener.handler),
                   ConnectionEnd{&listener, connection});
  }
}

}  // namespace

struct Server::Impl {
  explicit Impl(Sources given) : sources(std::move(given)) {}

  std::expected<std::string, std::string> listen(const std::optional<config::Address>& address,
                                                 Response (*page)(const Request&, const Sources&)) {
    if (!address) {
      return std::string{};
    }
    auto bound = bind_address(*address);
    if (!bound) {
      return std::unexpected(bound.error());
    }
    auto answer = [this, page](const Request& request) { return page(request, sources); };
    Listener& listener = listeners.emplace_back(*context, *std::move(bound), std::move(answer));
    if (!listener.open()) {
      return std::unexpected("cannot listen on " + address->text + ": out of descriptors");
    }
    asio::co_spawn(*context, accept_all(listener), AcceptorEnd{});
    return listener.listening.address();
  }

  void run() {
    ::pthread_setname_np(::pthread_self(), "fusegate-admin");
    context->run();
  }

  /// The acceptors need their context to go; the connections go with the context.
  void close() {
    listeners.clear();
    context.reset();
  }

  Sources sources;
  std::unique_ptr<asio::io_context> context = std::make_unique<asio::io_context>(1);
  std::list<Listener> listeners;
  std::string status_address;
  std::string admin_address;
  std::thread thread;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() { stop(); }

std::expected<std::unique_ptr<Server>, std::string> Server::start(
    const std::optional<config::Address>& status, const std::optional<config::Address>& admin,
    Sources sources) {
  if (admin && !is_local(*admin)) {
    return std::unexpected("the admin listener changes the process and has no password: " +
                           admin->text + " must be a loopback address or unix:/path");
  }
  auto impl = std::make_unique<Impl>(std::move(sources));
  auto status_bound = impl->listen(status, status_page);
  if (!status_bound) {
    return std::unexpected(status_bound.error());
  }
  auto admin_bound = impl->listen(admin, admin_page);
  if (!admin_bound) {
    return std::unexpected(admin_bound.error());
  }
  impl->status_address = *std::move(status_bound);
  impl->admin_address = *std::move(admin_bound);
  impl->thread = std::thread([raw = impl.get()] { raw->run(); });
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

void Server::stop() {
  if (!impl_->thread.joinable()) {
    return;
  }
  impl_->context->stop();
  impl_->thread.join();
  impl_->close();
}

std::string Server::status_address() const { return impl_->status_address; }
std::string Server::admin_address() const { return impl_->admin_address; }

std::vector<std::string> Server::addresses() const {
  std::vector<std::string> all;
  for (const std::string& address : {impl_->status_address, impl_->admin_address}) {
    if (!address.empty()) {
      all.push_back(address);
    }
  }
  return all;
}

}  // namespace fusegate::admin
