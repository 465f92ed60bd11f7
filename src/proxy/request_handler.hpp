#pragma once

#include <fusegate/exchange/exchange.hpp>

#include "net/task.hpp"
#include "proxy/request_context.hpp"
#include "proxy/session.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace fusegate::proxy {

class Tunnel;

/// Carries out one request: asks the exchange what to do, does it, tells it what became of it.
/// Every decision about retries, breakers and budgets is the exchange's.
class RequestHandler {
 public:
  /// Serves the request whose head is in `request`. `early` bytes lie behind that head in the
  /// client's buffer; yields how many of them belonged to the request.
  static net::Task<std::size_t> serve(Session& session, RequestContext& request, char* early,
                                      std::size_t early_size);

 private:
  RequestHandler(Session& session, RequestContext& request, char* early, std::size_t early_size);

  using Decision = exchange::Decision;
  using Ending = exchange::Exchange::Ending;
  /// Why there is no response head; nothing when there is one.
  using Failure = std::optional<exchange::FailureFacts>;
  /// What to do next; nothing when the request has ended without an answer: the client is gone.
  using Next = std::optional<Decision>;

  // judge.cpp: what is asked, and of whom
  RejectReason judge();
  bool find_route();
  void choose_target();
  void begin_report();

  // request_handler.cpp: from the first decision to the report
  Next begin_exchange();
  net::Task<> refuse(RejectReason reason);
  net::Task<> reject(const Decision& decision);
  void finish(Ending ending);
  /// Runs `decide` under the upstream's lock, then logs what the breakers did.
  template <class Decide>
  auto locked(Decide&& decide);

  // attempt.cpp: one attempt, a connection for it, its outcome
  struct Prepared {
    bool ended = false;  ///< There is nothing to send: it has failed, or has its answer.
    Failure failed;
  };
  bool begin_attempt(const Decision& decision);
  net::Task<Prepared> prepare(const Decision& decision);
  net::Task<Decision> go_on();
  Decision conclude(const Failure& failed);
  Decision stopped();
  bool reuse(const Decision& decision);
  net::Task<Failure> connect(const Decision& decision);
  net::Task<net::IoResult> reach(Instant until);
  Failure connected(const net::IoResult& result, Instant started);
  void note_tls_problem(std::string_view problem);
  void attach(net::StreamPtr stream, bool reused);
  void write_head(Instant until);
  bool nothing_written() const;
  Failure lost(AttemptResult result, RejectReason reason) const;
  Failure certificate_refused();
  exchange::ResponseFacts facts_of_response() const;

  // fallback.cpp: when the upstream has failed the request
  void fall_back(Decision& next);
  Decision ask_other_upstream(const Decision& decision);
  bool replies_instead(RejectReason reason) const;
  void leave_upstream(Ending ending, Instant now);
  void end_first(Instant now);

  // waiting.cpp: backoff and queue
  void watch_client();
  /// False when the client has left meanwhile.
  net::Task<bool> pause(Instant until);
  net::Task<Next> wait_backoff(Instant until);
  net::Task<Next> wait_slot(Instant until);

  // fault.cpp: test faults
  net::Task<bool> inject(Instant until, Failure& failed);
  policy::FaultPlan planned_fault();
  void answer_for_upstream(std::uint32_t status);

  // hedge.cpp: a second attempt beside a late one
  bool is_hedged(const config::Hedge& hedge) const;
  bool start_hedge();
  net::Task<Failure> race(Instant until);
  std::optional<Failure> look_at_lane();
  std::optional<Failure> look_at_hedge(net::Waker::Events happened);
  std::optional<Failure> look_at_first(net::Waker::Events happened, Instant until);
  std::optional<Failure> send_hedge();
  net::IoResult look_at_connection(net::Waker::Events happened);
  Instant current_start() const;
  net::Task<Failure> finish_connecting();
  void switch_lanes();
  void switch_attempts();
  void keep_other_lane();

  // response_head.cpp: sending the request while waiting for that head
  /// `resumed`: the request was sent before, and something may have arrived already.
  net::Task<Failure> exchange_heads(Instant until, bool resumed);
  void begin_sending(Instant until);
  net::Waker::Events send_body(Duration allowance, Instant& until);
  Instant head_deadline(bool for_client, Instant until) const;
  bool client_left(net::Waker::Events happened);
  /// The client has sent its FIN since its request: most such clients have left.
  bool has_ended() const { return session_.client_ended() && !ended_before_; }
  /// Moves the request body. Returns the events to wait for; sets `ended_` when it cannot go on.
  net::Waker::Events push_body();
  enum class HeadStep : std::uint8_t { Complete, Interim, NeedMore, Failed };
  bool is_over(HeadStep step, Failure& failed) const;
  HeadStep judge_head(Failure& failed);
  HeadStep read_head(Failure& failed);
  Failure out_of_time(bool for_client, Instant until);
  void make_room(Inbound& in);
  net::Task<bool> pass_interim();
  net::Task<HeadStep> pass_interims(Failure& failed);

  // held.cpp: a response put aside
  void hold_response();
  bool recall_held();
  Next held_lost();
  bool held_can_end();

  // respond.cpp: the response to the client
  std::optional<Ending> forward_at_once(Inbound& inbound);
  net::Task<Ending> forward(Inbound& inbound);
  Ending end_forward(Ending ending);
  void begin_download(Inbound& inbound);
  std::optional<Ending> move_bodies(Inbound& inbound);
  Ending stalled();
  net::Task<Ending> tunnel(Inbound& inbound);
  Ending end_of_tunnel(const Tunnel& tunnel, Instant stuck_since);
  std::string_view write_response_head(http::BodyKind out);
  std::string_view retry_marker();
  void settle_connection(Inbound& inbound, bool clean);
  void drop(Inbound& inbound);
  /// There is one. Rare, and never inside `drop`, which most often has nothing to do.
  [[gnu::noinline]] void drop_stream(Inbound& inbound);

  /// What ended a request beside its attempts.
  enum class Stop : std::uint8_t { No, ClientGone, BadBody, BodyTooLarge, BodyStalled };

  Session& session_;
  Worker& worker_;
  RequestContext& rq_;
  char* early_;
  std::size_t early_size_;
  std::size_t early_used_ = 0;
  std::string_view detail_;  ///< Words for a refusal that the codec found.
  /// Interim responses that one attempt may send. Chosen: real ones send one or two.
  static constexpr unsigned kInterimsMax = 16;
  unsigned interims_ = 0;
  Stop stop_ = Stop::No;
  const bool ended_before_;  ///< The client's FIN came with its request: it will read the answer.
  bool uploading_ = false;   ///< Request bytes are still to be sent on this attempt.
  bool upload_broken_ = false;  ///< The upstream takes no more of them.
  bool hedge_connecting_ = false;
  Instant connected_by_{};                  ///< The hedge's connection.
  Instant hedge_at_ = kNever;               ///< When the attempt is late.
  Instant other_until_ = kNever;            ///< Of the other of two attempts.
  std::optional<DenyReason> first_denial_;  ///< Of the upstream before the fallback.
  bool client_slow_ = false;                ///< The body was waited for on this attempt.
  Instant moved_{};                         ///< When a body moved last.
  Instant attempt_since_{};                 ///< Since when time counts as the upstream's.
  net::Waker::Events body_events_ = 0;      ///< What the response's way to the client waits for.
  char marker_[48];                         ///< Text of fusegate-retry.
};

}  // namespace fusegate::proxy
