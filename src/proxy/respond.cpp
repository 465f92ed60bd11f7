#include "http/head_writer.hpp"
#include "net/clock.hpp"
#include "proxy/locked.hpp"
#include "proxy/request_facts.hpp"
#include "proxy/request_handler.hpp"
#include "proxy/tunnel.hpp"

#include <algorithm>
#include <string_view>

/// The response on its way to the client, and what becomes of the upstream's connection.
namespace fusegate::proxy {
namespace {

/// A tunnel that is silent for this long is closed. Chosen: longer than any keep-alive of WebSocket
/// libraries, short enough not to collect dead connections for ever.
constexpr Duration kTunnelIdle = std::chrono::hours{1};
/// After so long a silence the kernel asks whether the peer is still there. Chosen: a small packet
/// each half minute is nothing, and a tunnel of a machine that is gone ends within a minute.
constexpr std::chrono::seconds kTunnelProbe{30};
/// What one side may still send after the other has ended. Chosen.
constexpr Duration kTunnelEnding = std::chrono::seconds{2};

Duration patience_with(const Tunnel& tunnel) {
  return tunnel.half_ended() ? kTunnelEnding : kTunnelIdle;
}

/// When a side that takes nothing is given up.
Instant stuck_until(const Tunnel& tunnel, Duration stuck) {
  return after(std::min(tunnel.client_stuck_since(), tunnel.upstream_stuck_since()), stuck);
}

}  // namespace

/// Says that trying again would harm, and why; empty when it would not.
std::string_view RequestHandler::retry_marker() {
  const auto& report = rq_.report;
  std::string_view reason;
  if (report.result == RequestResult::Rejected && is_overload(report.reason)) {
    if (report.reason != RejectReason::BreakerOpen && report.reason != RejectReason::BreakerShed) {
      return "other;reason=overload";
    }
    reason = word(report.reason);
  } else if (report.denied) {
    switch (*report.denied) {
      case DenyReason::Exhausted:
      case DenyReason::Budget:
      case DenyReason::Deadline:
      case DenyReason::BreakerOpen:
      case DenyReason::NotReplayable:
        reason = word(*report.denied);
        break;
      case DenyReason::Coordinated:
        if (rq_.traits.coordinated) {
          return {};  // The layer above retries: its tries are not ours to take away.
        }
        reason = word(*report.denied);
        break;
      case DenyReason::NotIdempotent:
      case DenyReason::ResponseStarted:
      case DenyReason::NotRetryable:
        return {};
    }
  } else {
    return {};
  }
  constexpr std::string_view kStart = "never;reason=";
  std::copy(kStart.begin(), kStart.end(), marker_);
  std::copy(reason.begin(), reason.end(), marker_ + kStart.size());
  return {marker_, kStart.size() + reason.size()};
}

std::string_view RequestHandler::write_response_head(http::BodyKind out_kind) {
  rq_.report.status = static_cast<std::uint16_t>(rq_.response.status);
  if (out_kind == http::BodyKind::UntilClose || rq_.response.status == 101 || worker_.draining()) {
    session_.close_after();
  }
  http::ForwardResponse forward;
  forward.head = &rq_.response;
  forward.body = out_kind;
  forward.content_length = rq_.response.content_length;
  forward.head_request = rq_.head.is_head;
  forward.client_minor = rq_.head.minor;
  forward.keep_alive = session_.keep();
  forward.attempts = rq_.report.attempts;
  forward.add_date = true;
  forward.date = worker_.date();
  forward.retry_marker = retry_marker();
  forward.upgrade = rq_.response.status == 101;
  http::HeadBuffer out{worker_.scratch(), worker_.scratch_size()};
  http::write_response(forward, out);
  return out.view();
}

/// Gives the response to the client as far as that needs no waiting; most small ones are there
/// then. Nothing = forward() has to go on.
std::optional<RequestHandler::Ending> RequestHandler::forward_at_once(Inbound& inbound) {
  drop(rq_.held);
  if (rq_.response.status == 101) {
    return std::nullopt;
  }
  attempt_since_ = moved_ = worker_.now();
  begin_download(inbound);
  const auto ending = move_bodies(inbound);
  return ending ? std::optional{end_forward(*ending)} : std::nullopt;
}

net::Task<RequestHandler::Ending> RequestHandler::forward(Inbound& inbound) {
  if (rq_.response.status == 101) {
    co_return co_await tunnel(inbound);
  }
  std::optional<Ending> ending;
  while (!ending) {
    const Instant stuck_at = moved_ + worker_.shared.config->limits.body_timeout;
    const auto happened =
        co_await session_.wait(body_events_, std::min(rq_.exchange->deadline(), stuck_at));
    ending = happened == kTimer ? stalled() : move_bodies(inbound);
  }
  co_return end_forward(*ending);
}

RequestHandler::Ending RequestHandler::end_forward(Ending ending) {
  rq_.report.upstream_time += worker_.now() - attempt_since_;
  rq_.report.bytes_out = rq_.download.delivered();
  if (ending == Ending::CutByUpstream &&
      http::outgoing_body(rq_.response, rq_.head.minor) == http::BodyKind::UntilClose) {
    session_.client().abort();  // A plain close would look like the end of the body.
  }
  return ending;
}

/// Gives the head to the download, with what has arrived behind it.
void RequestHandler::begin_download(Inbound& inbound) {
  if (!rq_.upload.complete()) {
    // The client may still be sending; whether it will be read to its end is not known now.
    session_.close_after();
  }
  const http::BodyKind out = http::outgoing_body(rq_.response, rq_.head.minor);
  const std::string_view head = write_response_head(out);
  const std::size_t begin = inbound.begin + rq_.response.size;
  const std::size_t size = inbound.filled - begin;
  rq_.download.start(head, rq_.response.body, rq_.response.content_length, out,
                     std::move(inbound.buffer), begin, size, worker_.buffers, worker_.pipes);
}

/// Moves both bodies as far as they go now. Gives how it ended, or nothing, and what to wait for is
/// in `body_events_`.
std::optional<RequestHandler::Ending> RequestHandler::move_bodies(Inbound& inbound) {
  net::Stream& client = session_.client();
  const std::uint64_t before = rq_.download.written();
  body_events_ = push_body();
  if (stop_ != Stop::No) {
    return Ending::ClientGone;
  }
  switch (rq_.download.pump(inbound.stream.get(), client)) {
    case Download::Step::Done:
      settle_connection(inbound, rq_.download.clean());
      return Ending::Delivered;
    case Download::Step::NeedsClient:
      client.arm_write();
      body_events_ |= kClientWritable;
      break;
    case Download::Step::NeedsUpstream:
      inbound.stream->arm_read();
      body_events_ |= kUpstreamReadable;
      break;
    case Download::Step::NeedsTurn:
      inbound.stream->read_next_turn();
      body_events_ |= kUpstreamReadable;
      break;
    case Download::Step::ClientFailed:
      return Ending::ClientGone;
    case Download::Step::Cut:
      return Ending::CutByUpstream;
  }
  if (rq_.download.written() != before) {
    moved_ = worker_.now();
  }
  return std::nullopt;
}

/// Nothing has moved for too long, or the request's time is over: who is to blame?
RequestHandler::Ending RequestHandler::stalled() {
  if ((body_events_ & kClientWritable) == 0) {
    return Ending::CutByUpstream;
  }
  // A plain close would leave the kernel with what this client does not read.
  session_.client().abort();
  return Ending::ClientGone;
}

net::Task<RequestHandler::Ending> RequestHandler::tunnel(Inbound& inbound) {
  const std::string_view head = write_response_head(http::BodyKind::None);
  MessageWriter writer;
  writer.begin(head, http::BodyKind::None);
  const std::size_t begin = inbound.begin + rq_.response.size;
  Tunnel tunnel{worker_.buffers};
  tunnel.to_client.add({inbound.buffer.data() + begin, inbound.filled - begin});
  tunnel.to_upstream.add({early_ + early_used_, early_size_ - early_used_});
  early_used_ = early_size_;
  inbound.buffer.reset();
  session_.close_after();
  session_.client().watch_peer(kTunnelProbe);
  inbound.stream->watch_peer(kTunnelProbe);
  for (;;) {
    bool waits_for_head = false;
    if (!writer.idle()) {
      const net::IoResult result = writer.flush(session_.client(), worker_.buffers);
      waits_for_head = result.would_block();
      if (!waits_for_head && !result.done()) {
        co_return Ending::ClientGone;
      }
    }
    net::Waker::Events events = kClientWritable;
    if (waits_for_head) {
      session_.client().arm_write();
    } else {
      const Tunnel::Step step = tunnel.pump(session_.client(), *inbound.stream, worker_.now());
      if (step != Tunnel::Step::Waiting) {
        co_return step == Tunnel::Step::UpstreamFailed ? Ending::CutByUpstream : Ending::Delivered;
      }
      events = tunnel.arm(session_.client(), *inbound.stream);
    }
    const Duration stuck = worker_.shared.config->limits.body_timeout;
    const Duration quiet = waits_for_head ? stuck : patience_with(tunnel);
    const Instant until = std::min(worker_.now() + quiet, stuck_until(tunnel, stuck));
    const auto happened = co_await session_.wait(events, until);
    rq_.report.bytes_out = tunnel.to_client.total();
    if (happened == kTimer || !session_.client().is_open()) {
      co_return end_of_tunnel(tunnel, after(worker_.now(), -stuck));
    }
  }
}

/// What to tell of a tunnel that is given up; `stuck_since`: who has taken nothing since then is to
/// blame.
RequestHandler::Ending RequestHandler::end_of_tunnel(const Tunnel& tunnel, Instant stuck_since) {
  if (tunnel.client_stuck_since() <= stuck_since) {
    session_.client().abort();  // The kernel need not keep what is not read.
    return Ending::ClientGone;
  }
  return tunnel.upstream_stuck_since() <= stuck_since ? Ending::CutByUpstream : Ending::Delivered;
}

/// Keeps the connection for others when nothing is in doubt, else closes it.
void RequestHandler::settle_connection(Inbound& inbound, bool clean) {
  if (!inbound.stream) {
    return;
  }
  const bool sent = !uploading_ && !upload_broken_ && rq_.upload.complete() &&
                    !authenticates_connection(rq_.response);
  if (!clean || !sent || inbound.stream->has_rest() || !rq_.response.keep_alive ||
      rq_.response.body == http::BodyKind::UntilClose) {
    drop_stream(inbound);
    return;
  }
  worker_.metrics.upstream(inbound.upstream).connections_active.add(-1);
  net::StreamPtr stream = std::move(inbound.stream);
  stream->set_owner(nullptr);
  worker_.pools[inbound.upstream]->give_back(*inbound.endpoint, std::move(stream), worker_.now());
}

void RequestHandler::drop_stream(Inbound& inbound) {
  worker_.metrics.upstream(inbound.upstream).connections_active.add(-1);
  inbound.stream->close();
  inbound.stream = nullptr;
}

void RequestHandler::drop(Inbound& inbound) {
  if (inbound.stream) [[unlikely]] {
    drop_stream(inbound);
  }
  inbound.buffer.reset();
  inbound.begin = inbound.filled = 0;
}

}  // namespace fusegate::proxy
