#include "proxy/session.hpp"

#include <algorithm>

/// What a session says itself, and how it ends after its last word.
namespace fusegate::proxy {
namespace {

/// After our last word the client may still be sending; closing at once would reset the connection
/// and could take the reply with it (RFC 9112 section 9.6). A client that has been silent for this
/// long will hardly send more. Chosen.
constexpr Duration kLingerTime = std::chrono::seconds{1};

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
  co_await reply(answer);
  report.duration = worker.now() - report.started;
  worker.metrics.record(report);
  worker.access.record(report);
  if (!client_ended_) {
    co_await linger();
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
net::Task<> Session::linger() {
  const Instant end = after(worker.now(), worker.shared.config->limits.body_timeout);
  co_await finish_writing(worker.now() + kLingerTime);
  const net::Buffer waste = worker.buffers.take();
  Instant quiet = worker.now() + kLingerTime;
  for (;;) {
    const net::IoResult result = client_->read(waste.data(), waste.capacity());
    if (result.would_block()) {
      client_->arm_read();
    } else if (result.done()) {
      quiet = worker.draining() ? quiet : worker.now() + kLingerTime;
      client_->read_next_turn();
    } else {
      co_return;
    }
    const auto events = co_await wait(kClientReadable, std::min(quiet, end));
    if ((events & kClientReadable) == 0) {
      co_return;
    }
  }
}

}  // namespace fusegate::proxy
