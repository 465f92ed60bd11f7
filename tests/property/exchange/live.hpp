#pragma once

#include "support/core_rig.hpp"

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

}  // namespace fusegate::test
