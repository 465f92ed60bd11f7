#pragma once

#include <fusegate/base/time.hpp>

#include "telemetry/fd_output.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace fusegate::telemetry {

/// Whole lines of one worker on their way to the log.
struct LogBlock {
  static constexpr std::size_t kCapacity = 64 * 1024;
  std::size_t size = 0;     ///< Bytes used.
  std::uint32_t lines = 0;  ///< Lines used.
  std::array<char, kCapacity> bytes;
};

/// The one thread that writes the access log of all workers. At most `kBytesMax` wait for it; when
/// a reader is slower than that the oldest lines are dropped and counted.
class AccessLogWriter {
 public:
  static constexpr std::size_t kBytesMax = 4 * 1024 * 1024;
  static constexpr std::chrono::seconds kDrainMax{2};  ///< Bound of the destructor.

  /// `fd` stays the caller's and stays as it is (blocking or not). `blocks_max` is for tests.
  explicit AccessLogWriter(int fd = 1, std::size_t blocks_max = kBytesMax / LogBlock::kCapacity);
  AccessLogWriter(const AccessLogWriter&) = delete;
  AccessLogWriter& operator=(const AccessLogWriter&) = delete;
  ~AccessLogWriter();  ///< stop(kDrainMax)

  /// An empty block; reuses written ones.
  std::unique_ptr<LogBlock> take();
  /// Hands a block over. Never waits for the reader.
  void submit(std::unique_ptr<LogBlock> block);
  /// Writes everything submitted, for at most `bound`, and ends the thread; what is left then is
  /// counted as dropped. Call after the last `submit`; a second call does nothing.
  void stop(Duration bound);

  bool is_terminal() const { return output_.is_terminal(); }
  std::uint64_t lines() const { return lines_.load(std::memory_order_relaxed); }  ///< Written.
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  void run();
  void write(const LogBlock& block);

  static constexpr std::size_t kSpareMax = 4;

  FdOutput output_;
  const std::size_t blocks_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<LogBlock>> queue_;   ///< Oldest first.
  std::vector<std::unique_ptr<LogBlock>> spare_;  ///< At most kSpareMax.
  bool stopping_ = false;
  std::atomic<std::uint64_t> lines_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::thread thread_;
};

}  // namespace fusegate::telemetry
