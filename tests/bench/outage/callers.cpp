// Callers in open loop: requests begin at random times, whatever became of the ones before, and a
// caller who has waited for its patience closes the connection and has left. With more than one try
// it begins again at once, at the next port, after an error, a 5xx or its patience.
//
// Usage: callers START_NS PATIENCE_MS TRIES SEED PORT[,PORT...] UNTIL_MS:RATE [UNTIL_MS:RATE ...]
// Prints a line for each request: when it was due, in microseconds after the start; microseconds to
// its end; the status of the last answer, 0 for none in time, -1 for a broken connection; its
// tries.
#include "answer.hpp"
#include "arrivals.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

namespace {

Nanoseconds clock_now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

struct Request {
  Nanoseconds due = 0;
  Nanoseconds end = 0;
  int status = 0;
  int tries = 0;
};

struct Connection {
  std::size_t target = 0;
  std::size_t request = kNone;
  std::uint64_t exchange = 0;  // Tells the try of a timeout from a later one.
  bool reused = false;
  std::string in;
  static constexpr std::size_t kNone = ~std::size_t{0};
};

struct Patience {
  Nanoseconds at = 0;
  int fd = -1;
  std::uint64_t exchange = 0;
};

class Callers {
 public:
  Callers(Nanoseconds start, Nanoseconds patience, int tries, const std::vector<Nanoseconds>& due,
          std::vector<int> ports)
      : start_(start),
        patience_(patience),
        tries_(tries),
        ports_(std::move(ports)),
        idle_(ports_.size()),
        epoll_(::epoll_create1(0)) {
    for (const Nanoseconds at : due) {
      requests_.push_back({at});
    }
  }

  void run();
  void report() const;

 private:
  void attempt(std::size_t request);
  int open_connection(std::size_t target);
  void ready(int fd, std::uint32_t events);
  void answered(int fd, Answer answer);
  void failed(int fd, int status);
  void finish(std::size_t request, int status);
  void drop(int fd);

  Nanoseconds start_;
  Nanoseconds patience_;
  int tries_;
  std::vector<int> ports_;
  std::vector<std::vector<int>> idle_;
  std::vector<Request> requests_;
  std::vector<Connection> connections_;  // By descriptor.
  std::deque<Patience> patiences_;       // In order of time, as all are as patient.
  std::size_t next_ = 0;
  std::size_t open_ = 0;
  std::size_t turn_ = 0;
  std::uint64_t exchanges_ = 0;
  Nanoseconds now_ = 0;
  int epoll_;
};

int Callers::open_connection(std::size_t target) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    std::perror("callers");
    std::exit(1);
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(ports_[target]));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to);
  if (connections_.size() <= static_cast<std::size_t>(fd)) {
    connections_.resize(static_cast<std::size_t>(fd) + 1);
  }
  connections_[static_cast<std::size_t>(fd)] = {};
  connections_[static_cast<std::size_t>(fd)].target = target;
  return fd;
}

void Callers::attempt(std::size_t index) {
  Request& request = requests_[index];
  ++request.tries;
  const std::size_t target = turn_++ % ports_.size();
  int fd = -1;
  const bool reused = !idle_[target].empty();
  if (reused) {
    fd = idle_[target].back();
    idle_[target].pop_back();
  } else {
    fd = open_connection(target);
  }
  Connection& connection = connections_[static_cast<std::size_t>(fd)];
  connection.request = index;
  connection.reused = reused;
  connection.exchange = ++exchanges_;
  connection.in.clear();
  ++open_;
  patiences_.push_back({now_ + patience_, fd, connection.exchange});
  // A new connection sends when it is writable, one that is open at once.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT;
  event.data.fd = fd;
  ::epoll_ctl(epoll_, reused ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
}

void Callers::ready(int fd, std::uint32_t events) {
  Connection& connection = connections_[static_cast<std::size_t>(fd)];
  const bool busy = connection.request != Connection::kNone;
  if (busy && (events & EPOLLOUT) != 0 && (events & (EPOLLERR | EPOLLHUP)) == 0) {
    static constexpr char text[] =
        "GET /work HTTP/1.1\r\nHost: service.test\r\nUser-Agent: callers\r\nAccept: */*\r\n\r\n";
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
    if (::send(fd, text, sizeof text - 1, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof text - 1)) {
      failed(fd, -1);
      return;
    }
  }
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0) {
    return;
  }
  char bytes[4096];
  const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
  if (got <= 0) {
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    }
    if (busy) {
      failed(fd, -1);
    } else {
      drop(fd);
    }
    return;
  }
  connection.in.append(bytes, static_cast<std::size_t>(got));
  const auto answer = busy ? whole_answer(connection.in) : std::nullopt;
  if (answer) {
    answered(fd, *answer);
  }
}

