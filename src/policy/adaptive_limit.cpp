#include <fusegate/policy/adaptive_limit.hpp>

#include <algorithm>

namespace fusegate::policy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Lateness of the fast quarter that is still calm, in mean answer times. Chosen by measurement, at
/// a load of 1.05 of the capacity: with four, slots lie idle and two of a hundred answers are lost;
/// beyond eight only the latency grows.
constexpr int kTolerance = 8;
/// Below this, lateness is the machine's scheduling and not a queue.
constexpr Duration kMinTolerance = milliseconds{25};
constexpr Duration kShortWindow = milliseconds{20};
constexpr Duration kLongWindow = milliseconds{500};
/// A window that has not filled by then is too old to judge by.
constexpr Duration kStaleWindow = seconds{10};
/// So long must the limit lie unused for the overload to be over.
constexpr Duration kCalmAfter = seconds{1};
/// In calm the fast quarter may creep up by half in this time, so that a slowly growing queue is
/// not taken for the endpoint's own speed.
constexpr Duration kCreep = std::chrono::minutes{1};
/// Without any answer for this long and eight mean answer times, attempts do not pile up further.
constexpr Duration kSilence = milliseconds{250};
/// A cut leaves at least this share of what was in use: the pace of a few answers is a rough guess.
constexpr double kDeepest = 0.1;
/// Attempts without an answer, of all, from which on they are a sign of overload. Some callers
/// always leave early; those who wait in a queue that is too long leave nearly all.
constexpr std::uint32_t kOneDropIn = 3;

}  // namespace

AdaptiveLimit::AdaptiveLimit(std::uint32_t max, Instant now)
    : max_(std::max<std::uint32_t>(max, 1)),
      limit_(std::min(max_, kCalmLimit)),
      window_start_(now),
      changed_at_(now),
      heard_at_(now) {}

void AdaptiveLimit::on_answer(Duration latency, Instant now) {
  heard_at_ = now;
  ++ended_;
  if (!overloaded_ || now - latency >= changed_at_) {
    samples_[answers_ % kSamples] = latency;
    ++answers_;
    sum_ += latency;
  }
  judge_if_due(now);
}

void AdaptiveLimit::on_drop(Duration age, Instant now) {
  if (!overloaded_ || now - age >= changed_at_) {
    ++drops_;
    drop_ages_ += age;
  }
  judge_if_due(now);
}

bool AdaptiveLimit::on_full(Instant now) {
  if (overloaded_ || silent(now) || limit_ == max_ || now - grown_at_ < kGrowEvery) {
    return false;
  }
  grown_at_ = now;
  limit_ = std::min(max_, limit_ * 2);
  return true;
}

bool AdaptiveLimit::silent(Instant now) const {
  return now - heard_at_ > kSilence + kTolerance * calm_mean_.value;
}

Duration AdaptiveLimit::tolerance() const {
  const Duration bearable = kTolerance * calm_mean_.value;
  const bool impatient = patience_ > Duration::zero() && patience_ / 4 < bearable;
  return std::max(impatient ? patience_ / 4 : bearable, kMinTolerance);
}

void AdaptiveLimit::judge_if_due(Instant now) {
  const Duration age = now - window_start_;
  const bool scarce = overloaded_ && age >= kCalmAfter && answers_ + drops_ >= kFewSamples;
  const bool hurried = piling_up() && answers_ >= kFewSamples && age >= tolerance() / 2;
  if (answers_ + drops_ < kMinSamples && !scarce && !hurried) {
    if (age >= kStaleWindow) {
      start_window(now);
    }
    return;
  }
  if (age >= std::clamp(2 * calm_mean_.value, kShortWindow, kLongWindow)) {
    judge(now);
    start_window(now);
  }
}

void AdaptiveLimit::start_window(Instant now) {
  window_start_ = now;
  answers_ = drops_ = ended_ = 0;
  peak_ = 0;
  sum_ = drop_ages_ = Duration::zero();
}

Duration AdaptiveLimit::low_quarter() {
  const std::size_t count = std::min<std::size_t>(answers_, kSamples);
  const auto quarter = samples_.begin() + static_cast<std::ptrdiff_t>(count / 4);
  std::nth_element(samples_.begin(), quarter,
                   samples_.begin() + static_cast<std::ptrdiff_t>(count));
  return *quarter;
}

bool AdaptiveLimit::dropping() const {
  return drops_ >= 3 && drops_ * kOneDropIn >= answers_ + drops_;
}

