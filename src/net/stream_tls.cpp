#include "net/stream.hpp"
#include "net/tls_session.hpp"

#include <sys/socket.h>

#include <utility>

/// What a stream does differently with TLS.
namespace fusegate::net {

bool Stream::accept_tls(TlsContextPtr context) {
  tls_ = TlsSession::accept(std::move(context), fd_);
  return tls_ != nullptr;
}

bool Stream::connect_tls(TlsContextPtr context, std::string name, TlsMemoryPtr memory) {
  tls_ = TlsSession::connect(std::move(context), fd_, std::move(name), std::move(memory));
  return tls_ != nullptr;
}

void Stream::drop_tls() {
  tls_.reset();
  read_mask_ = kReadable;
  write_mask_ = kWritable;
  readable_ = writable_ = true;  // What TLS has found out about the socket is not known here.
}

IoResult Stream::handshake() {
  if (!tls_) {
    return {IoResult::Kind::Done};
  }
  const IoResult result = tls_->handshake();
  if (result.would_block()) {
    note_tls_write(true);
  } else {
    read_mask_ = kReadable;
    write_mask_ = kWritable;
    readable_ = writable_ = true;
  }
  return result;
}

IoResult Stream::connected() {
  if (!tls_ || !tls_->started()) {
    if (const int error = connect_error(); error != 0) {
      return {IoResult::Kind::Failed, 0, error};
    }
  }
  return handshake();
}

IoResult Stream::read_tls(char* data, std::size_t size) {
  const IoResult result = tls_->read(data, size);
  note_tls_read(result.kind);
  spent_ += result.bytes;
  return result;
}

IoResult::Kind Stream::peek_tls() {
  const IoResult::Kind kind = tls_->peek();
  note_tls_read(kind);
  return kind;
}

void Stream::note_tls_read(IoResult::Kind kind) {
  if (kind != IoResult::Kind::WouldBlock) {
    read_mask_ = kReadable;
    readable_ = ended_ || !tls_->drained();
    return;
  }
  readable_ = false;
  read_mask_ = tls_->wants_to_write() ? kWritable : kReadable;
  if (tls_->wants_to_write()) {
    watch_writable();
  }
}

IoResult Stream::write_tls(std::span<const iovec> parts) {
  std::size_t size = 0;
  for (const iovec& part : parts) {
    size += part.iov_len;
  }
  const IoResult result = tls_->write(parts);
  note_tls_write(result.would_block() || (result.done() && result.bytes < size));
  spent_ += result.bytes;
  return result;
}

IoResult Stream::write_tls(const char* data, std::size_t size) {
  const iovec part{const_cast<char*>(data), size};
  return write_tls({&part, 1});
}

/// Says goodbye if the socket takes it; nobody waits here.
void Stream::end_tls() {
  tls_->close_notify();
  tls_.reset();
}

void Stream::note_tls_write(bool blocked) {
  write_mask_ = !blocked || tls_->wants_to_write() ? kWritable : kReadable;
  writable_ = writable_ && !blocked;
}

IoResult Stream::shutdown_write() {
  if (!is_open()) {
    return {IoResult::Kind::Done};
  }
  if (tls_) {
    const IoResult result = tls_->close_notify();
    if (result.would_block()) {
      note_tls_write(true);
      return result;
    }
  }
  if (!settle()) {
    return {IoResult::Kind::WouldBlock, 0, 0};
  }
  ::shutdown(fd_, SHUT_WR);
  return {IoResult::Kind::Done};
}

}  // namespace fusegate::net
