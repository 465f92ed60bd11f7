#include "proxy/download.hpp"

#include <algorithm>
#include <utility>

namespace fusegate::proxy {

void Download::start(std::string_view head, http::BodyKind in, std::uint64_t length,
                     http::BodyKind out, net::Buffer buffer, std::size_t begin, std::size_t size,
                     net::BufferPool& buffers, net::PipePool& pipes) {
  buffers_ = &buffers;
  pipes_ = &pipes;
  buffer_ = std::move(buffer);
  payload_ = spliced_ = 0;
  clean_ = true;
  cut_ = false;
  by_length_ = in == http::BodyKind::Length && out == http::BodyKind::Length;
  reader_.start(in, length);
  writer_.begin(head, out);
  feed(begin, size);
  if (reader_.done() && !writer_.ended()) {
    writer_.end(reader_.trailers());
  }
}

/// Hands the payload among the bytes at `begin` to the writer. False when the framing is broken.
bool Download::feed(std::size_t begin, std::size_t size) {
  if (size == 0) {
    return true;
  }
  char* data = buffer_.data() + begin;
  const BodyReader::Fed fed = reader_.feed(data, data, size);
  clean_ = fed.consumed == size;
  if (fed.payload > 0) {
    writer_.payload(data, fed.payload);
    payload_ += fed.payload;
  }
  cut_ = fed.failed;
  return !fed.failed;
}

Download::Step Download::pump(net::Stream* upstream, net::Stream& client) {
  turn_bytes_ = 0;
  for (;;) {
    const net::IoResult sent = send(client);
    if (!sent.done()) {
      return sent.would_block() ? Step::NeedsClient : Step::ClientFailed;
    }
    if (pipe_.held() > 0) {
      return Step::NeedsTurn;
    }
    if (cut_) {
      return Step::Cut;
    }
    if (reader_.done()) {
      if (writer_.ended()) {
        return Step::Done;
      }
      writer_.end(reader_.trailers());
      continue;
    }
    if (turn_bytes_ >= net::BufferPool::kTurn) {
      return wait_for_upstream();
    }
    const Step got = upstream != nullptr ? receive(*upstream, client) : Step::Cut;
    if (got != Step::Done) {
      return got;
    }
    if (pipe_.held() >= net::PipePool::kTurn) {
      return Step::NeedsTurn;
    }
  }
}

/// Hands the client what is here, of a pipe a turn's share. Done = it has taken it.
net::IoResult Download::send(net::Stream& client) {
  const net::IoResult written = writer_.flush(client, *buffers_);
  return written.done() ? pipe_.drain(client, net::PipePool::kTurn) : written;
}

/// Done = go on: something was received, or the body has ended.
Download::Step Download::receive(net::Stream& upstream, const net::Stream& client) {
  const bool spliceable = by_length_ && reader_.expected() >= net::PipePool::kWorthwhile &&
                          upstream.tls() == nullptr && client.tls() == nullptr;
  const net::IoResult result = spliceable ? splice(upstream) : read(upstream);
  switch (result.kind) {
    case net::IoResult::Kind::Done:
      turn_bytes_ += result.bytes;
      if (reader_.done()) {
        writer_.end(reader_.trailers());
      }
      return Step::Done;
    case net::IoResult::Kind::WouldBlock:
      return wait_for_upstream();
    case net::IoResult::Kind::End:
      clean_ = false;
      return !result.cut_short() && reader_.finish_at_close() ? Step::Done : Step::Cut;
    case net::IoResult::Kind::Failed:
      clean_ = false;
      return Step::Cut;
  }
  return Step::Cut;
}

/// All bodies that wait, for bytes or for their turn, share what is warm in the cache.
Download::Step Download::wait_for_upstream() {
  pipe_.reset();
  buffer_.reset();
  return Step::NeedsUpstream;
}

net::IoResult Download::read(net::Stream& upstream) {
  pipe_.reset();
  const std::size_t wanted = buffers_->size_for(reader_.announced());
  if (!buffer_ || buffer_.capacity() < wanted) {
    buffer_ = buffers_->take(wanted);
  }
  const net::IoResult result = upstream.read(buffer_.data(), buffer_.capacity());
  if (result.done()) {
    feed(0, result.bytes);
  }
  return result;
}

net::IoResult Download::splice(net::Stream& upstream) {
  if (!pipe_) {
    pipe_ = pipes_->take();
  }
  const auto result = pipe_.fill(upstream, reader_.expected());
  if (!result) {
    return read(upstream);
  }
  buffer_.reset();
  reader_.skip(result->bytes);
  payload_ += result->bytes;
  spliced_ += result->bytes;
  return *result;
}

void Download::clear() {
  writer_.reset();
  buffer_.reset();
  pipe_.reset();
  spliced_ = 0;
}

}  // namespace fusegate::proxy
