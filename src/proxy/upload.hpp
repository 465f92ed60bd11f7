#pragma once

#include "net/buffer_pool.hpp"
#include "net/pipe_pool.hpp"
#include "net/stream.hpp"
#include "proxy/body_reader.hpp"
#include "proxy/message_writer.hpp"
#include "telemetry/counters.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace fusegate::proxy {

/// The memory that all replay buffers of the process share, and this worker's part of it.
struct ReplayMemory {
  std::atomic<std::uint64_t>& used;
  telemetry::Gauge& gauge;

  /// Returns the bytes that were in use before.
  std::uint64_t charge(std::uint64_t bytes) {
    gauge.add(static_cast<std::int64_t>(bytes));
    return used.fetch_add(bytes, std::memory_order_relaxed);
  }
  void release(std::uint64_t bytes) {
    gauge.add(-static_cast<std::int64_t>(bytes));
    used.fetch_sub(bytes, std::memory_order_relaxed);
  }
};

/// The request body on its way from the client to an attempt, and its replay for the next one.
///
/// What is read from the client goes into blocks that are sent from where they lie. While the
/// request is replayable the blocks are kept; when they outgrow the bound, sending goes on without
/// keeping (`overflowed`). The first attempt is never delayed. Much of a body that is not kept goes
/// through a pipe, as in Download.
class Upload {
 public:
  struct Limits {
    std::uint64_t body_max = 0;    ///< Bytes; 0 = no limit.
    std::uint64_t replay_max = 0;  ///< Bytes kept for replay; 0 = nothing is kept.
    std::uint64_t memory_max = 0;  ///< Of all replay blocks of the process together.
  };

  /// `early` are the bytes that arrived with the head; they lie in the client's buffer and stay
  /// there until `clear`. Returns how many of them belong to the body (all of it known to be ours).
  /// `failed()` afterwards means broken framing or a body over the limit.
  std::size_t start(http::BodyKind kind, std::uint64_t length, char* early, std::size_t size,
                    const Limits& limits, net::BufferPool& buffers, net::PipePool& pipes,
                    ReplayMemory& replay_memory);

  /// May the body be sent from its first byte (again)?
  bool replayable() const { return !dropped_; }
  /// Begins to send: `head` first, then the body from its start.
  void begin_attempt(std::string_view head);

  enum class Step : std::uint8_t {
    Done,           ///< Head and body are written.
    NeedsClient,    ///< Waits for bytes of the client.
    NeedsUpstream,  ///< Waits until the upstream takes more.
    ClientEnded,    ///< The client closed in the middle of its body.
    ClientFailed,
    BadBody,  ///< Broken chunked coding; `detail`.
    TooLarge,
    UpstreamFailed,
  };
  /// Moves what can be moved without waiting, within BufferPool::kTurn.
  Step pump(net::Stream& client, net::Stream& upstream);

  /// Bytes behind the end of the body that were read with it: the next request.
  std::string_view leftover() const { return leftover_; }
  bool complete() const { return reader_.done(); }  ///< All of the body has been received.
  bool overflowed() const { return overflowed_; }
  std::uint64_t received() const { return received_; }  ///< Payload bytes.
  /// On this attempt, head included.
  std::uint64_t written() const { return writer_.written() + spliced_ - pipe_.held(); }
  std::string_view detail() const { return reader_.detail(); }
  /// Frees everything. Must be called before the client's buffer moves.
  void clear();

 private:
  struct Block {
    net::Buffer memory;  ///< Empty for the early bytes.
    char* data = nullptr;
    std::size_t size = 0;
    std::size_t capacity = 0;
  };
  void skip_sent_blocks();
  Step send(net::Stream& upstream);
  Step receive(net::Stream& client, const net::Stream& upstream);
  bool may_splice(const net::Stream& client, const net::Stream& upstream) const;
  std::optional<net::IoResult> splice(net::Stream& client);
  Step wait_for_client();
  Step received(const net::IoResult& result);
  Step accept(Block& block, char* data, std::size_t size);
  Block& room();
  Block& add_block(std::size_t capacity);
  bool keep_another_block(std::size_t capacity);
  void stop_keeping();
  void drop_blocks();

  Limits limits_;
  net::BufferPool* buffers_ = nullptr;
  net::PipePool* pipes_ = nullptr;
  ReplayMemory* replay_memory_ = nullptr;
  http::BodyKind kind_ = http::BodyKind::None;
  BodyReader reader_;
  MessageWriter writer_;
  net::Pipe pipe_;
  std::uint64_t spliced_ = 0;  ///< Went through the pipe.
  std::vector<Block> blocks_;
  std::size_t next_block_ = 0;   ///< The first block with unsent bytes.
  std::size_t next_offset_ = 0;  ///< In that block.
  std::uint64_t received_ = 0;
  std::size_t turn_bytes_ = 0;  ///< Read in this turn.
  std::uint64_t charged_ = 0;   ///< Of the process's replay memory, until the blocks are gone.
  std::string_view leftover_;
  Step early_failure_ = Step::Done;
  bool keeping_ = false;
  bool dropped_ = false;  ///< Sent bytes were let go: the start cannot be sent again.
  bool overflowed_ = false;
};

}  // namespace fusegate::proxy
