#pragma once

// Whether what a caller got is what it asked for. The rules are strict: what is not excused by the
// plan of the request, or by a service that was killed or stopped meanwhile, is a finding.
#include "flight.hpp"
#include "ledger.hpp"
#include "message.hpp"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

namespace soak {

struct Tally {
  std::map<std::string, std::uint64_t, std::less<>> counts;
  void add(std::string_view what, std::uint64_t times = 1) {
    const auto found = counts.find(what);
    (found != counts.end() ? found->second : counts[std::string{what}]) += times;
  }
  void add(const Tally& other) {
    for (const auto& [what, times] : other.counts) {
      add(what, times);
    }
  }
};

/// Judges the answers of one flight, in their order.
class Judge {
 public:
  Judge(Ledger& ledger, const Flight& flight, std::int64_t started, Tally& tally)
      : ledger_(ledger), flight_(flight), started_(started), tally_(tally) {}

  enum class Next : std::uint8_t { Read, Continue, Tunnel };

  bool all_answered() const { return at_ == flight_.sent.size(); }
  /// The peer has said that it closes.
  bool closes() const { return closes_; }
  bool in_answer() const { return in_answer_; }
  const Sent& current() const { return flight_.sent[at_]; }
  std::size_t answered() const { return at_; }
  /// All that was sent through a tunnel has come back.
  bool tunnel_is_done() const {
    return in_answer_ && current().plan.kind == Kind::Upgrade &&
           offset_ == current().plan.request_size;
  }

  Next on_head(Reader& reader);
  void on_data(std::string_view data);
  void on_end(const Reader& reader);
  /// The connection is over. `clean` = a FIN.
  void on_close(Reader& reader, bool clean);
  void lost(std::string_view why) { finding("lost", why); }
  void wrong(std::string_view why) { finding("wrong", why); }

 private:
  void finding(std::string_view kind, std::string_view why);
  void interim(const Reader& reader, unsigned status);
  void refusal(std::string_view reason);
  void check_answer(const Reader& reader);
  bool was_disturbed() const {
    return current().plan.disturbed() &&
           (ledger_.disturbed_since.load() != 0 || ledger_.disturbed_until.load() >= started_);
  }
  bool may_be_refused(std::string_view reason) const;

