#pragma once

#include "net/address.hpp"
#include "net/event_loop.hpp"
#include "net/io_result.hpp"
#include "net/tls_memory.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <sys/uio.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace fusegate::net {

class Stream;
class TlsSession;

/// Who is told that a stream has become ready: a session while it uses it, a pool while it is idle.
class StreamOwner {
 public:
  virtual void on_readable(Stream& stream) = 0;
  virtual void on_writable(Stream& stream) = 0;

 protected:
  ~StreamOwner() = default;
};

/// A connected (or connecting) non-blocking socket, TCP or unix, in plain text or with TLS.
///
/// Data moves by direct calls, first try first; the event loop only tells when trying again makes
/// sense. A wait for readiness pins no buffer, allocates nothing and, because the socket stays
/// registered edge-triggered, costs no system call: what the last edge said is remembered here
/// until a read or write finds it used up. Reference counted because its owner may let go of it
/// while it is being told of an event. Belongs to one worker.
///
/// With TLS readiness means the same: trying again makes sense. For the time of a handshake a write
/// may have to wait for the socket to be readable, and the other way round; the masks say so.
class Stream final : public boost::intrusive_ref_counter<Stream, boost::thread_unsafe_counter>,
                     private EventSource {
 public:
  enum class Origin : std::uint8_t { Accepted, Connecting, Connected };

  /// Takes the non-blocking `fd` over, whatever happens. When the system will not watch it, it is
  /// closed and errno says why.
  Stream(EventLoop& loop, int fd, Origin origin);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void set_owner(StreamOwner* owner) { owner_ = owner; }

  /// Asks for one `on_readable`; nothing to do when it is armed already.
  void arm_read();
  void arm_write();
  /// One `on_readable` in a later turn of the loop, whatever there is to read by then.
  void read_next_turn() {
    readable_ = true;
    arm_read();
  }

  /// A message has ended here, and what follows is another: it is served at once, unless it turns
  /// out to be long.
  void message_ended() {
    known_ = true;
    spent_ = 0;
  }

  IoResult read(char* data, std::size_t size);
  /// A read of what nobody wants: `data` may be written to. TCP drops the bytes without a copy.
  IoResult discard(char* data, std::size_t size);
  /// What a read would give, without taking it.
  IoResult::Kind peek();
  /// As far as is known without a system call, a read may give something.
  bool may_be_readable() const { return readable_ || loop_.has_event(*this); }
  /// True when a read would give nothing: no byte, no end, no error.
  bool is_quiet() { return peek() == IoResult::Kind::WouldBlock; }
  IoResult write(std::span<const iovec> parts);
  /// What is small may go out at the end of the loop's turn (`Outbox`): Done then means that it
  /// will, or that reading tells why not.
  IoResult write(const char* data, std::size_t size);
  /// The same of one in several parts, of at most `kSmall` bytes all together: to copy them costs
  /// less than the kernel's handling of several.
  IoResult write_small(std::span<const std::string_view> parts, std::size_t size);
  static constexpr std::size_t kSmall = Outbox::kMessage;
  /// Bytes that were told to be written and that the socket has refused, because it was broken.
  std::size_t refused();
  /// Something that was told to be written is still here: `shutdown_write` waits for it.
  bool has_rest();
  /// Moves bytes to or from a pipe without copying them; only in plain text. `pipe` is empty before
  /// `splice_to` and holds `size` bytes before `splice_from`. That fewer bytes moved than were
  /// asked for says nothing: the pipe, or what the kernel takes at once, may be the reason.
  IoResult splice_to(int pipe, std::size_t size);
  IoResult splice_from(int pipe, std::size_t size);

  /// From here on everything is encrypted; before the first byte, on a stream that may still be
  /// connecting. False when memory has run out. `name` and `memory` as of TlsSession.
  bool accept_tls(TlsContextPtr context);
  bool connect_tls(TlsContextPtr context, std::string name, TlsMemoryPtr memory);
  /// Goes on with the handshake. WouldBlock: `arm_write` tells when to call again. A stream without
  /// TLS is done at once.
  IoResult handshake();
  /// Back to plain bytes, after a handshake that failed.
  void drop_tls();
  /// Null in plain text.
  const TlsSession* tls() const { return tls_.get(); }

  /// Has the kernel ask after a peer that has been silent for `idle` (whole seconds, at least one),
  /// three times, a third of `idle` apart: one that is gone without a word is then told as an error
  /// within twice that time. Of TCP only.
  void watch_peer(std::chrono::seconds idle);
  /// What has become of a connect in progress, TLS included, when the stream is told writable.
  /// WouldBlock: `arm_write` again.
  IoResult connected();
  /// Tells the peer that nothing more follows. WouldBlock: the socket does not take even that, or
  /// not what is left to be written; `arm_write` tells when to call again.
  IoResult shutdown_write();
  void close();
  /// Closes with RST: the peer must see that the message was cut.
  void abort();
  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  friend class Outbox;
  void send_put_off(const char* data, std::size_t size);
  bool settle();
  bool send_rest();
  char* put_off(std::size_t size);
  void on_events(std::uint32_t events) override;
  void later();
  IoResult noted_read(IoResult result, std::size_t asked);
  IoResult noted_write(IoResult result, std::size_t asked);
  int connect_error() const;
  // Never inside their callers, which would then save registers for them in plain text, too.
  [[gnu::noinline]] IoResult read_tls(char* data, std::size_t size);
  [[gnu::noinline]] IoResult::Kind peek_tls();
  [[gnu::noinline]] IoResult write_tls(std::span<const iovec> parts);
  [[gnu::noinline]] IoResult write_tls(const char* data, std::size_t size);
  [[gnu::noinline]] void end_tls();
  void note_tls_read(IoResult::Kind kind);
  void note_tls_write(bool blocked);
  void watch_writable();
  void watch_reads_alone();

  /// Who has spent more on one message takes its turns behind those who spend little: a long body
  /// would else be as quick as its peer sends, and each small request wait for all of them. An
  /// event costs something, too: one byte at a time is no cheaper than a block.
  /// Chosen: bodies of 64 KiB, the longest of ordinary answers, in up to eight pieces are not held
  /// up; an event with little to do takes about as long as copying 8 KiB with what belongs to it.
  static constexpr std::size_t kLong = std::size_t{128} * 1024;
  static constexpr std::size_t kTurn = std::size_t{8} * 1024;
  static constexpr std::uint32_t kEnds = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  static constexpr std::uint32_t kReadable = EPOLLIN | kEnds;
  static constexpr std::uint32_t kWritable = EPOLLOUT | EPOLLHUP | EPOLLERR;

  EventLoop& loop_;
  StreamOwner* owner_ = nullptr;
  int fd_;
  bool wants_writable_;  ///< Registered for writability; connections that never block are not.
  bool writable_;
  bool readable_ = false;
  bool ended_ = false;  ///< An end or error is due, behind what is still to be read.
  bool read_armed_ = false;
  bool write_armed_ = false;
  bool queued_ = false;    ///< Has asked the loop for a turn; what happens until then adds none.
  bool known_ = false;     ///< A message has ended here.
  bool put_off_ = false;   ///< The outbox has a message of it.
  std::size_t spent_ = 0;  ///< Bytes, and `kTurn` for each event, since then.
  std::uint32_t read_mask_ = kReadable;   ///< Events after which a read makes sense.
  std::uint32_t write_mask_ = kWritable;  ///< Events after which a write makes sense.
  std::size_t refused_ = 0;
  std::string rest_;  ///< What a full socket has not taken of a message that was put off.
  std::unique_ptr<TlsSession> tls_;
};

using StreamPtr = boost::intrusive_ptr<Stream>;

/// Starts a connect. The stream becomes writable when it is decided (`Stream::connected`).
/// `immediate_error` is an errno when it failed at once (then the stream is null).
StreamPtr start_connect(EventLoop& loop, const SocketAddress& address, int& immediate_error);

}  // namespace fusegate::net
