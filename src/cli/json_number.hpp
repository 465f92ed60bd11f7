#pragma once

#include <boost/json.hpp>

#include <cmath>
#include <cstdint>

namespace fusegate::cli {

/// Whole numbers without an exponent; null for infinity, which has no form in JSON.
inline boost::json::value json_number(double value) {
  constexpr double kExact = 9e15;  // Below 2^53: such a number has no fraction it could lose.
  if (!std::isfinite(value)) {
    return nullptr;
  }
  if (std::abs(value) < kExact && value == std::floor(value)) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

}  // namespace fusegate::cli
