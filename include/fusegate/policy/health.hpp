#pragma once

#include <fusegate/base/rng.hpp>
#include <fusegate/base/time.hpp>

#include <cstdint>
#include <string>

namespace fusegate::policy {

/// Source: the vocabulary and the thresholds of HAProxy (`inter`, `rise 2`, `fall 3`); one second
/// is what a health page may take.
struct HealthSettings {
  std::string path = "/healthz";                ///< Origin form.
  Duration interval = std::chrono::seconds{5};  ///< From the start of a check to that of the next.
  Duration timeout = std::chrono::seconds{1};   ///< Connect and response head together.
  std::uint32_t healthy = 2;                    ///< Good checks in a row that bring it back.
  std::uint32_t unhealthy = 3;                  ///< Bad checks in a row that take it out.
  bool operator==(const HealthSettings&) const = default;
};

/// What active checks say about one endpoint, and when the next check is due. Decides only; who
/// checks calls `start` and `finish`.
///
/// A new endpoint is `Unknown` and is used like a healthy one: it was found by its name, so
/// somebody believes in it, and waiting for checks would refuse requests that it could have
/// answered. Checks have to say otherwise `unhealthy` times in a row. The first check comes within
/// a second (within the interval when that is shorter) at a random moment, the others at the
/// interval give or take a tenth, so that checks of many endpoints, and of many sidecars, do not
/// march in step.
///
/// Not thread-safe. `now` must not go backwards.
class Health {
 public:
  enum class State : std::uint8_t { Unknown, Up, Down };
  enum class Change : std::uint8_t { None, WentDown, CameUp };

  Health(const HealthSettings& settings, Rng& rng, Instant now);

  State state() const { return state_; }
  /// When the next check should start. While one runs: when it must be taken for lost.
  Instant due() const { return due_; }
  /// A check starts.
  void start(Instant now);
  /// It has ended. CameUp is only said of an endpoint that was down; of a new one, good news
  /// changes nothing.
  Change finish(bool good, Rng& rng, Instant now);
  /// Good or bad results in a row, whichever the last one was.
  std::uint32_t run() const { return run_; }
  bool last_good() const { return last_good_; }

  /// An endpoint that was down when the process ended is down until checks bring it back.
  void restore_down() { state_ = State::Down; }

 private:
  HealthSettings settings_;
  State state_ = State::Unknown;
  Instant started_;
  Instant due_;
  std::uint32_t run_ = 0;
  bool last_good_ = true;
};

}  // namespace fusegate::policy
