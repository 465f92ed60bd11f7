#include "net/listener.hpp"

#include "net/clock.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace fusegate::net {
namespace {

/// When descriptors have run out, trying again at once would only burn CPU.
constexpr Duration kPauseWhenExhausted = std::chrono::milliseconds{50};
constexpr int kBacklog = 4096;

std::string why(const std::string& text, int error) {
  std::string message = "cannot listen on " + text + ": " + std::strerror(error);
  if (error == EADDRINUSE) {
    message += "; another process has this address, choose another one or stop it";
  } else if (error == EACCES) {
    message += "; ports below 1024 and foreign directories need rights, choose another one";
  } else if (error == EADDRNOTAVAIL) {
    message += "; this machine does not have that address";
  }
  return message;
}

}  // namespace

std::expected<Listener::Bound, std::string> Listener::bind(const SocketAddress& address,
                                                           const std::string& text) {
  const int family = address.family();
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return std::unexpected(why(text, errno));
  }
  const int on = 1;
  if (family != AF_UNIX) {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // Linux hands it on to every connection that is accepted: one system call less for each.
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  if (family == AF_INET6) {
    const int off = 0;
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  auto file = bind_socket(fd, address);
  if (!file || ::listen(fd, kBacklog) != 0) {
    const int error = file ? errno : file.error();
    ::close(fd);
    return std::unexpected(why(text, error));
  }
  return Bound{fd, *std::move(file)};
}

std::expected<Listener::Bound, std::string> Listener::Bound::share(const std::string& text) const {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) {
    return std::unexpected(why(text, errno));
  }
  return Bound{copy, {}};
}

Listener::Listener(EventLoop& loop, TimerQueue& timers, Bound bound, OnAccept on_accept,
                   OnExhausted on_exhausted)
    : loop_(loop),
      fd_(bound.fd),
      timers_(timers),
      file_(std::move(bound.file)),
      on_accept_(std::move(on_accept)),
      on_exhausted_(std::move(on_exhausted)) {}

Listener::~Listener() { close(); }

// Not edge-triggered: the next connection is told again. Exclusive: of several loops one is woken.
void Listener::start() {
  if (!loop_.watch(fd_, *this, EPOLLIN | EPOLLEXCLUSIVE)) {
    timers_.set(*this, now() + kPauseWhenExhausted);
  }
}

void Listener::close() {
  timers_.cancel(*this);
  if (fd_ < 0) {
    return;
  }
  loop_.forget(fd_, *this);  // The socket may live on in others.
  ::close(std::exchange(fd_, -1));
  file_.remove();
}

std::string Listener::address() const {
  SocketAddress own;
  own.length = sizeof own.storage;
  ::getsockname(fd_, own.data(), &own.length);
  return format_address(own);
}

/// One connection a turn, so that a flood does not hold up those that are open. To look for more
/// would cost a system call, too.
void Listener::on_events(std::uint32_t) {
  SocketAddress peer;
  peer.length = sizeof peer.storage;
  const int fd = ::accept4(fd_, peer.data(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    on_accept_(fd, peer);
    return;
  }
  const int error = errno;
  if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
    loop_.forget(fd_, *this);
    timers_.set(*this, now() + kPauseWhenExhausted);
    on_exhausted_(error);
  }
}

void Listener::on_timer(Instant) {
  if (fd_ >= 0) {
    start();
  }
}

}  // namespace fusegate::net
