// The cheapest honest upstream: one epoll loop that answers each request (without a body) with 1
// KiB or as many bytes as the last argument says. Usage: bench_backend PORT [BODY BYTES]
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

int listen_on(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, 4096) != 0) {
    std::perror("bench_backend");
    std::exit(1);
  }
  return fd;
}

void watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

void accept_all(int listening, int epoll) {
  for (;;) {
    const int fd = ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK);
    if (fd < 0) {
      return;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(epoll, fd);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_backend PORT [BODY BYTES]\n");
    return 2;
  }
  const std::size_t size = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1024;
  const std::string answer =
      "HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Mon, 23 Nov 2026 12:00:00 GMT\r\n"
      "Content-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: " +
      std::to_string(size) + "\r\n\r\n" + std::string(size, 'x');
  const int listening = listen_on(std::atoi(argv[1]));
  const int epoll = ::epoll_create1(0);
  watch(epoll, listening);
  std::vector<epoll_event> events(256);
  static char bytes[64 * 1024];
  for (;;) {
    const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listening) {
        accept_all(listening, epoll);
        continue;
      }
      const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
      if (got <= 0) {
        ::close(fd);
        continue;
      }
      // A head of this load always arrives whole.
      if (std::string_view{bytes, static_cast<std::size_t>(got)}.ends_with("\r\n\r\n") &&
          ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) {
        ::close(fd);
      }
    }
  }
}