/// More is out than was ever usual.
bool AdaptiveLimit::piling_up() const { return in_flight_ > 2 * usual_ + kFloor; }

/// How long what is out will take at the pace of this window (Little's law).
Duration AdaptiveLimit::expected_wait(Instant now) const {
  return (now - window_start_) * in_flight_ / std::max<std::uint32_t>(ended_, 1);
}

/// Even the fast answers are late; or they begin to be, and what is out will take far too long.
bool AdaptiveLimit::is_queueing(Duration lateness, Duration expected) const {
  const bool rising =
      piling_up() && 4 * lateness > tolerance() && expected > calm_mean_.value + 2 * tolerance();
  return lateness > tolerance() || rising;
}

void AdaptiveLimit::judge(Instant now) {
  if (answers_ == 0) {
    cut(silent(now) ? 0 : 0.5, 1, now);
    return;
  }
  const Duration low = low_quarter();
  const Duration mean = sum_ / static_cast<Duration::rep>(answers_);
  if (learned_ == 0) {
    learned_ = 1;
    calm_low_.set(low);
    calm_mean_.set(mean);
  }
  if (dropping()) {
    patience_ = drop_ages_ / static_cast<Duration::rep>(drops_);
  }
  const Duration expected = expected_wait(now);
  const bool queueing = is_queueing(low - calm_low_.value, expected);
  const bool before = suspected_;
  suspected_ = queueing || dropping();
  if (!suspected_) {
    relax(low, mean, now);
    return;
  }
  const auto wanted = static_cast<double>((calm_low_.value + tolerance()).count());
  const double ratio =
      queueing ? wanted / static_cast<double>(std::max(low, expected).count()) : 0.7;
  if (!before && ratio > 0.5) {
    return;  // One window may be an accident.
  }
  if (overloaded_ && limit_ <= kFloor) {
    calm_low_.set(low);
    calm_mean_.set(mean);
    limit_ = std::min(max_, 2 * kFloor);
    changed_at_ = now;
  } else {
    cut(std::clamp(ratio, kDeepest, 0.9), kFloor, now);
  }
}

void AdaptiveLimit::cut(double factor, std::uint32_t floor, Instant now) {
  const std::uint32_t used = peak_ > 0 ? std::min(limit_, peak_) : limit_;
  const auto reduced = static_cast<std::uint32_t>(static_cast<double>(used) * factor);
  // A limit that drops have brought under the floor must not rise by a cut.
  limit_ = std::min(limit_, std::clamp(reduced, std::min(floor, max_), max_));
  overloaded_ = true;
  changed_at_ = now;
  in_use_at_ = now;
}

/// The answers are on time.
void AdaptiveLimit::relax(Duration low, Duration mean, Instant now) {
  const Duration lateness = low - calm_low_.value;
  if (overloaded_) {
    grow(lateness, now);
    return;
  }
  if (2 * lateness <= tolerance()) {
    learn(low, mean, now);
  }
  usual_ = std::max(peak_, usual_ - usual_ / 16);
  const std::uint32_t roomy = std::min(max_, std::max(kCalmLimit, 4 * usual_));
  limit_ = limit_ > roomy ? limit_ - (limit_ - roomy + 15) / 16 : limit_;
}

void AdaptiveLimit::grow(Duration lateness, Instant now) {
  if (peak_ * 4 < limit_ * 3) {
    overloaded_ = now - in_use_at_ < kCalmAfter;
    return;
  }
  in_use_at_ = now;
  if (2 * lateness <= tolerance()) {
    const std::uint32_t step = limit_ / (4 * lateness <= tolerance() ? 4 : 8);
    limit_ = std::min(max_, limit_ + std::max<std::uint32_t>(1, step));
  }
}

void AdaptiveLimit::learn(Duration low, Duration mean, Instant now) {
  const auto window = static_cast<double>((now - window_start_).count());
  const bool apprentice = learned_ < kApprentice;
  const double creep = apprentice ? 1.0 : window / static_cast<double>(kCreep.count()) / 2;
  calm_low_.follow(low, creep);
  calm_mean_.follow(mean, creep);
  learned_ += apprentice ? 1 : 0;
}

void AdaptiveLimit::Calm::follow(Duration seen, double creep) {
  smooth += (seen - smooth) / 16;
  const double most = static_cast<double>(value.count()) * (1.0 + creep);
  value = std::min(smooth, Duration{static_cast<Duration::rep>(most) + 1});
}

}  // namespace fusegate::policy
