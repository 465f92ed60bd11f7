#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <string_view>

namespace fusegate::telemetry {

/// Writes to a descriptor that it does not own and whose flags it must not change (standard output
/// is often shared with other programs), without ever being stuck in the kernel: a reader that has
/// gone to sleep must not keep the process from ending.
class FdOutput {
 public:
  explicit FdOutput(int fd);

  /// Writes all of `bytes`, waiting for the reader as long as patience lasts. False when the
  /// descriptor is broken or patience ran out; part of the bytes may have been written then.
  bool write(std::string_view bytes);
  /// From now on the calls of `write` together wait at most this long. Any thread.
  void limit_patience(std::int64_t nanoseconds);

  bool is_terminal() const { return terminal_; }

 private:
  enum class Kind : std::uint8_t { Pipe, Socket, Other };
  static constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

  std::int64_t write_some(std::string_view bytes);
  std::int64_t write_pipe(std::string_view bytes);
  bool wait_writable() const;

  const int fd_;
  Kind kind_ = Kind::Other;
  bool terminal_ = false;
  bool nowait_ = true;  ///< The kernel takes RWF_NOWAIT on this pipe, as far as we know.
  std::atomic<std::int64_t> give_up_at_{kForever};  ///< Steady clock, nanoseconds.
};

}  // namespace fusegate::telemetry
