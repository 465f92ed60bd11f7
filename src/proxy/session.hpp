#pragma once

#include "http/head_parser.hpp"
#include "http/local_reply.hpp"
#include "net/address.hpp"
#include "net/buffer_pool.hpp"
#include "net/stream.hpp"
#include "net/task.hpp"
#include "net/timer_queue.hpp"
#include "net/waker.hpp"
#include "proxy/request_context.hpp"
#include "proxy/worker.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>

namespace fusegate::proxy {

/// How long an idle connection is kept while draining, so that a request on its way is answered.
inline constexpr Duration kDrainIdle = std::chrono::seconds{1};

/// What a session can wait for.
enum Event : net::Waker::Events {
  kClientReadable = 1,
  kClientWritable = 2,
  kUpstreamReadable = 4,
  kUpstreamWritable = 8,
  kTimer = 16,
  kSlot = 32,            ///< The limiter gave this request a slot.
  kDrain = 64,           ///< The process is shutting down.
  kOtherReadable = 128,  ///< The stream of the other of two attempts.
  kOtherWritable = 256,
};

/// One client connection: reads heads, hands each request to a RequestHandler, keeps the connection
/// for the next. While it is idle it holds no buffer. Lives on its worker, except that the limiter
/// of an upstream may hand a slot over from another one.
class Session final : public boost::intrusive_ref_counter<Session, boost::thread_safe_counter>,
                      public net::StreamOwner,
                      private net::Timer {
 public:
  Session(Worker& worker, int fd, const net::SocketAddress& peer, std::uint16_t listener);
  ~Session() override;

  static net::RootTask run(boost::intrusive_ptr<Session> self);
  /// Tells a session, by its token in a limiter's queue, that it holds a slot now. Any thread; the
  /// caller holds the upstream's lock, under which the session cannot vanish.
  static void grant_slot(policy::Limiter::Waiter waiter);
  /// Cuts the connection. On the worker's thread.
  void kill();
  /// On the worker's thread.
  void signal(net::Waker::Events events);

  // What a request handler uses.
  /// Waits for any of `events`, at most until `deadline`: then kTimer is among the result.
  [[gnu::always_inline]] auto wait(net::Waker::Events events, Instant deadline) {
    waker_.clear(kTimer);
    worker.timers.set(*this, deadline);
    return waker_.wait(events | kTimer);
  }
  void clear(net::Waker::Events events) { waker_.clear(events); }
  net::Stream& client() { return *client_; }
  std::string_view client_ip() const { return peer_.host(); }
  std::string_view client_text() const { return peer_.all(); }
  /// Looks at the client while nothing is expected of it. False when it is gone.
  bool client_alive();
  bool client_ended() const { return client_ended_; }
  /// After this request the connection is closed.
  void close_after() { keep_ = false; }
  bool keep() const { return keep_; }
  net::Task<> reply(http::LocalReply reply);
  /// Asks for `kClientReadable`; an armed read costs nothing more.
  void arm_client() { client_->arm_read(); }

  Worker& worker;
  const std::uint16_t listener;
  bool trusted = false;
  std::size_t place = 0;  ///< Among the worker's sessions.

  void on_readable(net::Stream& stream) override;
  void on_writable(net::Stream& stream) override;

 private:
  enum class Read : std::uint8_t { Head, Waiting, Refused, Closed };
  enum class Filled : std::uint8_t { Some, Nothing, Ended };
  net::Task<> serve_requests();
  /// What is known while a head is waited for.
  struct HeadWait {
    Instant deadline;
    bool begun = false;          ///< Some of it is here.
    http::ParseFailure failure;  ///< After Refused.
  };
  Read read_head(Filled filled, HeadWait& head);
  Read read_on(net::Waker::Events happened, HeadWait& head);
  http::ParseStatus parse_head(http::ParseFailure& failure);
  Filled fill();
  /// Waits for bytes of a head, at most until `deadline`; not so long while the process drains.
  auto wait_for_client(Instant deadline) {
    if (worker.draining() && filled_ == 0) {
      deadline = std::min(deadline, worker.now() + kDrainIdle);
    }
    client_->arm_read();
    in_a_row_ = 1;
    return wait(kClientReadable | kDrain, deadline);
  }
  net::Task<> let_others_go();
  void make_room();
  void consume(std::size_t bytes);
  void take_leftover();
  void release_request();
  void on_timer(Instant now) override;
  bool is_other(const net::Stream& stream) const {
    return request_ && request_->other.stream.get() == &stream;
  }
  // session_tls.cpp
  net::Task<> serve_tls();
  net::Task<bool> secure();
  net::Task<> handshake_failed();
  // session_reply.cpp
  net::Task<> refuse(http::ParseFailure failure);
  net::Task<> linger(bool broken);
  net::Task<> finish_writing(Instant deadline);

  net::StreamPtr client_;
  net::Waker waker_;
  net::Buffer in_;  ///< Bytes of the client; none while idle.
  std::size_t filled_ = 0;
  http::RequestParser parser_;
  std::unique_ptr<RequestContext> request_;
  bool keep_ = true;
  bool client_ended_ = false;     ///< The client has sent its FIN.
  bool client_has_data_ = false;  ///< A read may give something (its event was taken already).
  unsigned in_a_row_ = 0;         ///< Requests since others had their turn for certain.
  net::AddressText peer_;
};

}  // namespace fusegate::proxy
