#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace fusegate::policy {

/// Runs `body(seed)` for seeds 1 to `count`, names the seed of a failure and stops at the first.
template <class Body>
void for_each_seed(std::uint64_t count, Body body) {
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    body(seed);
    if (::testing::Test::HasFailure()) {
      return;
    }
  }
}

}  // namespace fusegate::policy
