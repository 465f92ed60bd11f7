#pragma once

#include <fusegate/base/rng.hpp>
#include <fusegate/base/time.hpp>

#include <cstdint>

namespace fusegate::policy {

enum class BackoffKind : std::uint8_t { Exponential, Constant, Linear, Fibonacci, Decorrelated };
enum class Jitter : std::uint8_t { Full, Equal, None };

/// Source of the defaults: Envoy (25 ms base, cap ten times the base), full jitter from the AWS
/// Architecture Blog, "Exponential Backoff And Jitter".
struct BackoffSettings {
  BackoffKind kind = BackoffKind::Exponential;
  Duration initial = std::chrono::milliseconds{25};
  Duration max = std::chrono::milliseconds{250};
  double factor = 2.0;
  Jitter jitter = Jitter::Full;
  bool operator==(const BackoffSettings&) const = default;
};

/// The wait before retry number `retry` (1 = the first retry), jitter applied, never above `max`.
/// `previous` is the wait before the retry before this one; only `Decorrelated` looks at it.
Duration backoff_delay(const BackoffSettings& settings, unsigned retry, Duration previous,
                       Rng& rng);

/// `base` with jitter applied: full = [0, base], equal = [base/2, base], none = base.
Duration with_jitter(Jitter jitter, Duration base, Rng& rng);

}  // namespace fusegate::policy
