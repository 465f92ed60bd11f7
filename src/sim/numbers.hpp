#pragma once

#include <cmath>
#include <string>

namespace fusegate::sim {

/// `value` with so many digits behind the point, the same on every machine.
inline std::string rounded(double value, unsigned digits) {
  double scale = 1;
  for (unsigned i = 0; i < digits; ++i) {
    scale *= 10;
  }
  const auto whole = std::llround(std::abs(value) * scale);
  std::string text = std::to_string(whole);
  if (digits > 0) {
    text.insert(0, text.size() <= digits ? digits + 1 - text.size() : 0, '0');
    text.insert(text.size() - digits, ".");
  }
  return (value < 0 && whole != 0 ? "-" : "") + text;
}

}  // namespace fusegate::sim
