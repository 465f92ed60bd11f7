#pragma once

#include "net/address.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Sockets of scripted peers: non-blocking, in the same process as the proxy they talk to.
namespace fusegate::test {

/// An owned descriptor.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& from) noexcept : fd_(std::exchange(from.fd_, -1)) {}
  Socket& operator=(Socket&& from) noexcept {
    std::swap(fd_, from.fd_);
    return *this;
  }
  ~Socket() { close(); }
  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

  void close() {
    if (is_open()) {
      ::close(std::exchange(fd_, -1));
    }
  }
  /// With RST where there is such a thing, which also leaves no TIME_WAIT behind.
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  /// The bytes that were taken; nothing more is sent to a peer that is gone.
  std::size_t send(std::string_view bytes) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) {
      return bytes.size();
    }
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  /// Waits a while for something to read, which TCP may bring a little later even on one machine.
  void await_input() const {
    pollfd wanted{fd_, POLLIN, 0};
    ::poll(&wanted, 1, 1000);
  }
  enum class Read { Nothing, End, Failed };
  /// Reads all there is to `to`.
  Read drain(std::string& to) {
    static thread_local std::array<char, 65536> block;
    for (;;) {
      const ssize_t got = ::recv(fd_, block.data(), block.size(), MSG_DONTWAIT);
      if (got <= 0) {
        return got == 0 ? Read::End : errno == EAGAIN ? Read::Nothing : Read::Failed;
      }
      to.append(block.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  int fd_;
};

inline void check_system(bool holds, const char* what) {
  if (!holds) {
    throw std::runtime_error(std::string{what} + ": " + std::to_string(errno));
  }
}

/// A listening socket, or one that only holds its address.
class Door {
 public:
  Door(const std::string& address, int backlog) {
    net::SocketAddress own = *net::parse_address(address);
    socket_ = Socket{::socket(own.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    check_system(socket_.is_open(), "socket");
    const int small = 4096;  // What waits to be read is little, so that a writer soon has to wait.
    ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    check_system(::bind(socket_.fd(), own.data(), own.length) == 0, "bind");
    check_system(backlog < 0 || ::listen(socket_.fd(), backlog) == 0, "listen");
    own.length = sizeof own.storage;
    ::getsockname(socket_.fd(), own.data(), &own.length);
    address_ = net::format_address(own);
  }
  const std::string& address() const { return address_; }
  int fd() const { return socket_.fd(); }
  void await_connection() const { socket_.await_input(); }
  Socket accept() const {
    return Socket{::accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  }
  Socket connect() const {
    const net::SocketAddress to = *net::parse_address(address_);
    Socket socket{::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const bool begun = ::connect(socket.fd(), to.data(), to.length) == 0 || errno == EINPROGRESS;
    check_system(begun, "connect");
    return socket;
  }

 private:
  Socket socket_;
  std::string address_;
};

/// The addresses of the scripted world, made once a process: two servers on unix sockets and one on
/// TCP, an address where nobody listens, one where nobody ever accepts, and the clients' side.
class Doors {
 public:
  static Doors& instance() {
    static Doors doors;
    return doors;
  }
  const Door& server(std::size_t index) const { return servers_[index]; }
  std::size_t servers() const { return servers_.size(); }
  const std::string& nobody() const { return nobody_.address(); }
  const std::string& stuck() const { return stuck_.address(); }
  std::string missing() const { return "unix:" + directory_ + "/missing"; }

  /// Both ends of a client's connection: the client's, and the proxy's as it was accepted.
  std::pair<Socket, Socket> client_pair(bool tcp, int buffer, net::SocketAddress& peer) const {
    if (!tcp) {
      std::array<int, 2> fds{};
      const int kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
      check_system(::socketpair(AF_UNIX, kind, 0, fds.data()) == 0, "socketpair");
      ::setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
      peer.storage.ss_family = AF_UNIX;
      peer.length = sizeof(sa_family_t);
      return {Socket{fds[0]}, Socket{fds[1]}};
    }
    Socket client = front_.connect();
    front_.await_connection();
    peer.length = sizeof peer.storage;
    Socket accepted{
        ::accept4(front_.fd(), peer.data(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    check_system(accepted.is_open(), "accept");
    ::setsockopt(accepted.fd(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    return {std::move(client), std::move(accepted)};
  }

 private:
  Doors() {
    std::string pattern = "/tmp/fusegate-wire-XXXXXX";
    check_system(::mkdtemp(pattern.data()) != nullptr, "mkdtemp");
    directory_ = pattern;
    servers_.emplace_back("unix:" + directory_ + "/a", 128);
    servers_.emplace_back("unix:" + directory_ + "/b", 128);
    servers_.emplace_back("127.0.0.1:0", 128);
    // A full queue of connections: the next one waits for an answer that never comes.
    for (int i = 0; i < 2; ++i) {
      queued_.push_back(stuck_.connect());
    }
  }
  ~Doors() {
    for (const char* name : {"/a", "/b"}) {
      ::unlink((directory_ + name).c_str());
    }
    ::rmdir(directory_.c_str());
  }

  std::string directory_;
  std::vector<Door> servers_;
  Door front_{"127.0.0.1:0", 128};
  Door nobody_{"127.0.0.1:0", -1};
  Door stuck_{"127.0.0.1:0", 0};
  std::vector<Socket> queued_;
};

}  // namespace fusegate::test