void Callers::drop(int fd) {
  Connection& connection = connections_[static_cast<std::size_t>(fd)];
  std::vector<int>& idle = idle_[connection.target];
  idle.erase(std::remove(idle.begin(), idle.end(), fd), idle.end());
  connection = {};
  ::close(fd);
}

void Callers::answered(int fd, Answer answer) {
  Connection& connection = connections_[static_cast<std::size_t>(fd)];
  const std::size_t request = connection.request;
  connection.request = Connection::kNone;
  --open_;
  if (answer.keep) {
    idle_[connection.target].push_back(fd);
  } else {
    drop(fd);
  }
  if (answer.status >= 500 && requests_[request].tries < tries_) {
    attempt(request);
  } else {
    finish(request, answer.status);
  }
}

void Callers::failed(int fd, int status) {
  const Connection& connection = connections_[static_cast<std::size_t>(fd)];
  const std::size_t request = connection.request;
  // A kept connection that broke is opened anew, as every client does.
  const bool stale = connection.reused && status == -1 && connection.in.empty();
  --open_;
  drop(fd);
  if (stale) {
    --requests_[request].tries;
    attempt(request);
  } else if (requests_[request].tries < tries_) {
    attempt(request);
  } else {
    finish(request, status);
  }
}

void Callers::finish(std::size_t request, int status) {
  requests_[request].status = status;
  requests_[request].end = now_ - start_;
}

void Callers::run() {
  std::vector<epoll_event> events(256);
  while (next_ < requests_.size() || open_ > 0) {
    now_ = clock_now();
    Nanoseconds wake = now_ + 1'000'000'000;
    if (next_ < requests_.size()) {
      wake = std::min(wake, start_ + requests_[next_].due);
    }
    if (!patiences_.empty()) {
      wake = std::min(wake, patiences_.front().at);
    }
    const Nanoseconds left = std::max<Nanoseconds>(wake - now_, 0);
    const timespec wait{left / 1'000'000'000, left % 1'000'000'000};
    const int count =
        ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &wait, nullptr);
    now_ = clock_now();
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      ready(event.data.fd, event.events);
    }
    while (!patiences_.empty() && patiences_.front().at <= now_) {
      const Patience patience = patiences_.front();
      patiences_.pop_front();
      const Connection& connection = connections_[static_cast<std::size_t>(patience.fd)];
      if (connection.request != Connection::kNone && connection.exchange == patience.exchange) {
        failed(patience.fd, 0);
      }
    }
    while (next_ < requests_.size() && start_ + requests_[next_].due <= now_) {
      attempt(next_++);
    }
  }
}

void Callers::report() const {
  for (const Request& request : requests_) {
    std::printf("%lld %lld %d %d\n", static_cast<long long>(request.due / 1000),
                static_cast<long long>((request.end - request.due) / 1000), request.status,
                request.tries);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 7) {
    std::fprintf(
        stderr,
        "usage: callers START_NS PATIENCE_MS TRIES SEED PORT[,PORT...] UNTIL_MS:RATE ...\n");
    return 2;
  }
  std::vector<int> ports;
  for (char* word = std::strtok(argv[5], ","); word != nullptr; word = std::strtok(nullptr, ",")) {
    ports.push_back(std::atoi(word));
  }
  const auto due = arrivals(std::strtoull(argv[4], nullptr, 10), argv + 6, argv + argc);
  Callers callers(std::atoll(argv[1]), std::atoll(argv[2]) * 1'000'000, std::atoi(argv[3]), due,
                  std::move(ports));
  callers.run();
  callers.report();
}
