#pragma once

#include <fusegate/base/time.hpp>
#include <fusegate/base/vocabulary.hpp>
#include <fusegate/config/config.hpp>
#include <fusegate/exchange/report.hpp>
#include <fusegate/exchange/upstream_state.hpp>
#include <fusegate/policy/retry.hpp>

#include <array>
#include <cstdint>
#include <optional>

namespace fusegate::exchange {

/// What the policies may know about a request.
struct RequestTraits {
  bool repeatable = false;   ///< Idempotent by method, Idempotency-Key or the route's word.
  bool coordinated = false;  ///< A trusted peer said that it retries itself.
  bool hedgeable = false;    ///< Repeatable, without a body, of a method that the route hedges.
  std::optional<Duration> time_left;  ///< From a trusted peer's deadline header.
};

/// What arrived instead of silence: the head of a response.
struct ResponseFacts {
  std::uint16_t status = 0;
  bool header_asks_retry = false;       ///< A condition of `retry.response_headers` holds.
  bool retry_never = false;             ///< `fusegate-retry: never`, or a negative gRPC pushback.
  bool other_endpoint_only = false;     ///< `fusegate-retry: other` or `x-envoy-overloaded`.
  std::optional<Duration> retry_after;  ///< `Retry-After`.
  std::optional<Duration> pushback;     ///< `grpc-retry-pushback-ms`; replaces backoff exactly.
};

/// Why there is no response head.
struct FailureFacts {
  FailureClass failure{};
  AttemptResult result{};
  RejectReason reason{};         ///< The word for the client if this is the end.
  bool nothing_written = false;  ///< No byte of the request went out on this attempt.
  bool ours = false;  ///< For want of descriptors or memory here: says nothing about the upstream.
};

/// What to do next. Only the members named for its kind are meaningful.
struct Decision {
  enum class Kind : std::uint8_t {
    Attempt,      ///< Send the request to `endpoint`, at most until `until`.
    Wait,         ///< Backoff until `until`, then `on_wakeup`. A response just seen is to be held.
    Queue,        ///< Wait for a slot until `until`: then `on_slot` or `on_slot_timeout`.
    Forward,      ///< Give the client the response that has just arrived.
    ForwardHeld,  ///< Give the client the response held from an earlier attempt.
    Reject,       ///< Answer with `reason`.
    Continue,     ///< The other of two attempts goes on. A response just seen is to be held.
  };
  Kind kind{};
  EndpointState* endpoint = nullptr;
  bool fresh_connection = false;  ///< Attempt: not on a reused connection (free reconnect).
  Instant until{};
  Instant hedge_at = kNever;  ///< Attempt: when it is late, and `on_hedge_due` should be asked.
  RejectReason reason{};
  std::optional<Duration> retry_after;  ///< Reject: what `Retry-After` should say.
};

/// One client request from arrival to report. Holds every decision and does no I/O.
///
/// Calling order: `begin`, then obey each Decision and report what became of it by exactly one of
/// the `on_*` calls, until Forward, ForwardHeld or Reject; at last `end` exactly once, whatever
/// happened before (it gives back slot, permits, pins). The driver holds the upstream's lock around
/// every call. `now` never goes backwards. No allocation.
///
/// What an attempt says about the health of upstream and endpoint: a status from 500 on is a
/// failure, except 501 and 505, which speak of the request; 429 is overload; any other response is
/// a success. Of the attempts without a response, stale_reuse and cancelled say nothing, all others
/// are failures. It is settled at the response head; a body that breaks off later is reported by
/// `end`.
///
///   begin ─> Attempt ─┬─ on_response ─> Forward | Wait | Attempt
///     │               └─ on_failure ──> Wait | Attempt | ForwardHeld | Reject
///     ├─> Queue ─> on_slot ─> Attempt | Reject;  on_slot_timeout ─> Reject
///     └─> Reject           Wait ─> on_wakeup ─> Attempt | ForwardHeld | Reject
class Exchange {
 public:
  /// `report` collects the tries, denials and waits; it must outlive the exchange. With
  /// `is_fallback` it holds those of the first upstream, whose exchange has left: this one makes
  /// the attempts that are left, at least one, within the same deadline (`now` = when the request
  /// arrived, for both).
  Exchange(const config::RequestPolicy& policy, UpstreamState& upstream,
           const RequestTraits& traits, Report& report, Instant now, bool is_fallback = false);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();  ///< Asserts that `end` was called.

  /// `waiter` is this request's token in the limiter's queue.
  Decision begin(policy::Limiter::Waiter waiter, Instant now);
  Decision on_slot(Instant now);
  Decision on_slot_timeout(Instant now);
  /// The client has sent its FIN while an attempt was under way. It may still read the answer, but
  /// most such clients have left: for the adaptive limit the attempt came too late. Once an
  /// attempt.
  void on_client_ended(Instant now);
  Decision on_wakeup(Instant now);
  /// The attempt runs on a kept connection (for the report and the stale_reuse class).
  void on_connection(bool reused);
  Decision on_response(const ResponseFacts& facts, Instant now);
  Decision on_failure(const FailureFacts& facts, Instant now);
  /// The attempt is late: another one beside it, or nothing. With it there are two, of which the
  /// new one is the current one that all calls speak of. The first good response wins: the other
  /// attempt is over then, and counts for nothing. While the other runs, `on_response` and
  /// `on_failure` of a bad one say Continue, and the other is the current one.
  std::optional<Decision> on_hedge_due(Instant now);
  /// The other of two attempts becomes the current one.
  void switch_attempt();
  bool has_two_attempts() const { return other_.has_value(); }
  /// The body outgrew its bound: from here nothing is repeated unless nothing was written.
  void on_not_replayable();
  /// The held response cannot be given any more: what to answer instead (after ForwardHeld).
  Decision on_held_lost(Instant now);

