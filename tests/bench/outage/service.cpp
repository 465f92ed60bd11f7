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
#include <deque>
#include <queue>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Nanoseconds = std::int64_t;
constexpr Nanoseconds kMillisecond = 1'000'000;
constexpr Nanoseconds kQuick = kMillisecond;  // Of an answer that takes no work.

Nanoseconds clock_now() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

enum class Manner { Serves, Errors, Refuses, Silent };

struct Event {
  Nanoseconds at = 0;
  std::size_t endpoint = 0;
  Manner manner = Manner::Serves;
  double slower = 1;
};

struct Job {
  int fd = -1;
  std::uint64_t serial = 0;  // Of the connection: a descriptor is used again.
};

struct Endpoint {
  int listener = -1;
  int port = 0;
  Manner manner = Manner::Serves;
  double slower = 1;
  std::uint64_t epoch = 0;  // Work begun before a restart is gone.
  unsigned busy = 0;
  std::deque<Job> queue;
};

struct Connection {
  std::uint64_t serial = 0;  // 0 = closed.
  std::size_t endpoint = 0;
  std::string in;
};

struct Done {
  Nanoseconds at = 0;
  std::size_t endpoint = 0;
  std::uint64_t epoch = 0;
  Job job;
  bool error = false;
  bool worked = true;  // Held a slot.
  bool operator<(const Done& other) const { return at > other.at; }
};

Event parse_event(const char* text) {
  char manner[16] = "";
  Event event;
  long long ms = 0;
  if (std::sscanf(text, "%lld:%zu:%15[a-z]:%lf", &ms, &event.endpoint, manner, &event.slower) != 4) {
    std::fprintf(stderr, "service: \"%s\" is not MS:ENDPOINT:MANNER:FACTOR\n", text);
    std::exit(2);
  }
  event.at = ms * kMillisecond;
  const std::string_view name{manner};
  event.manner = name == "errors"    ? Manner::Errors
                 : name == "refuses" ? Manner::Refuses
                 : name == "silent"  ? Manner::Silent
                                     : Manner::Serves;
  return event;
}

class Service {
 public:
  Service(std::size_t endpoints, unsigned slots, double mean_ms, std::size_t backlog,
          std::uint64_t seed, std::vector<Event> events)
      : slots_(slots), mean_(mean_ms * 1e6), backlog_(backlog), events_(std::move(events)),
        random_(seed), endpoints_(endpoints), epoll_(::epoll_create1(0)) {
    for (Endpoint& endpoint : endpoints_) {
      open(endpoint);
    }
    watch(STDIN_FILENO);
  }

  void run();

 private:
  void open(Endpoint& endpoint);
  void shut(std::size_t index);
  void watch(int fd);
  void forget(int fd);
  void accept_all(std::size_t index);
  void readable(int fd);
  void arrive(int fd, Connection& connection, bool health);
  void begin(std::size_t index, Job job);
  void finish(const Done& done);
  void control();
  void apply_events();
  void report() const;
  timespec until_next() const;

  unsigned slots_;
  double mean_;
  std::size_t backlog_;
  std::vector<Event> events_;
  std::size_t applied_ = 0;
  std::mt19937_64 random_;
  std::vector<Endpoint> endpoints_;
  std::vector<Connection> connections_;  // By descriptor.
  std::priority_queue<Done> work_;
  std::vector<unsigned> arrived_;
  Nanoseconds now_ = 0;
  Nanoseconds start_ = 0;
  std::uint64_t serials_ = 0;
  int epoll_;
  bool ended_ = false;
};

