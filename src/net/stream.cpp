#include "net/stream.hpp"

#include "net/socket_calls.hpp"
#include "net/tls_session.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace fusegate::net {

namespace {

constexpr std::uint32_t kReads = EPOLLIN | EPOLLRDHUP | EPOLLET;

}  // namespace

Stream::Stream(EventLoop& loop, int fd, Origin origin)
    : loop_(loop),
      fd_(fd),
      wants_writable_(origin == Origin::Connecting),
      writable_(origin == Origin::Connected) {
  if (!loop_.watch(fd_, *this, wants_writable_ ? kReads | EPOLLOUT : kReads)) {
    const int error = errno;
    close();
    errno = error;
  }
}

Stream::~Stream() { close(); }

void Stream::arm_read() {
  if (fd_ < 0) {
    return;
  }
  read_armed_ = true;
  if (readable_) {
    later();
  }
}

void Stream::arm_write() {
  if (fd_ < 0) {
    return;
  }
  write_armed_ = true;
  if (writable_) {
    later();
  } else if ((write_mask_ & EPOLLOUT) != 0) {
    watch_writable();
  }
}

void Stream::watch_writable() {
  if (!wants_writable_) {
    wants_writable_ = true;
    loop_.change(fd_, *this, kReads | EPOLLOUT);  // Tells at once when it is writable now.
  }
}

/// Whoever writes to a unix socket and is registered for writability is told of everything that its
/// peer takes out of it: a wake-up for each request, of which nothing follows.
void Stream::watch_reads_alone() {
  wants_writable_ = false;
  loop_.change(fd_, *this, kReads);
}

/// Never inside the call that armed: its coroutine is not waiting yet.
void Stream::later() {
  if (!queued_) {
    queued_ = true;
    loop_.again(*this, spent_ > kLong ? Rank::Long : Rank::New);
  }
}

void Stream::on_events(std::uint32_t events) {
  ended_ = ended_ || (events & kEnds) != 0;
  readable_ = readable_ || (events & read_mask_) != 0;
  writable_ = writable_ || (events & write_mask_) != 0;
  if (!rest_.empty() && writable_) [[unlikely]] {
    send_rest();
  }
  if (events == EPOLLOUT && rest_.empty() && !write_armed_ && (read_mask_ & EPOLLOUT) == 0) {
    watch_reads_alone();
    return;
  }
  if (events != 0) {
    spent_ += kTurn;
    if (queued_ || !known_ || spent_ > kLong) {
      later();
      return;
    }
  }
  queued_ = false;
  const boost::intrusive_ptr<Stream> keep{this};
  if (read_armed_ && readable_ && owner_ != nullptr) {
    read_armed_ = false;
    owner_->on_readable(*this);
  }
  if (write_armed_ && writable_ && owner_ != nullptr) {
    write_armed_ = false;
    owner_->on_writable(*this);
  }
}

/// A read that gives less than asked has emptied the socket. A unix socket also cuts a read at
/// descriptors that are passed with the bytes, which no HTTP peer does: what lies behind is found
/// with the next edge, or by who looks before the connection is used again.
IoResult Stream::noted_read(IoResult result, std::size_t asked) {
  spent_ += result.bytes;
  const bool empty = result.would_block() || (result.done() && result.bytes < asked && !ended_);
  readable_ = readable_ && !empty;
  return result;
}

IoResult Stream::read(char* data, std::size_t size) {
  if (tls_) [[unlikely]] {
    return read_tls(data, size);
  }
  return noted_read(judged(receive(fd_, data, size), true), size);
}

IoResult Stream::discard(char* data, std::size_t size) {
  if (tls_) [[unlikely]] {
    return read_tls(data, size);
  }
  return noted_read(judged(::recv(fd_, data, size, MSG_TRUNC), true), size);  // See tcp(7).
}

IoResult::Kind Stream::peek() {
  if (tls_) [[unlikely]] {
    return peek_tls();
  }
  char byte;
  return noted_read(judged(::recv(fd_, &byte, 1, MSG_PEEK), true), 1).kind;
}

IoResult Stream::splice_to(int pipe, std::size_t size) {
  const IoResult result =
      judged(::splice(fd_, nullptr, pipe, nullptr, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK), true);
  readable_ = readable_ && !result.would_block();
  spent_ += result.bytes;
  return result;
}

void Stream::watch_peer(std::chrono::seconds idle) {
  const auto set = [this](int level, int option, std::int64_t value) {
    const auto number = static_cast<int>(std::max<std::int64_t>(1, value));
    ::setsockopt(fd_, level, option, &number, sizeof number);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, idle.count());
  set(IPPROTO_TCP, TCP_KEEPINTVL, idle.count() / 3);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

int Stream::connect_error() const {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
    return errno;
  }
  return error;
}

void Stream::close() {
  owner_ = nullptr;
  if (is_open()) {
    if (put_off_) {
      loop_.deliver();
    }
    if (tls_) [[unlikely]] {
      end_tls();
    }
    loop_.forget_closing(*this);
    ::close(std::exchange(fd_, -1));  // The number may belong to another connection a moment later.
  }
}

void Stream::abort() {
  if (is_open()) {
    const linger reset{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    tls_.reset();
  }
  close();
}

StreamPtr start_connect(EventLoop& loop, const SocketAddress& address, int& immediate_error) {
  immediate_error = 0;
  const int family = address.family();
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    immediate_error = errno;
    return nullptr;
  }
  if (family != AF_UNIX) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  const bool connected = ::connect(fd, address.data(), address.length) == 0;  // A unix socket is.
  if (!connected && errno != EINPROGRESS) {
    immediate_error = errno;
    ::close(fd);
    return nullptr;
  }
  StreamPtr stream{
      new Stream(loop, fd, connected ? Stream::Origin::Connected : Stream::Origin::Connecting)};
  if (!stream->is_open()) {
    immediate_error = errno;
    return nullptr;
  }
  return stream;
}

}  // namespace fusegate::net
