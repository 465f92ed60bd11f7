#include "proxy/tunnel.hpp"

#include "proxy/session.hpp"

#include <cstring>

namespace fusegate::proxy {

Tunnel::Tunnel(net::BufferPool& buffers) : to_client(buffers.take()), to_upstream(buffers.take()) {}

void Tunnel::Pipe::add(std::string_view bytes) {
  if (bytes.size() > buffer_.capacity()) {
    buffer_ = buffer_.pool()->take(bytes.size());
  }
  std::memcpy(buffer_.data(), bytes.data(), bytes.size());
  begin_ = 0;
  end_ = bytes.size();
}

Tunnel::Pipe::Step Tunnel::Pipe::pump(net::Stream& from, net::Stream& to) {
  const std::uint64_t enough = total_ + net::BufferPool::kTurn;
  while (!finished_) {
    if (begin_ < end_) {
      const net::IoResult result = to.write(buffer_.data() + begin_, end_ - begin_);
      if (!result.done()) {
        return result.would_block() ? Step::NeedsWrite : Step::WriteFailed;
      }
      begin_ += result.bytes;
      total_ += result.bytes;
      continue;
    }
    if (total_ >= enough) {
      return Step::NeedsRead;
    }
    const net::IoResult result = from.read(buffer_.data(), buffer_.capacity());
    if (result.would_block()) {
      return Step::NeedsRead;
    }
    if (result.kind == net::IoResult::Kind::Failed || result.cut_short()) {
      return Step::ReadFailed;
    }
    begin_ = 0;
    end_ = result.bytes;
    finished_ = result.kind == net::IoResult::Kind::End;
  }
  if (!told_) {
    if (to.shutdown_write().would_block()) {
      return Step::NeedsWrite;
    }
    told_ = true;
  }
  return Step::Ended;
}

namespace {

Tunnel::Pipe::Step pump_and_watch(Tunnel::Pipe& pipe, net::Stream& from, net::Stream& to,
                                  Instant& stuck, Instant now) {
  const std::uint64_t before = pipe.total();
  const Tunnel::Pipe::Step step = pipe.pump(from, to);
  if (step != Tunnel::Pipe::Step::NeedsWrite) {
    stuck = kNever;
  } else if (stuck == kNever || pipe.total() != before) {
    stuck = now;
  }
  return step;
}

}  // namespace

Tunnel::Step Tunnel::pump(net::Stream& client, net::Stream& upstream, Instant now) {
  client_step_ = pump_and_watch(to_client, upstream, client, client_stuck_, now);
  upstream_step_ = pump_and_watch(to_upstream, client, upstream, upstream_stuck_, now);
  if (client_step_ == Pipe::Step::WriteFailed || upstream_step_ == Pipe::Step::ReadFailed) {
    return Step::ClientFailed;
  }
  if (client_step_ == Pipe::Step::ReadFailed || upstream_step_ == Pipe::Step::WriteFailed) {
    return Step::UpstreamFailed;
  }
  const bool ended = client_step_ == Pipe::Step::Ended && upstream_step_ == Pipe::Step::Ended;
  return ended ? Step::Ended : Step::Waiting;
}

net::Waker::Events Tunnel::arm(net::Stream& client, net::Stream& upstream) {
  net::Waker::Events events = 0;
  if (client_step_ == Pipe::Step::NeedsRead) {
    upstream.arm_read();
    events |= kUpstreamReadable;
  } else if (client_step_ == Pipe::Step::NeedsWrite) {
    client.arm_write();
    events |= kClientWritable;
  }
  if (upstream_step_ == Pipe::Step::NeedsRead) {
    client.arm_read();
    events |= kClientReadable;
  } else if (upstream_step_ == Pipe::Step::NeedsWrite) {
    upstream.arm_write();
    events |= kUpstreamWritable;
  }
  return events;
}

}  // namespace fusegate::proxy
