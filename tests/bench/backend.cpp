// The cheapest honest upstream: one epoll loop. It answers every request with 1 KiB, or as the path
// says: /bytes/N so many bytes, /hold/MS as late, /fail/P with 503 in P of 100 cases, drawn.
//
// Usage: bench_backend PORT [BODY BYTES] [addresses=N] [unix=PATH]
// addresses=N listens on 127.0.0.1 and the N - 1 addresses after it.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Peer {
  std::uint64_t opened = 0;        // Tells one that took the descriptor over; 0 = none.
  std::string head;                // Of the request, while it is not whole.
  std::size_t body_left = 0;       // Of the request, to be read.
  std::string answer;              // Its head.
  std::size_t sent = 0, size = 0;  // Of head and body together.
};

struct Held {
  Clock::time_point due;
  int fd;
  std::uint64_t opened;
};

int listen_on(const sockaddr* address, socklen_t size) {
  const int fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, address, size) != 0 || ::listen(fd, 4096) != 0) {
    std::perror("bench_backend");
    std::exit(1);
  }
  return fd;
}

int listen_on_tcp(std::uint32_t ip, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(ip);
  return listen_on(reinterpret_cast<sockaddr*>(&address), sizeof address);
}

int listen_on_unix(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return listen_on(reinterpret_cast<sockaddr*>(&address), sizeof address);
}

/// The number after `name` at the begin of the target; `otherwise` if the target begins otherwise.
std::size_t number_of(std::string_view head, std::string_view name, std::size_t otherwise) {
  const std::size_t begin = head.find(' ') + 1;
  return head.substr(begin).starts_with(name)
             ? std::strtoul(&head[begin + name.size()], nullptr, 10)
             : otherwise;
}

std::size_t content_length(std::string_view head) {
  for (std::size_t at = head.find("\r\n"); at != head.npos; at = head.find("\r\n", at + 2)) {
    if (::strncasecmp(head.data() + at + 2, "content-length:", 15) == 0) {
      return std::strtoul(head.data() + at + 17, nullptr, 10);
    }
  }
  return 0;
}

std::string answer_head(std::string_view status, std::size_t size) {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nServer: bench\r\nDate: Mon, 23 Nov 2026 12:00:00 GMT\r\n"
         "Content-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: " +
         std::to_string(size) + "\r\n\r\n";
}

class Backend {
 public:
  explicit Backend(std::size_t usual) : usual_(usual), body_(usual, 'x') {}

  void listen(int fd) {
    listening_.push_back(fd);
    watch(fd, EPOLLIN, EPOLL_CTL_ADD);
  }

  void run() {
    std::vector<epoll_event> events(256);
    for (;;) {
      const int count = ::epoll_wait(epoll_, events.data(), 256, until_held());
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (std::ranges::find(listening_, event.data.fd) != listening_.end()) {
          accept_all(event.data.fd);
        } else if ((event.events & EPOLLOUT) != 0) {
          send_more(event.data.fd);
        } else {
          receive(event.data.fd);
        }
      }
      release_held();
    }
  }

 private:
  void watch(int fd, std::uint32_t events, int what) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, what, fd, &event);
  }

  Peer& peer(int fd) { return peers_[static_cast<std::size_t>(fd)]; }

  void accept_all(int listening) {
    for (int fd = 0; (fd = ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (static_cast<std::size_t>(fd) >= peers_.size()) {
        peers_.resize(static_cast<std::size_t>(fd) + 64);
      }
      peer(fd) = Peer{};
      peer(fd).opened = ++opened_;
      watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    }
  }

  void close(int fd) {
    peer(fd).opened = 0;
    ::close(fd);
  }

  void receive(int fd) {
    static char bytes[256 * 1024];
    const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
    if (got <= 0) {
      if (got == 0 || errno != EAGAIN) {
        close(fd);
      }
      return;
    }
    std::string_view rest{bytes, static_cast<std::size_t>(got)};
    Peer& it = peer(fd);
    if (it.body_left == 0) {
      it.head.append(rest);
      const std::size_t end = it.head.find("\r\n\r\n");
      if (end == it.head.npos) {
        return;
      }
      rest = rest.substr(rest.size() - (it.head.size() - end - 4));
      it.head.resize(end + 2);
      it.body_left = content_length(it.head);
    }
    it.body_left -= std::min(it.body_left, rest.size());
    if (it.body_left == 0) {
      answer(fd);
    }
  }

  void answer(int fd) {
    Peer& it = peer(fd);
    const bool fails = random_() % 100 < number_of(it.head, "/fail/", 0);
    const std::size_t size = number_of(it.head, "/bytes/", usual_);
    const std::size_t hold_ms = number_of(it.head, "/hold/", 0);
    it.head.clear();
    body_.resize(std::max(body_.size(), size), 'x');
    it.answer = answer_head(fails ? "503 Service Unavailable" : "200 OK", size);
    it.sent = 0;
    it.size = it.answer.size() + size;
    if (hold_ms > 0) {
      held_.push_back({Clock::now() + std::chrono::milliseconds(hold_ms), fd, it.opened});
    } else {
      send_more(fd);
    }
  }

  void send_more(int fd) {
    Peer& it = peer(fd);
    const bool waited = it.sent > 0;
    const std::size_t head = it.answer.size();
    iovec parts[2]{{it.answer.data(), head}, {body_.data(), it.size - head}};
    if (it.sent >= head) {
      parts[0].iov_len = 0;
      parts[1] = {body_.data(), it.size - it.sent};
    } else {
      parts[0] = {it.answer.data() + it.sent, head - it.sent};
    }
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
      close(fd);
      return;
    }
    it.sent += static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
    if (it.sent < it.size || waited) {
      watch(fd, it.sent < it.size ? EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
    }
  }

  /// Milliseconds until the next held answer is due; held ones of a run are all held as long.
  int until_held() const {
    if (held_.empty()) {
      return -1;
    }
    const auto left = held_.front().due - Clock::now();
    return std::max(
        0,
        static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(left).count() + 1));
  }

  void release_held() {
    while (!held_.empty() && held_.front().due <= Clock::now()) {
      const Held it = held_.front();
      held_.pop_front();
      if (peer(it.fd).opened == it.opened) {
        send_more(it.fd);
      }
    }
  }

  const std::size_t usual_;
  std::string body_;
  std::vector<int> listening_;
  std::vector<Peer> peers_ = std::vector<Peer>(64);
  std::deque<Held> held_;
  std::minstd_rand random_;
  std::uint64_t opened_ = 0;
  int epoll_ = ::epoll_create1(0);
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_backend PORT [BODY BYTES] [addresses=N] [unix=PATH]\n");
    return 2;
  }
  const bool sized = argc > 2 && std::strchr(argv[2], '=') == nullptr;
  Backend backend(sized ? std::strtoul(argv[2], nullptr, 10) : 1024);
  std::uint32_t addresses = 1;
  for (int i = 2; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option.starts_with("addresses=")) {
      addresses = static_cast<std::uint32_t>(std::atoi(argv[i] + 10));
    } else if (option.starts_with("unix=")) {
      backend.listen(listen_on_unix(option.substr(5)));
    }
  }
  for (std::uint32_t i = 0; i < addresses; ++i) {
    backend.listen(listen_on_tcp(INADDR_LOOPBACK + i, std::atoi(argv[1])));
  }
  backend.run();
}
