#pragma once

#include "support/core_rig.hpp"
#include "support/dice.hpp"

#include <memory>

namespace fusegate::test {

/// A request in the middle of its life, and what the application has seen of it.
struct Live {
  std::unique_ptr<Call> call;
  exchange::RequestTraits traits;
  Decision last;
  Instant charged_at{};  ///< Of the retry that is waited for.
  bool woken = false;    ///< Holds a slot and has not been told.
  int deliveries = 0;    ///< Times the application may have seen the request.

  bool running() const { return last.kind == Kind::Attempt || last.kind == Kind::Continue; }
  bool forwarding() const { return last.kind == Kind::Forward; }
};

/// A throttling or failing answer, with or without a word about trying again.
inline exchange::ResponseFacts bad_answer(std::uint16_t status, Dice& dice) {
  exchange::ResponseFacts answer{.status = status};
  answer.other_endpoint_only = dice.below(6) == 0;
  answer.retry_never = dice.below(10) == 0;
  if (dice.below(3) == 0) {
    answer.retry_after = dice.between(0s, 400ms);
  }
  return answer;
}

}  // namespace fusegate::test
