// The callers of the soak: threads that send what plan.hpp says through the proxy, leave at random
// points, and judge every byte that comes back.
//
// Usage: callers LEDGER SEED LARGEST_BODY PORT THREADS SECONDS [REQUESTS_PER_SECOND]
// Prints counts as "number<TAB>name" lines at the end. It exits 0 whatever it found.
#include "deliveries.hpp"
#include "flight.hpp"
#include "judge.hpp"
#include "ledger.hpp"
#include "message.hpp"
#include "plan.hpp"
#include "world.hpp"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace soak;
using Event = Reader::Event;

constexpr std::int64_t kPatience = 330 * kSecond;  // Longer than anything the proxy waits for.
constexpr std::int64_t kHold = kSecond / 4;        // For a 100 that does not come.

std::atomic<bool> told_to_stop{false};

struct Setting {
  Ledger& ledger;
  std::uint64_t seed;
  std::size_t most;
  int port;
  std::int64_t until;
  std::int64_t pause;  ///< Nanoseconds from one flight of a thread to its next; 0 = none.
};

/// One thread's connections, one after the other.
class Caller {
 public:
  Caller(const Setting& setting, std::uint64_t index)
      : setting_(setting), dice_(mixed(setting.seed + index)), flights_(dice_) {}
  void run();
  const Tally& tally() const { return tally_; }

 private:
  enum class Step : std::uint8_t { Go, Over };

  bool open();
  void close(bool with_reset);
  bool fly(const Flight& flight);
  bool send_some(const Flight& flight, std::size_t limit);
  Step receive(const Flight& flight, Judge& judge);
  Step take_events(const Flight& flight, Judge& judge);
  Step leave(const Flight& flight, Judge& judge);
  std::size_t send_limit(const Flight& flight) const;
  bool is_over() const { return clock_now() >= setting_.until || told_to_stop.load(); }

  const Setting& setting_;
  Dice dice_;
  Flights flights_;
  Tally tally_;
  int fd_ = -1;
  Reader reader_;
  std::size_t sent_ = 0;
  std::size_t received_ = 0;
  std::int64_t held_since_ = 0;
  bool released_ = false;  ///< 100 or 101 has come, or was waited for.
  bool send_failed_ = false;
};

bool Caller::open() {
  reader_ = Reader{};
  fd_ = connect_to(setting_.port, dice_.percent(5));
  if (fd_ < 0) {
    tally_.add("lost");
    std::perror("callers: lost: connect");
    return false;
  }
  tally_.add("connections");
  return true;
}

void Caller::close(bool with_reset) {
  if (with_reset) {
    close_will_reset(fd_);
  }
  ::close(fd_);
  fd_ = -1;
}

void Caller::run() {
  const auto next_plan = [this] {
    return plan_of(setting_.seed, setting_.ledger.next_number.fetch_add(1), setting_.most);
  };
  std::int64_t due = clock_now() + static_cast<std::int64_t>(dice_.below(20'000'000));
  while (!is_over() && setting_.ledger.next_number.load() < Ledger::kNumbers - 1'000'000) {
    if (setting_.pause > 0) {
      sleep_until(due);
      due = std::max(due + setting_.pause, clock_now() - kSecond);
    }
    if (fd_ < 0 && !open()) {
      return;
    }
    const bool keep = fly(flights_.next(next_plan));
    if (fd_ >= 0 && (!keep || dice_.permille(20))) {
      close(dice_.percent(20));
    }
  }
  if (fd_ >= 0) {
    close(false);
  }
}