void Service::open(Endpoint& endpoint) {
  endpoint.listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(endpoint.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(endpoint.port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(endpoint.listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(endpoint.listener, 4096) != 0 ||
      ::getsockname(endpoint.listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::perror("service");
    std::exit(1);
  }
  endpoint.port = ntohs(address.sin_port);
  watch(endpoint.listener);
}

/// As a process that is killed: what waits and what is worked on is gone.
void Service::shut(std::size_t index) {
  Endpoint& endpoint = endpoints_[index];
  ::close(endpoint.listener);
  endpoint.listener = -1;
  ++endpoint.epoch;
  endpoint.busy = 0;
  endpoint.queue.clear();
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
    const int fd = ::accept4(endpoints_[index].listener, nullptr, nullptr, SOCK_NONBLOCK);
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
  Endpoint& endpoint = endpoints_[connection.endpoint];
  const Job job{fd, connection.serial};
  if (!health && start_ != 0 && now_ >= start_) {
    const auto tenth = static_cast<std::size_t>((now_ - start_) / (100 * kMillisecond));
    arrived_.resize(std::max(arrived_.size(), tenth + 1));
    ++arrived_[tenth];
  }
  if (endpoint.manner == Manner::Silent) {
    return;
  }
  const bool full = endpoint.busy >= slots_ && endpoint.queue.size() >= backlog_;
  if (health || full || endpoint.manner == Manner::Errors) {
    const bool error = full || endpoint.manner == Manner::Errors;
    work_.push({now_ + kQuick, connection.endpoint, endpoint.epoch, job, error, false});
  } else if (endpoint.busy < slots_) {
    ++endpoint.busy;
    begin(connection.endpoint, job);
  } else {
    endpoint.queue.push_back(job);
  }
}

void Service::begin(std::size_t index, Job job) {
  const Endpoint& endpoint = endpoints_[index];
  std::exponential_distribution<double> time(1.0 / (mean_ * endpoint.slower));
  work_.push({now_ + static_cast<Nanoseconds>(time(random_)), index, endpoint.epoch, job});
}

void Service::finish(const Done& done) {
  Endpoint& endpoint = endpoints_[done.endpoint];
  if (done.epoch != endpoint.epoch) {
    return;
  }
  if (done.worked && endpoint.queue.empty()) {
    --endpoint.busy;
  } else if (done.worked) {
    begin(done.endpoint, endpoint.queue.front());
    endpoint.queue.pop_front();
  }
  if (endpoint.manner == Manner::Silent ||
      connections_[static_cast<std::size_t>(done.job.fd)].serial != done.job.serial) {
    return;
  }
  static constexpr std::string_view good = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ngood\n";
  static constexpr std::string_view bad =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbad\n";
  const std::string_view answer = done.error ? bad : good;
  ::send(done.job.fd, answer.data(), answer.size(), MSG_NOSIGNAL);
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
    Endpoint& endpoint = endpoints_[event.endpoint];
    endpoint.manner = event.manner;
    endpoint.slower = event.slower;
    if (event.manner == Manner::Refuses && endpoint.listener >= 0) {
      shut(event.endpoint);
    } else if (event.manner != Manner::Refuses && endpoint.listener < 0) {
      open(endpoint);
    }
  }
}

timespec Service::until_next() const {
  Nanoseconds next = now_ + 1000 * kMillisecond;
  if (!work_.empty()) {
    next = std::min(next, work_.top().at);
  }
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
  for (const Endpoint& endpoint : endpoints_) {
    std::printf("%d ", endpoint.port);
  }
  std::printf("\n");
  std::fflush(stdout);
  std::vector<epoll_event> ready(256);
  while (!ended_) {
    const timespec wait = until_next();
    const int count = ::epoll_pwait2(epoll_, ready.data(), static_cast<int>(ready.size()), &wait, nullptr);
    now_ = clock_now();
    apply_events();
    while (!work_.empty() && work_.top().at <= now_) {
      const Done done = work_.top();
      work_.pop();
      finish(done);
    }
    for (int i = 0; i < count; ++i) {
      const int fd = ready[static_cast<std::size_t>(i)].data.fd;
      const auto listening = std::find_if(endpoints_.begin(), endpoints_.end(),
                                          [fd](const Endpoint& it) { return it.listener == fd; });
      if (fd == STDIN_FILENO) {
        control();
      } else if (listening != endpoints_.end()) {
        accept_all(static_cast<std::size_t>(listening - endpoints_.begin()));
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
    std::fprintf(stderr, "usage: service ENDPOINTS SLOTS MEAN_MS BACKLOG SEED [MS:ENDPOINT:MANNER:FACTOR ...]\n");
    return 2;
  }
  std::vector<Event> events;
  for (int i = 6; i < argc; ++i) {
    events.push_back(parse_event(argv[i]));
  }
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
  Service service(std::strtoul(argv[1], nullptr, 10), static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10)),
                  std::strtod(argv[3], nullptr), std::strtoul(argv[4], nullptr, 10),
                  std::strtoull(argv[5], nullptr, 10), std::move(events));
  service.run();
}
