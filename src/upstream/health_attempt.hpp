#pragma once

#include <fusegate/exchange/upstream_state.hpp>

#include "http/head_parser.hpp"
#include "net/event_loop.hpp"
#include "net/stream.hpp"
#include "net/timer_queue.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <string>

namespace fusegate::upstream {

/// One active check: a new connection (with a whole TLS handshake), a GET, and the head of the
/// answer. Good is a 2xx within the time; redirects are not followed, and the body is not read.
/// Belongs to one event loop.
class HealthAttempt final : private net::StreamOwner, private net::Timer {
 public:
  struct Target {
    exchange::UpstreamState::DueCheck check;
    std::size_t upstream = 0;  ///< The caller's number for it.
    std::string authority;     ///< Value of Host.
    std::string path;
    Duration timeout{};
    net::TlsContextPtr tls;   ///< Null in plain text.
    std::string server_name;  ///< What a TLS server must prove to be.
  };
  /// Told once, never inside the constructor: `problem` is empty when the endpoint is well. The
  /// attempt may not be destroyed inside this call.
  using Done = std::function<void(HealthAttempt& attempt, std::string problem)>;

  HealthAttempt(net::EventLoop& loop, net::TimerQueue& timers, Target target, Done done);
  HealthAttempt(const HealthAttempt&) = delete;
  HealthAttempt& operator=(const HealthAttempt&) = delete;
  ~HealthAttempt() override;

  void begin();
  const Target& target() const { return target_; }

 private:
  void on_readable(net::Stream& stream) override;
  void on_writable(net::Stream& stream) override;
  void on_timer(Instant now) override;
  /// True when there is a connection, with TLS where it is asked for.
  bool reached(net::Stream& stream);
  /// True when the answer is known, one way or the other.
  bool judge_head();
  void finish(std::string problem);

  net::EventLoop& loop_;
  net::TimerQueue& timers_;
  Target target_;
  Done done_;
  net::StreamPtr stream_;
  bool connected_ = false;  ///< With TLS, too.
  std::string request_;
  std::size_t sent_ = 0;
  std::array<char, 16 * 1024> head_{};  ///< A health page with a longer head is not one.
  std::size_t received_ = 0;
  http::ResponseParser parser_;
  http::ResponseHead response_;
};

}  // namespace fusegate::upstream