/// True = the connection can be used on.
bool Caller::fly(const Flight& flight) {
  const std::int64_t started = clock_now();
  Judge judge(setting_.ledger, flight, started, tally_);
  sent_ = received_ = 0;
  released_ = send_failed_ = false;
  held_since_ = 0;
  bool finished_sending = false;
  tally_.add("requests", flight.sent.size());
  while (!judge.all_answered()) {
    const std::size_t limit = send_limit(flight);
    if (sent_ >= flight.abort_sent) {
      leave(flight, judge);
      return false;
    }
    if (sent_ == flight.bytes.size() && flight.half_closes && !finished_sending) {
      finished_sending = true;
      ::shutdown(fd_, SHUT_WR);
    }
    const bool can_send = sent_ < limit && !send_failed_;
    if (!can_send && sent_ == flight.hold_at && held_since_ == 0) {
      held_since_ = clock_now();
    }
    pollfd wait{fd_, static_cast<short>(can_send ? POLLIN | POLLOUT : POLLIN), 0};
    ::poll(&wait, 1, 100);
    if (held_since_ != 0 && flight.sent.front().plan.kind == Kind::Plain &&
        clock_now() > held_since_ + kHold) {
      released_ = true;
    }
    if ((wait.revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
        receive(flight, judge) == Step::Over) {
      return false;
    }
    if ((wait.revents & POLLOUT) != 0 && !send_some(flight, limit)) {
      send_failed_ = true;  // An answer may have come all the same.
    }
    if (clock_now() > started + kPatience) {
      judge.lost("no answer in 330 s");
      return false;
    }
  }
  if (!reader_.fresh()) {
    judge.wrong("bytes behind the answer: " + std::string{reader_.rest().substr(0, 60)});
  }
  return !judge.closes() && sent_ == flight.bytes.size() && !flight.half_closes;
}

std::size_t Caller::send_limit(const Flight& flight) const {
  std::size_t limit = std::min(flight.bytes.size(), flight.abort_sent);
  if (!released_) {
    limit = std::min(limit, flight.hold_at);
  }
  return limit;
}

bool Caller::send_some(const Flight& flight, std::size_t limit) {
  const std::size_t size = std::min(limit - sent_, flight.piece);
  const ssize_t sent = ::send(fd_, flight.bytes.data() + sent_, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) {
    return errno == EAGAIN;
  }
  sent_ += static_cast<std::size_t>(sent);
  if (flight.piece != Flight::kNever && dice_.percent(10)) {
    sleep_for(static_cast<std::int64_t>(dice_.below(2'000'000)));
  }
  return true;
}

Caller::Step Caller::receive(const Flight& flight, Judge& judge) {
  static thread_local char bytes[256 * 1024];
  const bool slowly = flight.reads_slowly && received_ < 200'000;
  if (slowly) {
    sleep_for(static_cast<std::int64_t>(dice_.below(2'000'000)));
  }
  const ssize_t got =
      ::recv(fd_, bytes, slowly ? 1 + dice_.below(2000) : sizeof bytes, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) {
    return Step::Go;
  }
  if (got <= 0) {
    judge.on_close(reader_, got == 0);
    return Step::Over;
  }
  received_ += static_cast<std::size_t>(got);
  reader_.add(bytes, static_cast<std::size_t>(got));
  const Step step = take_events(flight, judge);
  if (step == Step::Go && received_ >= flight.abort_received && !judge.all_answered()) {
    return leave(flight, judge);
  }
  return step;
}

Caller::Step Caller::take_events(const Flight& flight, Judge& judge) {
  bool interim = false;
  for (;;) {
    switch (reader_.next()) {
      case Event::More:
        return Step::Go;
      case Event::Bad:
        judge.wrong("not HTTP: " + reader_.first_line());
        return Step::Over;
      case Event::Head: {
        const Judge::Next next = judge.on_head(reader_);
        interim = next == Judge::Next::Continue;
        released_ = released_ || next != Judge::Next::Read ||
                    flight.sent.front().plan.kind == Kind::Upgrade;
        break;
      }
      case Event::Data:
        if (judge.all_answered()) {
          return Step::Over;
        }
        judge.on_data(reader_.data());
        if (judge.tunnel_is_done()) {
          ::shutdown(fd_, SHUT_WR);
        }
        break;
      case Event::End:
        if (!interim) {
          judge.on_end(reader_);
        }
        interim = false;
        break;
    }
  }
}

Caller::Step Caller::leave(const Flight& flight, Judge& judge) {
  tally_.add("aborted by the caller", flight.sent.size() - judge.answered());
  close(flight.aborts_with_reset);
  return Step::Over;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 7) {
    std::fprintf(stderr, "usage: callers LEDGER SEED LARGEST_BODY PORT THREADS SECONDS [RATE]\n");
    return 2;
  }
  const std::size_t threads = std::strtoull(argv[5], nullptr, 10);
  const double rate = argc > 7 ? std::atof(argv[7]) : 0;
  const auto pause = static_cast<std::int64_t>(
      rate > 0 ? static_cast<double>(threads) / rate * static_cast<double>(kSecond) : 0);
  const Setting setting{open_ledger(argv[1]),
                        std::strtoull(argv[2], nullptr, 10),
                        std::strtoull(argv[3], nullptr, 10),
                        std::atoi(argv[4]),
                        clock_now() + std::atoll(argv[6]) * kSecond,
                        pause};
  std::signal(SIGTERM, [](int) { told_to_stop.store(true); });
  std::deque<Caller> callers;  // They stay where they are.
  for (std::size_t index = 0; index < threads; ++index) {
    callers.emplace_back(setting, index);
  }
  std::vector<std::thread> running;
  for (Caller& caller : callers) {
    running.emplace_back([&caller] { caller.run(); });
  }
  Tally tally;
  for (std::size_t index = 0; index < threads; ++index) {
    running[index].join();
    tally.add(callers[index].tally());
  }
  check_deliveries(setting.ledger, setting.seed, setting.most, tally);
  for (const auto& [what, times] : tally.counts) {
    std::printf("%llu\t%s\n", static_cast<unsigned long long>(times), what.c_str());
  }
  return 0;
}
