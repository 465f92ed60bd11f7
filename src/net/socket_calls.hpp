#pragma once

#include "net/io_result.hpp"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace fusegate::net {

// The calls of every request. In libc they are points of cancellation, which in a process with
// several threads costs each of them two locked instructions; sanitizers know only libc's.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(SYS_sendto)
inline ssize_t receive(int fd, char* data, std::size_t size) { return ::recv(fd, data, size, 0); }
inline ssize_t send(int fd, const char* data, std::size_t size) {
  return ::send(fd, data, size, MSG_NOSIGNAL);
}
#else
inline ssize_t receive(int fd, char* data, std::size_t size) {
  return ::syscall(SYS_recvfrom, fd, data, size, 0, nullptr, nullptr);
}
inline ssize_t send(int fd, const char* data, std::size_t size) {
  return ::syscall(SYS_sendto, fd, data, size, MSG_NOSIGNAL, nullptr, 0);
}
#endif

/// What a call has given, for a caller that tries again when the socket is ready.
inline IoResult judged(ssize_t result, bool zero_is_end) {
  if (result > 0 || (result == 0 && !zero_is_end)) {
    return {IoResult::Kind::Done, static_cast<std::size_t>(result), 0};
  }
  if (result == 0) {
    return {IoResult::Kind::End, 0, 0};
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
    return {IoResult::Kind::WouldBlock, 0, 0};
  }
  return {IoResult::Kind::Failed, 0, errno};
}

}  // namespace fusegate::net
