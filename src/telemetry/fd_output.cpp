#include "telemetry/fd_output.hpp"

#include "telemetry/clock.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace fusegate::telemetry {
namespace {

/// How often a waiting write looks whether patience was limited meanwhile.
constexpr int kPollMilliseconds = 50;
/// A pipe that polls as writable takes this much without blocking (PIPE_BUF on Linux).
constexpr std::size_t kPipeAtomic = 4096;

std::int64_t steady_nanoseconds() {
  return std::chrono::nanoseconds(steady_now().time_since_epoch()).count();
}

}  // namespace

FdOutput::FdOutput(int fd) : fd_(fd), terminal_(::isatty(fd) == 1) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) {
    return;
  }
  kind_ = S_ISFIFO(status.st_mode)   ? Kind::Pipe
          : S_ISSOCK(status.st_mode) ? Kind::Socket
                                     : Kind::Other;
}

void FdOutput::limit_patience(std::int64_t nanoseconds) {
  give_up_at_.store(steady_nanoseconds() + nanoseconds, std::memory_order_relaxed);
}

bool FdOutput::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::int64_t written = write_some(bytes);
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    const bool again = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (!again || !wait_writable()) {
      return false;
    }
  }
  return true;
}

std::int64_t FdOutput::write_some(std::string_view bytes) {
  switch (kind_) {
    case Kind::Pipe:
      return write_pipe(bytes);
    case Kind::Socket:
      return ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case Kind::Other:
      break;
  }
  // A terminal held with ctrl-S blocks a write; asking first keeps that interruptible.
  if (terminal_ && !wait_writable()) {
    errno = ETIMEDOUT;
    return -1;
  }
  return ::write(fd_, bytes.data(), bytes.size());
}

std::int64_t FdOutput::write_pipe(std::string_view bytes) {
  if (nowait_) {
    iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    const std::int64_t written = ::pwritev2(fd_, &piece, 1, -1, RWF_NOWAIT);
    if (written >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)) {
      return written;
    }
    nowait_ = false;
  }
  if (!wait_writable()) {
    errno = ETIMEDOUT;
    return -1;
  }
  return ::write(fd_, bytes.data(), std::min(bytes.size(), kPipeAtomic));
}

bool FdOutput::wait_writable() const {
  while (true) {
    pollfd waiting{fd_, POLLOUT, 0};
    const int ready = ::poll(&waiting, 1, kPollMilliseconds);
    if (ready > 0) {
      return true;
    }
    if (ready < 0 && errno != EINTR) {
      return false;
    }
    if (steady_nanoseconds() >= give_up_at_.load(std::memory_order_relaxed)) {
      return false;
    }
  }
}

}  // namespace fusegate::telemetry
