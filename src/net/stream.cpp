#include "net/stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

namespace fusegate::net {

template <class T>
struct Stream::OperationAllocator {
  using value_type = T;
  OperationMemory* memory;

  explicit OperationAllocator(OperationMemory* place) : memory(place) {}
  template <class U>
  OperationAllocator(const OperationAllocator<U>& other)  // NOLINT: allocators convert
      : memory(other.memory) {}

  T* allocate(std::size_t count) {
    if (memory != nullptr && !memory->used && count * sizeof(T) <= sizeof memory->bytes) {
      memory->used = true;
      return reinterpret_cast<T*>(memory->bytes);
    }
    return static_cast<T*>(::operator new(count * sizeof(T)));
  }
  void deallocate(T* place, std::size_t) {
    if (memory != nullptr && reinterpret_cast<std::byte*>(place) == memory->bytes) {
      memory->used = false;
    } else {
      ::operator delete(place);
    }
  }
  template <class U>
  bool operator==(const OperationAllocator<U>& other) const {
    return memory == other.memory;
  }
};

struct Stream::WaitHandler {
  boost::intrusive_ptr<Stream> stream;
  bool read;

  using allocator_type = OperationAllocator<std::byte>;
  allocator_type get_allocator() const {
    return allocator_type{read ? &stream->read_memory_ : nullptr};
  }
  void operator()(const boost::system::error_code& error) const {
    stream->on_wait_done(read, error == asio::error::operation_aborted);
  }
};

Stream::Stream(asio::io_context& context, int fd, int family) : socket_(context), fd_(fd) {
  boost::system::error_code error;
  const int protocol = family == AF_UNIX ? 0 : IPPROTO_TCP;
  socket_.assign(asio::generic::stream_protocol{family, protocol}, fd, error);
  if (error) {
    ::close(fd);
    fd_ = -1;
    return;
  }
  socket_.native_non_blocking(true, error);
}

Stream::~Stream() = default;

void Stream::arm_read() {
  if (read_armed_ || !socket_.is_open()) {
    return;
  }
  read_armed_ = true;
  WaitHandler handler{this, true};
  socket_.async_wait(AsioSocket::wait_read, std::move(handler));
}

void Stream::arm_write() {
  if (write_armed_ || !socket_.is_open()) {
    return;
  }
  write_armed_ = true;
  WaitHandler handler{this, false};
  socket_.async_wait(AsioSocket::wait_write, std::move(handler));
}

void Stream::on_wait_done(bool read, bool aborted) {
  (read ? read_armed_ : write_armed_) = false;
  if (aborted || owner_ == nullptr || !socket_.is_open()) {
    return;
  }
  if (read) {
    owner_->on_readable(*this);
  } else {
    owner_->on_writable(*this);
  }
}

namespace {

IoResult judged(ssize_t result, bool zero_is_end) {
  if (result > 0 || (result == 0 && !zero_is_end)) {
    return {IoResult::Kind::Done, static_cast<std::size_t>(result), 0};
  }
  if (result == 0) {
    return {IoResult::Kind::End, 0, 0};
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
    return {IoResult::Kind::WouldBlock, 0, 0};
  }
  return {IoResult::Kind::Failed, 0, errno};
}

}  // namespace

IoResult Stream::read(char* data, std::size_t size) {
  return judged(::recv(fd_, data, size, 0), true);
}

IoResult::Kind Stream::peek() const {
  char byte;
  return judged(::recv(fd_, &byte, 1, MSG_PEEK), true).kind;
}

IoResult Stream::write(std::span<const iovec> parts) {
  if (parts.size() == 1) {
    return write(static_cast<const char*>(parts[0].iov_base), parts[0].iov_len);
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  return judged(::sendmsg(fd_, &message, MSG_NOSIGNAL), false);
}

IoResult Stream::write(const char* data, std::size_t size) {
  return judged(::send(fd_, data, size, MSG_NOSIGNAL), false);
}

int Stream::connect_error() const {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
    return errno;
  }
  return error;
}

void Stream::shutdown_write() {
  if (socket_.is_open()) {
    ::shutdown(fd_, SHUT_WR);
  }
}

void Stream::close() {
  owner_ = nullptr;
  fd_ = -1;  // The number may belong to another connection a moment later.
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Stream::abort() {
  if (socket_.is_open()) {
    const linger reset{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  close();
}

StreamPtr start_connect(asio::io_context& context, const SocketAddress& address,
                        int& immediate_error) {
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
  if (::connect(fd, address.data(), address.length) != 0 && errno != EINPROGRESS) {
    immediate_error = errno;
    ::close(fd);
    return nullptr;
  }
  return StreamPtr{new Stream(context, fd, family)};
}

}  // namespace fusegate::net
