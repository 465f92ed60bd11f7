// A service of the soak: checks every request against its plan, counts its delivery, and answers or
// misbehaves as the plan says. One thread for each connection. It prints its port, and ends when it
// is killed.
//
// Usage: service LEDGER SEED LARGEST_BODY [PORT]
#include "compose.hpp"
#include "ledger.hpp"
#include "message.hpp"
#include "plan.hpp"
#include "world.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

namespace {

using namespace soak;
using Event = Reader::Event;

struct Setting {
  Ledger& ledger;
  std::uint64_t seed;
  std::size_t most;
};

void sleep_ms(std::int64_t milliseconds) { sleep_for(milliseconds * 1'000'000); }

class Connection {
 public:
  Connection(const Setting& setting, int fd) : setting_(setting), fd_(fd) {}
  ~Connection() { ::close(fd_); }
  void serve();

 private:
  bool read_request();
  bool read_body();
  bool check_head();
  bool check_body(std::string_view data);
  bool check_end();
  Event next();
  void answer();
  bool misbehave();
  void tunnel();
  void write_answer();
  bool bad(const char* what);
  bool send_all(std::string_view bytes);

  const Setting& setting_;
  int fd_;
  Reader reader_;
  Plan plan_;
  std::uint64_t offset_ = 0;
  unsigned delivery_ = 0;
  bool keep_ = true;
};

void Connection::serve() {
  while (keep_ && read_request()) {
    answer();
  }
}

bool Connection::bad(const char* what) {
  setting_.ledger.bad_deliveries.fetch_add(1);
  std::fprintf(stderr, "service: request %s: %s: %s\n", text_of(plan_.number).c_str(), what,
               reader_.first_line().c_str());
  keep_ = false;
  return false;
}

Event Connection::next() {
  for (;;) {
    const Event event = reader_.next();
    if (event != Event::More) {
      return event;
    }
    static thread_local char bytes[64 * 1024];
    const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
    if (got <= 0) {
      return Event::More;
    }
    reader_.add(bytes, static_cast<std::size_t>(got));
  }
}

bool Connection::send_all(std::string_view bytes) {
  const bool sent = soak::send_all(fd_, bytes);
  keep_ = keep_ && sent;
  return sent;
}

/// False = the connection has ended, as it may at any point.
bool Connection::read_request() {
  const Event event = next();
  if (event == Event::Bad) {
    return bad("a head that is not valid");
  }
  if (event != Event::Head || !check_head()) {
    return false;
  }
  if (plan_.early) {
    return true;
  }
  if (plan_.expect && !send_all("HTTP/1.1 100 Continue\r\n\r\n")) {
    return false;
  }
  return read_body();
}

bool Connection::check_head() {
  const std::string& line = reader_.first_line();
  const std::size_t slash = line.rfind('/', line.rfind(' ') - 1);
  plan_.number = std::strtoull(line.c_str() + slash + 1, nullptr, 16);
  if (plan_.number >= setting_.ledger.next_number.load()) {
    return bad("a number that was never sent");
  }
  plan_ = plan_of(setting_.seed, plan_.number, setting_.most);
  const std::string number = text_of(plan_.number);
  const std::string wanted =
      std::string{plan_.method} + " /" + std::string{plan_.route} + "/" + number + " HTTP/1.1";
  const Fields& fields = reader_.fields();
  if (line != wanted || fields.get("x-soak-number") != number) {
    return bad("a head of another request");
  }
  if (fields.get("x-soak-note") != note(plan_)) {
    return bad("a field of another request");
  }
  if (plan_.keyed != (fields.get("idempotency-key") == number)) {
    return bad("another key");
  }
  setting_.ledger.heads.fetch_add(1);
  delivery_ = setting_.ledger.head_count[plan_.number].fetch_add(1) + 1U;
  offset_ = 0;
  if (plan_.kind == Kind::Upgrade) {
    return true;
  }
  const bool chunked = fields.get("transfer-encoding") == "chunked";
  if (chunked) {
    reader_.body_chunked();
  } else {
    const std::string_view length = fields.get("content-length");
    reader_.body_of_length(length.empty() ? 0 : std::strtoull(length.data(), nullptr, 10));
  }
  return chunked == plan_.request_chunked || bad("another framing");
}

bool Connection::check_body(std::string_view data) {
  const bool good = fits(plan_.request_key(), offset_, data);
  offset_ += data.size();
  return (good && offset_ <= plan_.request_size) || bad("a body of another request");
}

bool Connection::read_body() {
  while (plan_.kind != Kind::Upgrade) {
    switch (next()) {
      case Event::Data:
        if (!check_body(reader_.data())) {
          return false;
        }
        break;
      case Event::End:
        return check_end();
      case Event::Bad:
        return bad("a body that is not valid");
      case Event::Head:
      case Event::More:
        return false;
    }
  }
  return true;
}

bool Connection::check_end() {
  if (offset_ != plan_.request_size) {
    return bad("a body of another length");
  }
  if (plan_.request_trailer && reader_.trailers().get("x-soak-trailer") != text_of(plan_.number)) {
    return bad("another trailer");
  }
  setting_.ledger.wholes.fetch_add(1);
  setting_.ledger.whole_count[plan_.number].fetch_add(1);
  return true;
}

void Connection::answer() {
  if (plan_.kind == Kind::Upgrade) {
    tunnel();
    return;
  }
  if (plan_.slow && delivery_ == 1) {
    sleep_ms(60);
  }
  if (misbehave()) {
    return;
  }
  write_answer();
  if (plan_.early) {
    keep_ = read_body() && keep_;
  }
  if (plan_.fault == Fault::CloseLater) {
    sleep_ms(static_cast<std::int64_t>(mixed(plan_.key) % 4));
    keep_ = false;
  }
}

/// True = there is no answer to write.
bool Connection::misbehave() {
  if (delivery_ > 1) {
    return false;
  }
  switch (plan_.fault) {
    case Fault::Unavailable:
      send_all(planned_503(plan_));
      return true;
    case Fault::Close:
      keep_ = false;
      return true;
    case Fault::Stall:
      while (next() == Event::Data) {
      }
      keep_ = false;
      return true;
    case Fault::HalfHead:
      send_all("HTTP/1.1 200 OK\r\nContent-Le");
      sleep_ms(2);
      [[fallthrough]];
    case Fault::Reset:
      close_will_reset(fd_);
      keep_ = false;
      return true;
    case Fault::None:
    case Fault::CutBody:
    case Fault::CloseLater:
      break;
  }
  return false;
}

void Connection::tunnel() {
  keep_ = false;
  reader_.raw();
  if (!send_all("HTTP/1.1 101 Tunnel\r\nConnection: upgrade\r\nUpgrade: soak\r\n\r\n")) {
    return;
  }
  while (next() == Event::Data) {
    if (!check_body(reader_.data()) || !send_all(reader_.data())) {
      return;
    }
  }
}

void Connection::write_answer() {
  Dice dice(plan_.key + 11);
  const std::string message = planned_answer(plan_);
  const bool cut = plan_.fault == Fault::CutBody && plan_.has_response_body();
  keep_ = keep_ && !plan_.closes && !cut;
  const bool in_pieces = dice.percent(5);
  std::string_view left = message;
  while (!left.empty()) {
    const std::size_t most = in_pieces ? 1 + dice.below(40'000) : left.size();
    const std::string_view piece = left.substr(0, most);
    if (!send_all(piece)) {
      return;
    }
    left.remove_prefix(piece.size());
    if (in_pieces) {
      sleep_ms(1);
    }
  }
  setting_.ledger.answers.fetch_add(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: service LEDGER SEED LARGEST_BODY [PORT]\n");
    return 2;
  }
  const Setting setting{open_ledger(argv[1]), std::strtoull(argv[2], nullptr, 10),
                        std::strtoull(argv[3], nullptr, 10)};
  int port = argc > 4 ? std::atoi(argv[4]) : 0;
  const int listening = listen_on(port);
  if (listening < 0) {
    std::perror("service");
    return 1;
  }
  std::printf("%d\n", port);
  std::fflush(stdout);
  for (;;) {
    const int fd = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      send_at_once(fd);
      std::thread{[&setting, fd] { Connection{setting, fd}.serve(); }}.detach();
    }
  }
}
