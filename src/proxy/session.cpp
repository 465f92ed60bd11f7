#include "proxy/session.hpp"

#include "net/clock.hpp"
#include "proxy/request_handler.hpp"

#include <cstring>
#include <utility>

namespace fusegate::proxy {
namespace {

/// Pipelined requests of one connection that may be served before others have their turn. Chosen:
/// the turn costs about as much as one of them.
constexpr unsigned kInARow = 4;

}  // namespace

Session::Session(Worker& owner, int fd, const net::SocketAddress& peer,
                 std::uint16_t listener_index)
    : worker(owner),
      listener(listener_index),
      client_(new net::Stream(owner.loop, fd, net::Stream::Origin::Accepted)),
      peer_(peer) {
  client_->set_owner(this);
  trusted = net::is_trusted(peer, worker.shared.config->listeners[listener].trust);
  if (const auto& tls = worker.shared.listener_tls[listener]) {
    if (!client_->accept_tls(tls->context())) {
      client_->close();
    }
  }
}

Session::~Session() { client_->close(); }

net::RootTask Session::run(boost::intrusive_ptr<Session> self) {
  self->worker.enter(*self);
  self->worker.metrics.listener(self->listener).opened();
  if (self->client_->tls() == nullptr) {
    co_await self->serve_requests();
    if (self->client_->has_rest()) {
      co_await self->finish_writing(
          after(self->worker.now(), self->worker.shared.config->limits.body_timeout));
    }
  } else {
    co_await self->serve_tls();
  }
  self->client_->close();
  self->worker.metrics.listener(self->listener).closed();
  self->worker.leave(*self);
}

net::Task<> Session::serve_requests() {
  while (keep_) {
    if (++in_a_row_ > kInARow) {
      co_await let_others_go();
    }
    HeadWait head{after(worker.now(), worker.shared.config->limits.keepalive_timeout)};
    Read read = read_head(filled_ > 0 ? Filled::Some : fill(), head);
    while (read == Read::Waiting) {
      read = read_on(co_await wait_for_client(head.deadline), head);
    }
    if (read == Read::Refused) {
      co_await refuse(head.failure);
    }
    if (read != Read::Head) {
      break;
    }
    const std::size_t head_size = request_->head.size;
    const std::size_t early_used = co_await RequestHandler::serve(
        *this, *request_, in_.data() + head_size, filled_ - head_size);
    if (keep_ && !request_->upload.leftover().empty()) {
      take_leftover();
    } else {
      consume(head_size + early_used);
    }
    const bool unread = !request_->upload.complete() || filled_ > 0;
    // Who has not asked for the close may be sending the next request, and it may lie in the socket
    // already: closing over it would reset the connection, answers that were not read yet included.
    const bool may_send = unread || request_->head.keep_alive;
    const bool broken = request_->report.result == RequestResult::Rejected &&
                        request_->report.reason == RejectReason::BadRequest;
    release_request();
    client_->message_ended();
    if (!keep_ && may_send && !client_ended_ && client_->is_open()) {
      co_await linger(broken);
    }
  }
  release_request();
}

/// A pipeline of requests that need no upstream would never wait for anything.
net::Task<> Session::let_others_go() {
  in_a_row_ = 1;
  if (!client_->is_open()) {
    co_return;
  }
  waker_.clear(kClientReadable);
  client_has_data_ = true;  // Or so it may be.
  client_->read_next_turn();
  co_await wait(kClientReadable, kNever);
}

/// Reads until there is a head or nothing more has arrived. While nothing has, no buffer is held.
Session::Read Session::read_head(Filled filled, HeadWait& head) {
  while (filled == Filled::Some) {
    switch (parse_head(head.failure)) {
      case http::ParseStatus::Complete:
        return Read::Head;
      case http::ParseStatus::Failed:
        return Read::Refused;
      case http::ParseStatus::NeedMore:
        break;
    }
    if (!head.begun) {
      head.begun = true;
      head.deadline = after(worker.now(), worker.shared.config->limits.head_timeout);
    }
    filled = fill();
  }
  return filled == Filled::Ended ? Read::Closed : Read::Waiting;
}

Session::Read Session::read_on(net::Waker::Events happened, HeadWait& head) {
  client_has_data_ = (happened & kClientReadable) != 0;
  if (client_has_data_ || (happened & kTimer) == 0) {
    return read_head(fill(), head);
  }
  head.failure = {RejectReason::HeadTimeout, "the request head took too long"};
  return head.begun ? Read::Refused : Read::Closed;
}

http::ParseStatus Session::parse_head(http::ParseFailure& failure) {
  if (!request_) {
    request_ = worker.take_context();
  }
  const auto& limits = worker.shared.config->limits;
  const http::HeadLimits head_limits{limits.request_head, limits.header_count};
  const auto status = parser_.parse({in_.data(), filled_}, head_limits, request_->head, failure);
  if (status == http::ParseStatus::Complete) {
    parser_.reset();
  }
  return status;
}

/// Reads what there is.
Session::Filled Session::fill() {
  if (client_has_data_) {
    make_room();
    const std::size_t space = in_.capacity() - filled_;
    const net::IoResult result = client_->read(in_.data() + filled_, space);
    if (result.done()) {
      filled_ += result.bytes;
      client_has_data_ = result.bytes == space;
      return Filled::Some;
    }
    if (filled_ == 0) {
      in_.reset();
    }
    client_has_data_ = false;
    client_ended_ = client_ended_ || !result.would_block();
  }
  return client_ended_ || !client_->is_open() ? Filled::Ended : Filled::Nothing;
}

void Session::make_room() {
  if (!in_) {
    in_ = worker.buffers.take();
  } else if (filled_ == in_.capacity()) {
    net::Buffer larger = worker.buffers.take(in_.capacity() * 2);
    std::memcpy(larger.data(), in_.data(), filled_);
    in_ = std::move(larger);
  }
}

void Session::consume(std::size_t bytes) {
  filled_ -= bytes;
  if (filled_ > 0) {
    std::memmove(in_.data(), in_.data() + bytes, filled_);
  } else {
    in_.reset();
  }
}

/// The body was read together with the start of the next request: that is what the buffer holds
/// now.
void Session::take_leftover() {
  const std::string_view rest = request_->upload.leftover();
  net::Buffer next = worker.buffers.take(rest.size());
  std::memcpy(next.data(), rest.data(), rest.size());
  request_->upload.clear();
  in_ = std::move(next);
  filled_ = rest.size();
}

void Session::release_request() {
  if (request_) {
    worker.give_back(std::move(request_));
  }
}

bool Session::client_alive() {
  if (!client_->is_open()) {
    return false;
  }
  switch (client_->peek()) {
    case net::IoResult::Kind::Done:
      client_has_data_ = true;
      return true;
    case net::IoResult::Kind::WouldBlock:
      client_->arm_read();
      return true;
    case net::IoResult::Kind::End:
      client_ended_ = true;
      return true;
    case net::IoResult::Kind::Failed:
      return false;
  }
  return false;
}

void Session::grant_slot(policy::Limiter::Waiter waiter) {
  const boost::intrusive_ptr<Session> session{static_cast<Session*>(waiter)};
  session->worker.loop.post([session] { session->signal(kSlot); });
}

void Session::kill() {
  keep_ = false;
  client_ended_ = true;
  client_->abort();
  if (request_) {
    for (Inbound* inbound : {&request_->inbound, &request_->other, &request_->held}) {
      if (inbound->stream) {
        inbound->stream->abort();
      }
    }
  }
  waker_.signal(kClientReadable | kClientWritable | kUpstreamReadable | kUpstreamWritable | kTimer |
                kSlot | kDrain | kOtherReadable | kOtherWritable);
}

void Session::on_readable(net::Stream& stream) {
  worker.refresh();
  waker_.signal(&stream == client_.get() ? kClientReadable
                : is_other(stream)       ? kOtherReadable
                                         : kUpstreamReadable);
}

void Session::on_writable(net::Stream& stream) {
  worker.refresh();
  waker_.signal(&stream == client_.get() ? kClientWritable
                : is_other(stream)       ? kOtherWritable
                                         : kUpstreamWritable);
}

void Session::on_timer(Instant) {
  worker.refresh();
  waker_.signal(kTimer);
}

void Session::signal(net::Waker::Events events) {
  worker.refresh();
  waker_.signal(events);
}

}  // namespace fusegate::proxy
