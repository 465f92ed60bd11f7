#include "proxy/upload.hpp"

#include <algorithm>

namespace fusegate::proxy {
namespace {

/// For a body that may be kept and is not small. Chosen: a quarter of the default bound.
constexpr std::size_t kKeptBlock = 64 * 1024;

}  // namespace

std::size_t Upload::start(http::BodyKind kind, std::uint64_t length, char* early, std::size_t size,
                          const Limits& limits, net::BufferPool& buffers, net::PipePool& pipes,
                          ReplayMemory& replay_memory) {
  limits_ = limits;
  buffers_ = &buffers;
  pipes_ = &pipes;
  replay_memory_ = &replay_memory;
  kind_ = kind;
  reader_.start(kind, length);
  keeping_ = limits.replay_max > 0;
  dropped_ = overflowed_ = false;
  received_ = 0;
  leftover_ = {};
  early_failure_ = Step::Done;
  if (reader_.done() || size == 0) {
    return 0;
  }
  blocks_.push_back({net::Buffer{}, early, 0, 0});
  const BodyReader::Fed fed = reader_.feed(early, early, size);
  blocks_.back().size = blocks_.back().capacity = fed.payload;
  received_ = fed.payload;
  if (fed.failed) {
    early_failure_ = Step::BadBody;
  } else if (limits.body_max > 0 && received_ > limits.body_max) {
    early_failure_ = Step::TooLarge;
  }
  return fed.consumed;
}

void Upload::begin_attempt(std::string_view head) {
  writer_.begin(head, kind_);
  next_block_ = next_offset_ = 0;
  spliced_ = 0;
}

Upload::Step Upload::pump(net::Stream& client, net::Stream& upstream) {
  if (early_failure_ != Step::Done) {
    return early_failure_;
  }
  turn_bytes_ = 0;
  for (;;) {
    const Step sent = send(upstream);
    if (sent != Step::NeedsClient) {
      return sent;
    }
    if (turn_bytes_ >= net::BufferPool::kTurn) {
      return wait_for_client();
    }
    const Step got = receive(client, upstream);
    if (got != Step::Done) {
      return got;
    }
  }
}

void Upload::skip_sent_blocks() {
  while (next_block_ + 1 < blocks_.size() && next_offset_ == blocks_[next_block_].size) {
    ++next_block_;
    next_offset_ = 0;
  }
}

/// NeedsClient = everything that was received is written.
Upload::Step Upload::send(net::Stream& upstream) {
  for (;;) {
    skip_sent_blocks();
    const bool has_data = next_block_ < blocks_.size() && next_offset_ < blocks_[next_block_].size;
    if (has_data && writer_.payload_idle()) {
      const Block& block = blocks_[next_block_];
      writer_.payload(block.data + next_offset_, block.size - next_offset_);
      next_offset_ = block.size;
      const bool last = reader_.done() && next_block_ + 1 == blocks_.size();
      if (last) {
        writer_.end(reader_.trailers());
      }
    } else if (!has_data && reader_.done() && !writer_.ended() && writer_.payload_idle()) {
      writer_.end(reader_.trailers());
    }
    const bool piped = pipe_.held() > 0;  // Then all before it is written.
    if (writer_.idle() && !piped) {
      return writer_.ended() ? Step::Done : Step::NeedsClient;
    }
    const net::IoResult result =
        piped ? pipe_.drain(upstream, pipe_.held()) : writer_.flush(upstream, *buffers_);
    if (result.would_block()) {
      return Step::NeedsUpstream;
    }
    if (!result.done()) {
      return Step::UpstreamFailed;
    }
  }
}

/// Done = some bytes were taken in.
Upload::Step Upload::receive(net::Stream& client, const net::Stream& upstream) {
  if (may_splice(client, upstream)) {
    if (const auto result = splice(client)) {
      return received(*result);
    }
  }
  pipe_.reset();
  Block& block = room();
  char* place = block.data + block.size;
  const auto space = static_cast<std::size_t>(
      std::min<std::uint64_t>(block.capacity - block.size, reader_.expected()));
  const net::IoResult result = client.read(place, space);
  if (result.done()) {
    return accept(block, place, result.bytes);
  }
  return received(result);
}

/// All bodies that wait, for bytes or for their turn, share what is warm in the cache.
Upload::Step Upload::wait_for_client() {
  pipe_.reset();
  if (!keeping_) {
    drop_blocks();
  }
  return Step::NeedsClient;
}

/// What came of asking the client for more.
Upload::Step Upload::received(const net::IoResult& result) {
  switch (result.kind) {
    case net::IoResult::Kind::Done:
      return limits_.body_max > 0 && received_ > limits_.body_max ? Step::TooLarge : Step::Done;
    case net::IoResult::Kind::WouldBlock:
      return wait_for_client();
    case net::IoResult::Kind::End:
      return Step::ClientEnded;
    case net::IoResult::Kind::Failed:
      return Step::ClientFailed;
  }
  return Step::ClientFailed;
}

bool Upload::may_splice(const net::Stream& client, const net::Stream& upstream) const {
  return !keeping_ && kind_ == http::BodyKind::Length &&
         reader_.expected() >= net::PipePool::kWorthwhile && client.tls() == nullptr &&
         upstream.tls() == nullptr;
}

std::optional<net::IoResult> Upload::splice(net::Stream& client) {
  if (!pipe_) {
    pipe_ = pipes_->take();
  }
  const auto result = pipe_.fill(client, reader_.expected());
  if (result && result->done()) {
    drop_blocks();
    dropped_ = true;
    reader_.skip(result->bytes);
    received_ += result->bytes;
    spliced_ += result->bytes;
    turn_bytes_ += result->bytes;
  }
  return result;
}

Upload::Step Upload::accept(Block& block, char* data, std::size_t size) {
  turn_bytes_ += size;
  const BodyReader::Fed fed = reader_.feed(data, data, size);
  block.size += fed.payload;
  received_ += fed.payload;
  if (fed.failed) {
    return Step::BadBody;
  }
  if (limits_.body_max > 0 && received_ > limits_.body_max) {
    return Step::TooLarge;
  }
  if (fed.consumed < size) {
    leftover_ = {data + fed.consumed, size - fed.consumed};
  }
  if (keeping_ && received_ > limits_.replay_max) {
    stop_keeping();
  }
  return Step::Done;
}

/// The block to read into. Everything received so far has been written.
Upload::Block& Upload::room() {
  const std::size_t ahead = buffers_->size_for(reader_.announced());
  if (keeping_) {
    if (!blocks_.empty() && blocks_.back().capacity - blocks_.back().size >= 1024) {
      return blocks_.back();
    }
    const std::size_t capacity = ahead > net::BufferPool::kSmall ? kKeptBlock : ahead;
    if (keep_another_block(capacity)) {
      return add_block(capacity);
    }
    stop_keeping();
  }
  dropped_ = dropped_ || received_ > 0;
  if (blocks_.size() != 1 || blocks_.front().capacity < ahead) {
    drop_blocks();
    add_block(ahead);
  }
  blocks_.front().size = 0;
  next_block_ = next_offset_ = 0;
  return blocks_.front();
}

Upload::Block& Upload::add_block(std::size_t capacity) {
  net::Buffer memory = buffers_->take(capacity);
  char* data = memory.data();
  const std::size_t size = memory.capacity();
  return blocks_.emplace_back(Block{std::move(memory), data, 0, size});
}

bool Upload::keep_another_block(std::size_t capacity) {
  if (replay_memory_->charge(capacity) + capacity > limits_.memory_max) {
    replay_memory_->release(capacity);
    return false;
  }
  charged_ += capacity;
  return true;
}

void Upload::stop_keeping() {
  keeping_ = false;
  overflowed_ = true;
}

void Upload::drop_blocks() {
  blocks_.clear();
  next_block_ = next_offset_ = 0;
  if (charged_ > 0) {
    replay_memory_->release(charged_);
    charged_ = 0;
  }
}

void Upload::clear() {
  drop_blocks();
  pipe_.reset();
  spliced_ = 0;
  writer_.reset();
  reader_.start(http::BodyKind::None, 0);
  overflowed_ = false;
  received_ = 0;
  leftover_ = {};
}

}  // namespace fusegate::proxy