  Ledger& ledger_;
  const Flight& flight_;
  std::int64_t started_;
  Tally& tally_;
  std::size_t at_ = 0;
  bool in_answer_ = false;
  bool closes_ = false;
  bool refused_ = false;
  bool unavailable_ = false;
  bool has_body_ = false;
  bool wrong_ = false;
  std::uint64_t offset_ = 0;
  std::string refusal_;
};

inline void Judge::finding(std::string_view kind, std::string_view why) {
  static std::atomic<unsigned> told{0};
  wrong_ = true;
  tally_.add(kind);
  if (++told > 100) {
    return;
  }
  const Plan& plan = flight_.sent[std::min(at_, flight_.sent.size() - 1)].plan;
  std::fprintf(stderr, "callers: %s: request %s (%s /%s, fault %d, %zu of %zu): %s\n",
               std::string{kind}.c_str(), text_of(plan.number).c_str(),
               std::string{plan.method}.c_str(), std::string{plan.route}.c_str(),
               static_cast<int>(plan.fault), at_ + 1, flight_.sent.size(),
               std::string{why}.c_str());
}

inline void Judge::interim(const Reader& reader, unsigned status) {
  const Plan& plan = current().plan;
  if (status == 100) {
    if (!plan.expect) {
      wrong("a 100 that was not asked for");
    }
  } else if (reader.fields().get("link") != "</" + text_of(plan.number) + ">") {
    wrong("an interim response of another request");
  }
}

inline Judge::Next Judge::on_head(Reader& reader) {
  if (all_answered()) {
    wrong("an answer that nobody waits for: " + reader.first_line());
    closes_ = true;
    reader.body_until_close();
    return Next::Read;
  }
  const Plan& plan = current().plan;
  const auto status = static_cast<unsigned>(
      reader.first_line().size() > 9 ? std::atoi(reader.first_line().c_str() + 9) : 0);
  if (status < 200 && status != 101) {
    interim(reader, status);
    reader.body_of_length(0);
    return Next::Continue;
  }
  in_answer_ = true;
  offset_ = 0;
  unavailable_ = wrong_ = false;
  const Fields& fields = reader.fields();
  closes_ = closes_ || current().old || same_name(fields.get("connection"), "close");
  refusal_ = fields.get("fusegate-reason");
  refused_ = !refusal_.empty();
  if (!refused_ && status == 101 && plan.kind == Kind::Upgrade) {
    has_body_ = true;
    reader.raw();
    return Next::Tunnel;
  }
  if (refused_) {
    refusal(refusal_);
  } else {
    check_answer(reader);
    if (status != plan.status && !unavailable_) {
      wrong("status " + std::to_string(status));
    }
  }
  has_body_ = plan.method != "HEAD" && status != 204 && status != 304;
  if (!has_body_) {
    reader.body_of_length(0);
  } else if (fields.get("transfer-encoding") == "chunked") {
    reader.body_chunked();
  } else if (const auto length = fields.get("content-length"); !length.empty()) {
    reader.body_of_length(std::strtoull(length.data(), nullptr, 10));
  } else {
    reader.body_until_close();
  }
  return Next::Read;
}

inline void Judge::check_answer(const Reader& reader) {
  const Plan& plan = current().plan;
  const Fields& fields = reader.fields();
  if (plan.kind != Kind::Plain) {
    wrong("an answer to what must not be forwarded");
    return;
  }
  if (fields.get("x-soak-number") != text_of(plan.number)) {
    wrong("the answer to " + std::string{fields.get("x-soak-number")});
    return;
  }
  if (ledger_.head_count[plan.number].load() == 0) {
    wrong("an answer without a delivery");
  }
  unavailable_ = plan.fault == Fault::Unavailable && reader.first_line().ends_with("503 Planned");
  if (unavailable_) {
    // Kept for another try only up to retry.max_body_replay.
    const bool retried = plan.repeatable() && plan.request_size < 200 * 1024;
    if (retried && !flight_.half_closes) {
      lost("a 503 that should have been retried");
    }
  } else if (fields.get("x-soak-note") != note(plan)) {
    wrong("a field of another answer");
  }
}

inline bool Judge::may_be_refused(std::string_view reason) const {
  const Plan& plan = current().plan;
  if (plan.kind == Kind::NoRoute) {
    return reason == "no_route";
  }
  if (plan.kind == Kind::Malformed) {
    return reason == "bad_request" || reason == "unsupported";
  }
  if (plan.disturbed()) {
    return reason != "bad_request" && reason != "no_route";
  }
  const bool once = plan.fault == Fault::Reset || plan.fault == Fault::Close ||
                    plan.fault == Fault::HalfHead || plan.fault == Fault::Stall;
  const bool kept = plan.repeatable() && plan.request_size < 200 * 1024 && !flight_.half_closes;
  if (once) {
    return !kept && (reason == "reset" || reason == "try_timeout" || reason == "bad_response");
  }
  // A service of this route closes connections it has not said it would close: a request that may
  // not be repeated can fall into such a close.
  return plan.route == "fault" && !kept && reason == "reset";
}

inline void Judge::refusal(std::string_view reason) {
  if (!may_be_refused(reason)) {
    lost("refused as " + std::string{reason});
  }
}

inline void Judge::on_data(std::string_view data) {
  const Plan& plan = current().plan;
  if (refused_ || wrong_) {
    return;
  }
  const std::uint64_t key = unavailable_                 ? plan.unavailable_key()
                            : plan.kind == Kind::Upgrade ? plan.request_key()
                                                         : plan.response_key();
  if (!fits(key, offset_, data)) {
    wrong("a body of another answer, or one with a gap, at byte " + std::to_string(offset_));
  }
  offset_ += data.size();
}

inline void Judge::on_end(const Reader& reader) {
  const Plan& plan = current().plan;
  if (!wrong_ && refused_) {
    tally_.add("refused: " + refusal_);
  } else if (!wrong_) {
    const std::size_t size = !has_body_                   ? 0
                             : unavailable_               ? kUnavailableSize
                             : plan.kind == Kind::Upgrade ? plan.request_size
                                                          : plan.response_size;
    const bool trailer = has_body_ && plan.response_trailer && !current().old && !unavailable_;
    if (plan.fault == Fault::CutBody && has_body_) {
      wrong("a body that was cut looks whole");
    } else if (offset_ != size && has_body_) {
      wrong("a body of " + std::to_string(offset_) + " bytes instead of " + std::to_string(size));
    } else if (trailer && reader.trailers().get("x-soak-trailer") != text_of(plan.number)) {
      wrong("another trailer");
    } else {
      tally_.add(unavailable_ ? "right: the planned 503" : "right");
    }
  }
  in_answer_ = false;
  ++at_;
}

inline void Judge::on_close(Reader& reader, bool clean) {
  const bool ends_here = reader.is_until_close() || tunnel_is_done();
  if (in_answer_ && clean && ends_here) {
    on_end(reader);
    closes_ = true;
  }
  if (in_answer_ && !wrong_) {
    if (current().plan.fault == Fault::CutBody) {
      tally_.add("cut: as planned");
    } else if (was_disturbed()) {
      tally_.add("cut: service killed or stopped");
    } else {
      lost("the answer broke off");
    }
    ++at_;
    closes_ = true;  // A cut ends the connection for those behind it.
  }
  if (!all_answered() && !closes_ && !in_answer_) {
    // Most clients that send a FIN have left, so nothing is tried again for them.
    const bool given_up =
        flight_.half_closes && (current().plan.fault != Fault::None || current().plan.disturbed());
    // The reset that tells HTTP/1.0 of a cut takes along what was not read yet.
    const bool cut = !clean && current().old && current().plan.fault == Fault::CutBody;
    if (given_up || cut) {
      tally_.add(cut ? "cut: as planned" : "given up behind a FIN of the caller");
    } else {
      lost(clean ? "closed without an answer" : "reset without an answer");
    }
    ++at_;
  }
  if (!all_answered()) {
    tally_.add("behind a close", flight_.sent.size() - at_);
  }
}

}  // namespace soak
