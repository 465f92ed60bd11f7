// A service that can be overloaded, in one process: endpoints with a few slots each, an exponential
// time for each request (a timer, no CPU), and a queue in order of arrival that goes on working for
// callers who have left. What goes wrong, and when, is told on the command line.
//
// Usage: service ENDPOINTS SLOTS MEAN_MS BACKLOG SEED [MS:ENDPOINT:MANNER:FACTOR ...]
//   MANNER: serves, errors (503 at once), refuses (closed, connections reset), silent (takes
//   requests and never answers); FACTOR on the service time. MS counts from the start.
// Prints the ports on one line. A line on standard input with a time of CLOCK_MONOTONIC in
// nanoseconds is the start; at its end the requests that arrived are printed, one number for each
// tenth of a second since the start.
#include "model.hpp"

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
#include <string>
#include <string_view>
#include <vector>

namespace {

Nanoseconds clock_now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

struct Listener {
  int fd = -1;
  int port = 0;
};

struct Connection {
  std::uint64_t serial = 0;  // 0 = closed.
  std::size_t endpoint = 0;
  std::string in;
};

class Service {
 public:
  Service(std::size_t endpoints, unsigned slots, double mean_ms, std::size_t backlog,
          std::uint64_t seed, std::vector<Event> events)
      : model_(endpoints, slots, mean_ms, backlog, seed),
        events_(std::move(events)),
        listeners_(endpoints),
        epoll_(::epoll_create1(0)) {
    for (Listener& listener : listeners_) {
      open(listener);
    }
    watch(STDIN_FILENO);
  }

  void run();

 private:
  void open(Listener& listener);
  void shut(std::size_t index);
  void watch(int fd);
  void forget(int fd);
  void accept_all(std::size_t index);
  void readable(int fd);
  void arrive(int fd, Connection& connection, bool health);
  void answer_due();
  void control();
  void apply_events();
  void report() const;
  timespec until_next() const;

