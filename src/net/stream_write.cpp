#include "net/socket_calls.hpp"
#include "net/stream.hpp"
#include "net/tls_session.hpp"

#include <fcntl.h>

#include <array>
#include <cstring>

/// The writing side of a stream, with what is put off to the end of a turn.
namespace fusegate::net {

IoResult Stream::noted_write(IoResult result, std::size_t asked) {
  spent_ += result.bytes;
  if (result.would_block() || (result.done() && result.bytes < asked)) {
    writable_ = false;
  }
  return result;
}

/// What was put off goes out before anything else. False when the socket does not take it all.
bool Stream::settle() {
  if (put_off_) {
    loop_.deliver();
  }
  return rest_.empty() || send_rest();
}

void Stream::send_put_off(const char* data, std::size_t size) {
  put_off_ = false;
  const IoResult result = noted_write(judged(send(fd_, data, size), false), size);
  if (result.done() && result.bytes == size) {
    return;
  }
  if (result.done() || result.would_block()) {
    rest_.assign(data + result.bytes, size - result.bytes);
    watch_writable();
    return;
  }
  // Told by the next read: what the peer has sent before it broke off is worth more than that.
  refused_ += size;
  readable_ = true;
  if (read_armed_) {
    later();
  }
}

bool Stream::send_rest() {
  const std::size_t size = rest_.size();
  const IoResult result = noted_write(judged(send(fd_, rest_.data(), size), false), size);
  if (result.done() || result.would_block()) {
    rest_.erase(0, result.bytes);
  } else {
    refused_ += size;
    rest_.clear();
  }
  return rest_.empty();
}

std::size_t Stream::refused() {
  settle();
  return refused_;
}

bool Stream::has_rest() { return !tls_ && is_open() && !settle(); }

IoResult Stream::write(std::span<const iovec> parts) {
  if (tls_) [[unlikely]] {
    return write_tls(parts);
  }
  if (!settle()) [[unlikely]] {
    return {IoResult::Kind::WouldBlock, 0, 0};
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  std::size_t size = 0;
  for (const iovec& part : parts) {
    size += part.iov_len;
  }
  return noted_write(judged(::sendmsg(fd_, &message, MSG_NOSIGNAL), false), size);
}

/// Where to put a message that may go out at the end of the turn, or null.
inline char* Stream::put_off(std::size_t size) {
  if (put_off_ || size > kSmall || !rest_.empty() || tls_) {
    return nullptr;
  }
  char* const at = loop_.put_off(*this, size);
  put_off_ = at != nullptr;
  return at;
}

IoResult Stream::write_small(std::span<const std::string_view> parts, std::size_t size) {
  const auto copy = [&](char* at) {
    for (const std::string_view part : parts) {
      std::memcpy(at, part.data(), part.size());
      at += part.size();
    }
  };
  if (char* const at = put_off(size)) {
    copy(at);
    return {IoResult::Kind::Done, size, 0};
  }
  std::array<char, kSmall> together;
  copy(together.data());
  return write(together.data(), size);
}

IoResult Stream::write(const char* data, std::size_t size) {
  if (tls_) [[unlikely]] {
    return write_tls(data, size);
  }
  if (char* const at = put_off(size)) {
    std::memcpy(at, data, size);
    return {IoResult::Kind::Done, size, 0};
  }
  if (!settle()) [[unlikely]] {
    return {IoResult::Kind::WouldBlock, 0, 0};
  }
  return noted_write(judged(send(fd_, data, size), false), size);
}

IoResult Stream::splice_from(int pipe, std::size_t size) {
  if (!settle()) [[unlikely]] {
    return {IoResult::Kind::WouldBlock, 0, 0};
  }
  const IoResult result =
      judged(::splice(pipe, nullptr, fd_, nullptr, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK), false);
  writable_ = writable_ && !result.would_block();
  spent_ += result.bytes;
  return result;
}

}  // namespace fusegate::net
