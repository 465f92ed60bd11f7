#pragma once

#include <fusegate/base/time.hpp>
#include <fusegate/base/vocabulary.hpp>
#include <fusegate/exchange/endpoint_state.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fusegate::exchange {

/// One attempt, as the access log tells it.
struct TryReport {
  const EndpointState* endpoint = nullptr;  ///< Pinned until Exchange::end.
  Instant started{};
  Duration duration{};         ///< Until the response head, or the failure.
  Duration wait{};             ///< Backoff before it.
  std::uint16_t upstream = 0;  ///< Index into Config::upstreams.
  std::uint16_t status = 0;    ///< 0 = no response head.
  AttemptKind kind{};
  AttemptResult result{};
  FailureClass failure{};  ///< Only when `result` is not Ok.
  bool reused = false;     ///< Sent on a kept connection.
  bool injected = false;   ///< A test fault made its end or its delay.
};

/// The status of a client that left before its response: what nginx logs and what people look for.
/// Log and metrics show it whatever had been sent by then.
constexpr std::uint16_t kClientGoneStatus = 499;

/// The story of one client request, complete when it has ended. Access log, metrics and the
/// simulator all read this value and nothing else. Views point into the buffers of the request and
/// are valid only while it is being recorded.
struct Report {
  /// First try, `config::kRetriesMax` retries, the free reconnect, and room for hedges.
  static constexpr std::size_t kTriesMax = 16;
  static constexpr std::uint16_t kNone = 0xffff;

  std::uint16_t listener = 0;
  std::uint16_t route = kNone;  ///< kNone = no route matched.
  std::uint16_t upstream = kNone;
  std::uint16_t status = 0;  ///< What the client saw, or kClientGoneStatus.
  RequestResult result{};
  RejectReason reason = RejectReason::None;
  std::string_view method, host, path, protocol, request_id, trace_id, client;
  WallTime started_wall{};
  Instant started{};         ///< The request head was complete.
  Duration duration{};       ///< Until the last byte of the response.
  Duration upstream_time{};  ///< Spent waiting for upstreams, backoff and queue included.
  Duration backoff{};
  std::optional<Duration> queue_wait;    ///< Set when the request had to queue.
  std::uint16_t queue_upstream = kNone;  ///< For which upstream.
  std::uint64_t bytes_in = 0;            ///< Body bytes from the client.
  std::uint64_t bytes_out = 0;           ///< Body bytes to the client.
  std::optional<DenyReason> denied;      ///< Why the last failed attempt was not repeated.
  bool replay_overflow = false;
  std::uint8_t attempts = 0;  ///< Free reconnects not counted.
  std::uint8_t try_count = 0;
  std::array<TryReport, kTriesMax> tries;  ///< The first `try_count` are valid.

  /// A later attempt has brought what an earlier one had failed to; a hedge recovers nothing.
  bool recovered() const {
    return attempts > 1 && result == RequestResult::Ok &&
           std::any_of(tries.begin(), tries.begin() + try_count, [](const TryReport& attempt) {
             return attempt.result != AttemptResult::Ok &&
                    attempt.result != AttemptResult::Cancelled;
           });
  }
};

}  // namespace fusegate::exchange
