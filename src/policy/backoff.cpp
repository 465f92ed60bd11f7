#include <fusegate/policy/backoff.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace fusegate::policy {
namespace {

/// `initial * times`, never above `max`. In floating point, so that no count of retries overflows;
/// exact up to 104 days, which is 2^53 nanoseconds.
Duration scaled(Duration initial, double times, Duration max) {
  const double wait = static_cast<double>(initial.count()) * times;
  return wait < static_cast<double>(max.count()) ? Duration{static_cast<Duration::rep>(wait)} : max;
}

/// The n-th Fibonacci number (1, 1, 2, 3, 5, ...); infinite when it does not fit a double.
double fibonacci(unsigned n) {
  double previous = 0.0;
  double current = 1.0;
  for (unsigned i = 1; i < n && std::isfinite(current); ++i) {
    previous = std::exchange(current, previous + current);
  }
  return current;
}

/// Source: AWS Architecture Blog, "Exponential Backoff And Jitter": sleep = min(cap, random(base,
/// sleep * 3)), the first sleep being drawn as if one of `base` went before.
Duration decorrelated(const BackoffSettings& settings, Duration previous, Rng& rng) {
  const Duration before = std::max(previous, settings.initial);
  const Duration high = scaled(before, 3.0, settings.max);
  return std::min(settings.max, rng.between(settings.initial, high));
}

}  // namespace

Duration backoff_delay(const BackoffSettings& settings, unsigned retry, Duration previous,
                       Rng& rng) {
  if (settings.initial <= Duration::zero() || settings.max <= Duration::zero()) {
    return Duration::zero();
  }
  const unsigned n = std::max(retry, 1U);
  double times = 1.0;
  switch (settings.kind) {
    case BackoffKind::Exponential:
      times = std::pow(settings.factor, static_cast<double>(n - 1));
      break;
    case BackoffKind::Constant:
      break;
    case BackoffKind::Linear:
      times = static_cast<double>(n);
      break;
    case BackoffKind::Fibonacci:
      times = fibonacci(n);
      break;
    case BackoffKind::Decorrelated:
      return decorrelated(settings, previous, rng);
  }
  return with_jitter(settings.jitter, scaled(settings.initial, times, settings.max), rng);
}

Duration with_jitter(Jitter jitter, Duration base, Rng& rng) {
  switch (jitter) {
    case Jitter::Full:
      return rng.between(Duration::zero(), base);
    case Jitter::Equal:
      return rng.between(base / 2, base);
    case Jitter::None:
      break;
  }
  return base;
}

}  // namespace fusegate::policy
