// The floor: the least that can stand between a client and a server. One epoll loop that copies
// bytes both ways and understands none of them. A connection to the server is kept when its client
// leaves. Usage: bench_relay PORT FILE, which has the server's port on loopback, or unix:PATH
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// One end of a pair: what it could not yet be given, and the descriptor of the other end.
struct End {
  int other = -1;  // -1 = closed, or a kept connection to the server.
  bool client = false;
  std::string unsent;
};

class Relay {
 public:
  Relay(int port, const std::string& server) {
    if (server.starts_with("unix:")) {
      auto& address = reinterpret_cast<sockaddr_un&>(server_);
      address.sun_family = AF_UNIX;
      std::strncpy(address.sun_path, server.c_str() + 5, sizeof address.sun_path - 1);
    } else {
      const sockaddr_in address = address_of(std::atoi(server.c_str()));
      std::memcpy(&server_, &address, sizeof address);
    }
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    ::setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in own = address_of(port);
    if (::bind(listening_, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
        ::listen(listening_, 4096) != 0) {
      std::perror("bench_relay");
      std::exit(1);
    }
    watch(listening_, EPOLLIN, EPOLL_CTL_ADD);
  }

  void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.fd == listening_) {
          accept_all();
        } else if ((event.events & EPOLLOUT) != 0) {
          flush(event.data.fd);
        } else {
          copy(event.data.fd);
        }
      }
    }
  }

 private:
  static sockaddr_in address_of(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  void watch(int fd, std::uint32_t events, int what) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, what, fd, &event);
  }

  End& end(int fd) {
    if (static_cast<std::size_t>(fd) >= ends_.size()) {
      ends_.resize(static_cast<std::size_t>(fd) + 64);
    }
    return ends_[static_cast<std::size_t>(fd)];
  }

  static void no_delay(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  void accept_all() {
    for (int fd = 0; (fd = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
      no_delay(fd);
      const int server = kept_or_new();
      if (server < 0) {
        ::close(fd);
        continue;
      }
      end(fd) = {server, true, {}};
      end(server) = {fd, false, {}};
      watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    }
  }

  int kept_or_new() {
    if (!kept_.empty()) {
      const int fd = kept_.back();
      kept_.pop_back();
      return fd;
    }
    const int fd = ::socket(server_.ss_family, SOCK_STREAM, 0);  // Such a connect does not wait.
    const socklen_t size = server_.ss_family == AF_UNIX ? sizeof(sockaddr_un) : sizeof(sockaddr_in);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&server_), size) != 0) {
      ::close(fd);
      return -1;
    }
    no_delay(fd);
    watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    return fd;
  }

  void copy(int from) {
    static char bytes[64 * 1024];
    const ssize_t got = ::recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) {
      return;
    }
    const int to = end(from).other;
    if (got <= 0 || to < 0) {
      ended(from);
      return;
    }
    const auto size = static_cast<std::size_t>(got);
    const ssize_t sent = ::send(to, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) {
      ended(to);
      return;
    }
    const std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    if (taken < size) {  // Nothing more is read from this side until the other has taken the rest.
      end(to).unsent.assign(bytes + taken, size - taken);
      watch(from, 0, EPOLL_CTL_MOD);
      watch(to, EPOLLOUT, EPOLL_CTL_MOD);
    }
  }

  void flush(int to) {
    std::string& unsent = end(to).unsent;
    const ssize_t sent = ::send(to, unsent.data(), unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) {
      ended(to);
      return;
    }
    unsent.erase(0, sent < 0 ? 0 : static_cast<std::size_t>(sent));
    if (unsent.empty()) {
      watch(to, EPOLLIN, EPOLL_CTL_MOD);
      watch(end(to).other, EPOLLIN, EPOLL_CTL_MOD);
    }
  }

  /// A client that leaves with everything answered leaves its server to the next one.
  void ended(int fd) {
    const int other = end(fd).other;
    const bool whole =
        end(fd).client && end(fd).unsent.empty() && other >= 0 && end(other).unsent.empty();
    end(fd) = {};
    ::close(fd);
    if (other < 0) {
      std::erase(kept_, fd);
      return;
    }
    end(other) = {};
    if (whole) {
      kept_.push_back(other);
    } else {
      ::close(other);
    }
  }

  sockaddr_storage server_{};
  int listening_ = -1;
  int epoll_ = ::epoll_create1(0);
  std::vector<End> ends_;
  std::vector<int> kept_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: bench_relay PORT FILE\n");
    return 2;
  }
  std::string server;
  std::getline(std::ifstream{argv[2]}, server);
  Relay(std::atoi(argv[1]), server).run();
}