  Model model_;
  std::vector<Event> events_;
  std::size_t applied_ = 0;
  std::vector<Listener> listeners_;      // Of the endpoints.
  std::vector<Connection> connections_;  // By descriptor.
  std::vector<unsigned> arrived_;
  Nanoseconds now_ = 0;
  Nanoseconds start_ = 0;
  std::uint64_t serials_ = 0;
  int epoll_;
  bool ended_ = false;
};

void Service::open(Listener& listener) {
  listener.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(listener.port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener.fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener.fd, 4096) != 0 ||
      ::getsockname(listener.fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::perror("service");
    std::exit(1);
  }
  listener.port = ntohs(address.sin_port);
  watch(listener.fd);
}

/// As a process that is killed.
void Service::shut(std::size_t index) {
  ::close(listeners_[index].fd);
  listeners_[index].fd = -1;
  model_.restart(index);
  for (std::size_t fd = 0; fd < connections_.size(); ++fd) {
    if (connections_[fd].serial != 0 && connections_[fd].endpoint == index) {
      const linger reset{1, 0};
      ::setsockopt(static_cast<int>(fd), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      forget(static_cast<int>(fd));
    }
  }
}

void Service::watch(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Service::forget(int fd) {
  connections_[static_cast<std::size_t>(fd)] = {};
  ::close(fd);
}

void Service::accept_all(std::size_t index) {
  for (;;) {
    const int fd = ::accept4(listeners_[index].fd, nullptr, nullptr, SOCK_NONBLOCK);
    if (fd < 0) {
      return;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connections_.size() <= static_cast<std::size_t>(fd)) {
      connections_.resize(static_cast<std::size_t>(fd) + 1);
    }
    connections_[static_cast<std::size_t>(fd)] = {++serials_, index, {}};
    watch(fd);
  }
}

void Service::readable(int fd) {
  Connection& connection = connections_[static_cast<std::size_t>(fd)];
  char bytes[4096];
  const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
  if (got < 0 && errno == EAGAIN) {
    return;
  }
  if (got <= 0) {
    forget(fd);  // The work it asked for is done all the same.
    return;
  }
  connection.in.append(bytes, static_cast<std::size_t>(got));
  for (std::size_t end = 0; (end = connection.in.find("\r\n\r\n")) != std::string::npos;) {
    const bool health = connection.in.starts_with("GET /healthz ");
    connection.in.erase(0, end + 4);
    arrive(fd, connection, health);
  }
}

void Service::arrive(int fd, Connection& connection, bool health) {
  if (!health && start_ != 0 && now_ >= start_) {
    const auto tenth = static_cast<std::size_t>((now_ - start_) / (100 * kMillisecond));
    arrived_.resize(std::max(arrived_.size(), tenth + 1));
    ++arrived_[tenth];
  }
  model_.arrive(connection.endpoint, {fd, connection.serial}, health, now_);
}

void Service::answer_due() {
  static constexpr std::string_view good = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ngood\n";
  static constexpr std::string_view bad =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbad\n";
  while (const auto answer = model_.take(now_)) {
    const int fd = answer->job.fd;
    if (connections_[static_cast<std::size_t>(fd)].serial == answer->job.serial) {
      const std::string_view text = answer->good ? good : bad;
      ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    }
  }
}

void Service::control() {
  char bytes[64] = "";
  if (::read(STDIN_FILENO, bytes, sizeof bytes - 1) <= 0) {
    ended_ = true;
    return;
  }
  start_ = std::atoll(bytes);
}

void Service::apply_events() {
  while (start_ != 0 && applied_ < events_.size() && start_ + events_[applied_].at <= now_) {
    const Event& event = events_[applied_++];
    Listener& listener = listeners_[event.endpoint];
    model_.behave(event);
    if (event.manner == Manner::Refuses && listener.fd >= 0) {
      shut(event.endpoint);
    } else if (event.manner != Manner::Refuses && listener.fd < 0) {
      open(listener);
    }
  }
}

timespec Service::until_next() const {
  Nanoseconds next = now_ + 1000 * kMillisecond;
  next = std::min(next, model_.next().value_or(next));
  if (start_ != 0 && applied_ < events_.size()) {
    next = std::min(next, start_ + events_[applied_].at);
  }
  const Nanoseconds left = std::max<Nanoseconds>(next - now_, 0);
  return {left / 1'000'000'000, left % 1'000'000'000};
}

void Service::report() const {
  for (const unsigned count : arrived_) {
    std::printf("%u ", count);
  }
  std::printf("\n");
}

void Service::run() {
  for (const Listener& listener : listeners_) {
    std::printf("%d ", listener.port);
  }
  std::printf("\n");
  std::fflush(stdout);
  std::vector<epoll_event> ready(256);
  while (!ended_) {
    const timespec wait = until_next();
    const int count =
        ::epoll_pwait2(epoll_, ready.data(), static_cast<int>(ready.size()), &wait, nullptr);
    now_ = clock_now();
    apply_events();
    answer_due();
    for (int i = 0; i < count; ++i) {
      const int fd = ready[static_cast<std::size_t>(i)].data.fd;
      const auto listening = std::find_if(listeners_.begin(), listeners_.end(),
                                          [fd](const Listener& it) { return it.fd == fd; });
      if (fd == STDIN_FILENO) {
        control();
      } else if (listening != listeners_.end()) {
        accept_all(static_cast<std::size_t>(listening - listeners_.begin()));
      } else if (static_cast<std::size_t>(fd) < connections_.size() &&
                 connections_[static_cast<std::size_t>(fd)].serial != 0) {
        readable(fd);
      }
    }
  }
  report();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(
        stderr,
        "usage: service ENDPOINTS SLOTS MEAN_MS BACKLOG SEED [MS:ENDPOINT:MANNER:FACTOR ...]\n");
    return 2;
  }
  std::vector<Event> events;
  for (int i = 6; i < argc; ++i) {
    events.push_back(parse_event(argv[i]));
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.at < b.at; });
  Service service(std::strtoul(argv[1], nullptr, 10),
                  static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10)),
                  std::strtod(argv[3], nullptr), std::strtoul(argv[4], nullptr, 10),
                  std::strtoull(argv[5], nullptr, 10), std::move(events));
  service.run();
}
