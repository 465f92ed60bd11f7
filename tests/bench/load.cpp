// The load of the benchmarks of cost: one epoll loop, closed (as fast as answers come) or open (at
// given times, whatever becomes of the requests before). Says what came of it in one line of JSON.
//
// Usage: bench_load PORT CONNECTIONS REQUESTS [NAME=VALUE...]
//   seconds=S   for so long instead of REQUESTS (which is 0 then)
//   rate=R      open loop, Poisson arrivals, from seed=N
//   path=P      another target
//   body=N      a POST with so many bytes
//   padding=N   so many bytes more in the head
//   close=1     a new connection for each request, whose end the client asks the server for
//   close=2     the same, but the client leaves when it has its answer
//   any=1       answers other than 200 are counted instead of ending the load
//   wait=1      one answer on each connection first, then "ready"; begins at a line of input, and
//               keeps the connections until the input ends
//   cold=1      without that first answer
#include "load_client.hpp"
#include "load_options.hpp"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// The time to the next arrival of a Poisson process of so many a second.
double gap_seconds(std::mt19937_64& random, double rate) {
  return -std::log((static_cast<double>(random() >> 11U) + 0.5) * 0x1p-53) / rate;
}

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options), request_(request_of(options)), clients_(options.connections) {
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      idle_.push_back(i);
    }
  }

  void run() {
    if (options_.number("wait") > 0) {
      warm_up();
      std::puts("ready");
      std::fflush(stdout);
      std::getchar();
    }
    const Time begin = Clock::now();
    go(options_.requests, options_.number("seconds"), options_.number("rate"));
    print(std::chrono::duration<double>(Clock::now() - begin).count());
    while (options_.number("wait") > 0 && std::getchar() != EOF) {
    }
  }

 private:
  void warm_up() {
    if (options_.number("close") > 0 || options_.number("cold") > 0) {
      return;
    }
    for (std::size_t done = 0; done < clients_.size(); done += 50) {  // Fifty at a time.
      for (std::size_t i = done; i < std::min(done + 50, clients_.size()); ++i) {
        start(i, Clock::now());
      }
      while (in_flight_ > 0) {
        turn(1000);
      }
    }
    idle_.clear();
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      idle_.push_back(i);
    }
    took_us_.clear();
    good_ = bad_ = 0;
    bytes_ = 0;
  }

  /// So many requests, or as many as begin in so many seconds; then until all are answered.
  void go(long requests, double seconds, double rate) {
    const Time begin = Clock::now();
    const Time end =
        begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    std::mt19937_64 random(static_cast<std::uint64_t>(options_.number("seed")));
    std::deque<Time> waiting;
    Time next = begin;
    long begun = 0;
    for (;;) {
      const Time now = Clock::now();
      const bool more = seconds > 0 ? now < end : begun < requests;
      while (rate > 0 && next <= now && next < end) {
        waiting.push_back(next);
        next += std::chrono::duration_cast<Clock::duration>(
            std::chrono::duration<double>(gap_seconds(random, rate)));
      }
      while (!idle_.empty() && (rate > 0 ? !waiting.empty() : more && begun < requests_or_all())) {
        const Time due = rate > 0 ? waiting.front() : now;
        late_ += now - due > std::chrono::milliseconds(1);
        if (rate > 0) {
          waiting.pop_front();
        }
        const std::size_t client = idle_.back();
        idle_.pop_back();
        start(client, due);
        ++begun;
      }
      if (!more && in_flight_ == 0 && waiting.empty()) {
        return;
      }
      if (seconds > 0 && now > end + std::chrono::seconds(20)) {
        std::fprintf(stderr, "%zu requests have no answer\n", in_flight_);
        std::exit(1);
      }
      turn(rate > 0 && more ? std::chrono::duration<double, std::milli>(next - now).count() : 100);
    }
  }

  long requests_or_all() const {
    return options_.number("seconds") > 0 ? std::numeric_limits<long>::max() : options_.requests;
  }

  void turn(double wait_ms) {
    epoll_event events[256];
    const auto ns = static_cast<long>(std::clamp(wait_ms, 0.0, 100.0) * 1e6);
    const timespec wait{ns / 1'000'000'000, ns % 1'000'000'000};
    const int count = ::epoll_pwait2(epoll_, events, 256, &wait, nullptr);
    for (int i = 0; i < count; ++i) {
      const auto place = static_cast<std::size_t>(events[i].data.u64);
      if ((events[i].events & EPOLLOUT) != 0) {
        send_more(place);
      }
      if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        receive(place);
      }
    }
  }

  void start(std::size_t place, Time due) {
    Client& client = clients_[place];
    if (client.fd < 0) {
      client.fd = open_connection(options_.port);
      watch(place, EPOLLIN, EPOLL_CTL_ADD);
    }
    client.due = due;
    client.busy = true;
    client.sent = 0;
    client.head.clear();
    client.body_left = 0;
    ++in_flight_;
    send_more(place);
  }

  void watch(std::size_t place, std::uint32_t events, int what) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = place;
    ::epoll_ctl(epoll_, what, clients_[place].fd, &event);
  }

  void send_more(std::size_t place) {
    Client& client = clients_[place];
    const ssize_t sent = ::send(client.fd, request_.data() + client.sent,
                                request_.size() - client.sent, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
      return;  // The end is read next.
    }
    const bool waited = client.sent > 0;
    client.sent += static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
    if (client.sent < request_.size() || waited) {
      const std::uint32_t out = client.sent < request_.size() ? EPOLLOUT : 0U;
      watch(place, EPOLLIN | out, EPOLL_CTL_MOD);
    }
  }

  void receive(std::size_t place) {
    static char bytes[256 * 1024];
    Client& client = clients_[place];
    const ssize_t got = ::recv(client.fd, bytes, sizeof bytes, 0);
    if (got < 0 && errno == EAGAIN) {
      return;
    }
    if (got <= 0 || !client.busy) {
      closed(place);
      return;
    }
    std::string_view rest{bytes, static_cast<std::size_t>(got)};
    if (client.body_left == 0) {
      client.head.append(rest);
      const std::size_t end = client.head.find("\r\n\r\n");
      if (end == client.head.npos) {
        return;
      }
      read_head(client, end, options_.number("any") > 0);
      rest = rest.substr(rest.size() - (client.head.size() - end - 4));
    }
    if (client.body_left < rest.size()) {
      std::fprintf(stderr, "more bytes than the answer has\n");
      std::exit(1);
    }
    bytes_ += rest.size();
    client.body_left -= rest.size();
    if (client.body_left == 0) {
      finish(place);
    }
  }

  void finish(std::size_t place) {
    Client& client = clients_[place];
    (client.status == 200 ? good_ : bad_) += 1;
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - client.due);
    took_us_.push_back(static_cast<std::uint32_t>(took.count()));
    if (client.says_close) {
      client.ending = true;  // The server ends it, so that this side keeps no port waiting.
      return;
    }
    settle(place);
    if (options_.number("close") > 0) {
      drop(place);
    }
  }

  void settle(std::size_t place) {
    clients_[place].busy = false;
    --in_flight_;
    idle_.push_back(place);
  }

  void drop(std::size_t place) {
    ::close(clients_[place].fd);
    clients_[place].fd = -1;
  }

  void closed(std::size_t place) {
    if (clients_[place].ending) {
      clients_[place].ending = false;
      settle(place);
    } else if (clients_[place].busy) {
      if (options_.number("any") == 0) {
        std::fprintf(stderr, "connection closed early\n");
        std::exit(1);
      }
      ++bad_;
      settle(place);
    }
    drop(place);
  }

  void print(double seconds) {
    std::sort(took_us_.begin(), took_us_.end());
    const auto quantile = [this](double share) {
      const auto place = static_cast<std::size_t>(share * static_cast<double>(took_us_.size()));
      return took_us_.empty() ? 0 : took_us_[std::min(place, took_us_.size() - 1)];
    };
    std::printf(
        "{\"good\": %ld, \"bad\": %ld, \"bytes\": %zu, \"seconds\": %.4f, \"late\": %ld, "
        "\"p50_us\": %u, \"p99_us\": %u, \"p999_us\": %u}\n",
        good_, bad_, bytes_, seconds, late_, quantile(0.5), quantile(0.99), quantile(0.999));
    std::fflush(stdout);
  }

  const Options& options_;
  const std::string request_;
  std::vector<Client> clients_;
  std::vector<std::size_t> idle_;
  std::vector<std::uint32_t> took_us_;
  int epoll_ = ::epoll_create1(0);
  std::size_t in_flight_ = 0, bytes_ = 0;
  long good_ = 0, bad_ = 0, late_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_TIMERSLACK, 1000);  // Nanoseconds: requests of the open loop begin on time.
  const Options options = parse(argc, argv);
  Load(options).run();
  return 0;
}
