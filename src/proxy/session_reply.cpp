#include "proxy/session.hpp"

#include <algorithm>
#include <string_view>

/// What a session says itself, and how it ends after its last word.
namespace fusegate::proxy {
namespace {

/// After our last word the client may still be sending; closing at once would reset the connection
/// and could take the reply with it (RFC 9112 section 9.6). A client that has been silent for this
/// long will hardly send more. Chosen.
constexpr Duration kLingerTime = std::chrono::seconds{1};
/// Chosen: what may follow an ordinary request that is refused.
constexpr std::size_t kBrief = std::size_t{64} * 1024;
/// The part of all connections that may linger for longer. Chosen.
constexpr std::uint32_t kLingerPart = 8;
/// Chosen: a lone client may go on at 100 MB/s and more.
constexpr Duration kLingerPause = std::chrono::milliseconds{1};

/// One more for as long as it lives.
class Counted {
 public:
  explicit Counted(std::uint32_t& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::uint32_t& count_;
};

}  // namespace

/// A request that never became one: it is answered, counted, logged, and the connection ends.
net::Task<> Session::refuse(http::ParseFailure failure) {
  keep_ = false;
  auto& report = request_->report;
  report = exchange::Report{};
  report.listener = listener;
  report.started = worker.now();
  report.started_wall = worker.wall_now();
  report.status =
      static_cast<std::uint16_t>(failure.status != 0 ? failure.status : status_of(failure.reason));
  report.result = RequestResult::Rejected;
  report.reason = failure.reason;
  report.client = client_text();
  report.protocol = "HTTP/1.1";
  http::LocalReply answer;
  answer.reason = failure.reason;
  answer.detail = failure.detail;
  answer.status = failure.status;
  answer.head_request = std::string_view{in_.data(), filled_}.starts_with("HEAD ");
  co_await reply(answer);
  report.duration = worker.now() - report.started;
  worker.metrics.record(report);
  worker.access.record(report);
  if (!client_ended_) {
    co_await linger(true);
  }
}

net::Task<> Session::reply(http::LocalReply answer) {
  answer.keep_alive = keep_;
  answer.date = worker.date();
  http::HeadBuffer out{worker.scratch(), worker.scratch_size()};
  http::write_local_reply(answer, out);
  MessageWriter writer;
  writer.begin(out.view(), http::BodyKind::None);
  const Instant deadline = after(worker.now(), worker.shared.config->limits.body_timeout);
  for (;;) {
    const net::IoResult result = writer.flush(*client_, worker.buffers);
    if (!result.would_block()) {
      keep_ = keep_ && result.done();
      co_return;
    }
    client_->arm_write();
    const auto events = co_await wait(kClientWritable, deadline);
    if ((events & kClientWritable) == 0) {
      keep_ = false;
      client_->abort();
      co_return;
    }
  }
}

/// With TLS the end is said in bytes, too, which a full socket may have to wait for.
net::Task<> Session::finish_writing(Instant deadline) {
  while (client_->shutdown_write().would_block()) {
    client_->arm_write();
    const auto events = co_await wait(kClientWritable, deadline);
    if ((events & kClientWritable) == 0) {
      co_return;
    }
  }
}

/// Reads on, without use for it, while the client sends: many send all of a body before they read.
/// All connections that do so share one read a `kLingerPause`, so that who floods them holds nobody
/// else up, and only a part of all connections may do so: of who broke the rules, or is one too
/// many, `kBrief` bytes are read.
net::Task<> Session::linger(bool broken) {
  const Instant end = after(worker.now(), worker.shared.config->limits.body_timeout);
  co_await finish_writing(worker.now() + kLingerTime);
  const Counted among(worker.lingering);
  const auto& runtime = worker.shared.config->runtime;
  const bool brief = broken || worker.lingering > std::max(1U, runtime.max_connections /
                                                                   kLingerPart / runtime.workers);
  Instant quiet = worker.now() + kLingerTime;
  std::size_t dropped = 0;
  while (worker.now() < end) {
    const net::IoResult result = client_->discard(worker.scratch(), worker.scratch_size());
    if (result.done() && brief) {
      dropped += result.bytes;
      if (dropped >= kBrief) {
        co_return;
      }
    } else if (result.done()) {
      quiet = worker.draining() ? quiet : worker.now() + kLingerTime;
      co_await wait(0, std::min(end, worker.now() + worker.lingering * kLingerPause));
    } else if (result.would_block()) {
      client_->arm_read();
      const auto events = co_await wait(kClientReadable, std::min(quiet, end));
      if ((events & kClientReadable) == 0) {
        co_return;
      }
    } else {
      co_return;
    }
  }
}

}  // namespace fusegate::proxy
