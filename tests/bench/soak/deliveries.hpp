#pragma once

// What only the whole run can tell: each request was delivered as often as it may be.
#include "judge.hpp"
#include "ledger.hpp"
#include "plan.hpp"

#include <cstdint>
#include <cstdio>
#include <string>

namespace soak {

inline void check_deliveries(const Ledger& ledger, std::uint64_t seed, std::size_t most,
                             Tally& tally) {
  static constexpr unsigned kMostTries = 8;  // 1 + retries + reconnects, + 1 by the fallback.
  const std::uint64_t numbers = ledger.next_number.load();
  for (std::uint64_t number = 0; number < numbers; ++number) {
    const unsigned times = ledger.head_count[number].load();
    if (times == 0) {
      continue;
    }
    const Plan plan = plan_of(seed, number, most);
    const bool forwarded = plan.kind == Kind::Plain || plan.kind == Kind::Upgrade;
    const unsigned allowed = !forwarded ? 0 : plan.repeatable() ? kMostTries : 1;
    tally.add(times == 1 ? "delivered once" : "delivered again");
    if (times > allowed) {
      tally.add("delivered too often");
      std::fprintf(stderr, "callers: request %s (%s /%s) was delivered %u times, at most %u\n",
                   text_of(number).c_str(), std::string{plan.method}.c_str(),
                   std::string{plan.route}.c_str(), times, allowed);
    }
  }
}

}  // namespace soak