  enum class Ending : std::uint8_t { Delivered, CutByUpstream, ClientGone, Rejected };
  /// Returns the waiter that now holds this request's slot and must be woken, or nullptr. Unpins
  /// the endpoints of the report: their names must have been read before.
  [[nodiscard]] policy::Limiter::Waiter end(Ending ending, Instant now);

  /// Instead of obeying `decision`: may another upstream be asked? It failed with 502, 503 or 504,
  /// by an answer or by a word of ours, and one more attempt does no harm: nothing forbids to
  /// repeat the request, nobody has said that trying again hurts, and there is time for it.
  bool may_fall_back(const Decision& decision, Instant now) const;
  /// Gives back everything but the pins, which the names in the report need until `end`. Nothing
  /// but `end` may follow. Returns what `end` returns.
  [[nodiscard]] policy::Limiter::Waiter leave(Ending ending, Instant now);

  Instant deadline() const { return deadline_; }
  /// Number of the current attempt: 1 = the first.
  unsigned attempt() const { return report_.attempts; }
  /// Why the current attempt is made, from the second on.
  FailureClass last_failure() const { return last_failure_; }

 private:
  using Tried = std::array<const EndpointState*, Report::kTriesMax>;

  bool retrying() const { return report_.try_count > first_try_; }
  TryReport& current_try() { return report_.tries[current_]; }
  Tried tried() const;
  bool was_tried(const EndpointState& endpoint) const;
  Instant try_deadline(unsigned number, Instant now) const;

  // exchange.cpp: starting attempts.
  Decision start_attempt(Instant now);
  Decision launch(EndpointState& endpoint, std::optional<policy::Permit> endpoint_permit,
                  std::optional<policy::Permit> breaker_permit, Instant until, Instant now);
  Decision reconnect(Instant now);
  Decision not_started(RejectReason reason, DenyReason denial, std::optional<Duration> retry_after,
                       Instant now);
  void leave_queue(Instant now);
  void note_queue_wait(Instant now);

  // retry_decision.cpp: what follows a failed attempt. nullopt = a retry was scheduled.
  std::optional<DenyReason> schedule_retry(FailureClass failure,
                                           const policy::RetryContext& context,
                                           const ResponseFacts& response, Instant now);
  std::optional<Duration> retry_delay(const ResponseFacts& response, Instant now);
  Decision wait_decision() const;
  Decision give_up(DenyReason denial, Instant now);
  void refund(Instant now);

  // hedge.cpp: two attempts at once.
  Instant hedge_time(Instant now);
  void give_up_other(Instant now);
  Decision go_on_with_other(Instant now);
  void observe(const TryReport& attempt, Instant now);

  // settle.cpp: permits, places and pins.
  void settle_attempt(policy::Verdict verdict, std::optional<Duration> retry_after, Instant now);
  void leave_endpoint(Instant now);
  void tell_drop(Instant now);

  const config::RequestPolicy& policy_;
  UpstreamState& upstream_;
  RequestTraits traits_;
  Report& report_;
  policy::Limiter::Waiter waiter_ = nullptr;
  Instant deadline_;
  Instant queued_at_{};
  Instant waiting_since_{};  ///< Start of the backoff in progress.
  Instant retry_at_{};       ///< End of the backoff in progress.
  Instant charged_at_{};
  Duration last_wait_{};
  std::optional<policy::Permit> breaker_permit_;
  std::optional<policy::Permit> endpoint_permit_;
  /// Of the response being forwarded, for a body that breaks off.
  std::optional<policy::Permit> settled_breaker_permit_;
  std::optional<policy::Permit> settled_endpoint_permit_;
  EndpointState* endpoint_ = nullptr;  ///< Of the attempt in progress or being forwarded.
  FailureClass last_failure_{};
  RejectReason last_reason_{};
  /// The attempt beside the current one.
  struct Run {
    EndpointState* endpoint = nullptr;
    std::optional<policy::Permit> breaker_permit;
    std::optional<policy::Permit> endpoint_permit;
    std::uint8_t number = 0;  ///< In the report.
  };
  std::optional<Run> other_;
  std::uint8_t current_ = 0;  ///< The current attempt, in the report.
  Instant queue_until_{};
  std::uint8_t first_try_;  ///< Of this exchange, in the report.
  std::uint8_t tries_end_;  ///< Behind its last, once it has left.
  unsigned last_attempt_;   ///< No number is higher.
  bool is_fallback_;
  bool hedged_ = false;  ///< One hedge a request.
  bool left_ = false;
  bool replayable_ = true;
  bool holding_ = false;
  bool has_slot_ = false;
  bool queued_ = false;
  bool waiting_ = false;    ///< In backoff.
  bool dropped_ = false;    ///< The adaptive limit has heard that the attempt came too late.
  bool unsettled_ = false;  ///< An attempt is under way and its result is not known.
  bool reconnected_ = false;
  bool other_only_ = false;  ///< The upstream said that only another endpoint may be asked.
  bool fresh_next_ = false;  ///< The next attempt needs a connection of its own (421).
  bool charged_ = false;     ///< The next attempt is paid for and has not begun.
  bool ended_ = false;
};

}  // namespace fusegate::exchange
