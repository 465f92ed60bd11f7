#pragma once

#include "net/address.hpp"
#include "net/asio.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace fusegate::net {

class Stream;

/// Who is told that a stream has become ready: a session while it uses it, a pool while it is idle.
class StreamOwner {
 public:
  virtual void on_readable(Stream& stream) = 0;
  virtual void on_writable(Stream& stream) = 0;

 protected:
  ~StreamOwner() = default;
};

/// What a non-blocking read or write did.
struct IoResult {
  enum class Kind : std::uint8_t { Done, WouldBlock, End, Failed } kind;
  std::size_t bytes = 0;  ///< With Done.
  int error = 0;          ///< errno, with Failed.
  bool done() const { return kind == Kind::Done; }
  bool would_block() const { return kind == Kind::WouldBlock; }
};

/// A connected (or connecting) non-blocking socket, TCP or unix.
///
/// Data moves by direct calls, first try first; Asio only tells when trying again makes sense. A
/// wait for readiness pins no buffer and its memory lies in this object. Reference counted because
/// a cancelled wait still completes once, later. Belongs to one worker.
class Stream : public boost::intrusive_ref_counter<Stream, boost::thread_unsafe_counter> {
 public:
  /// Takes `fd` over, whatever happens.
  Stream(asio::io_context& context, int fd, int family);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void set_owner(StreamOwner* owner) { owner_ = owner; }

  /// Asks for one `on_readable`; nothing to do when it is armed already.
  void arm_read();
  void arm_write();
  bool read_armed() const { return read_armed_; }

  IoResult read(char* data, std::size_t size);
  /// What a read would give, without taking it.
  IoResult::Kind peek() const;
  /// True when a read would give nothing: no byte, no end, no error.
  bool is_quiet() const { return peek() == IoResult::Kind::WouldBlock; }
  IoResult write(std::span<const iovec> parts);
  IoResult write(const char* data, std::size_t size);

  /// The result of a connect in progress: 0, or an errno.
  int connect_error() const;
  void shutdown_write();
  void close();
  /// Closes with RST: the peer must see that the message was cut.
  void abort();
  bool is_open() const { return socket_.is_open(); }
  int fd() const { return fd_; }

 private:
  struct WaitHandler;
  /// Room for one wait operation of Asio.
  struct OperationMemory {
    alignas(std::max_align_t) std::byte bytes[192];
    bool used = false;
  };
  template <class T>
  struct OperationAllocator;
  void on_wait_done(bool read, bool aborted);

  AsioSocket socket_;
  StreamOwner* owner_ = nullptr;
  int fd_ = -1;
  bool read_armed_ = false;
  bool write_armed_ = false;
  OperationMemory read_memory_;
};

using StreamPtr = boost::intrusive_ptr<Stream>;

/// Starts a connect. The stream becomes writable when it is decided (`connect_error`).
/// `immediate_error` is an errno when it failed at once (then the stream is null).
StreamPtr start_connect(asio::io_context& context, const SocketAddress& address,
                        int& immediate_error);

}  // namespace fusegate::net
