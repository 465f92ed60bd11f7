#include <fusegate/base/vocabulary.hpp>

#include "state/codec.hpp"
#include "state/frame.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <optional>

namespace fusegate::state {
namespace {

namespace json = boost::json;

/// Further away than any time of a running process; sums of two such times do not overflow.
constexpr std::int64_t kFarthest = 10LL * 366 * 24 * 3600 * 1'000'000'000;
constexpr std::int64_t kLastMillisecond = 10'000'000'000'000;  // In the year 2286.
/// A step back of the wall clock that is put down to its correction.
constexpr Duration kClockStep = std::chrono::seconds{2};

template <class Enum, std::size_t Count>
std::optional<Enum> named(std::string_view text) {
  for (std::size_t i = 0; i < Count; ++i) {
    if (word(static_cast<Enum>(i)) == text) {
      return static_cast<Enum>(i);
    }
  }
  return std::nullopt;
}

/// Reads fields of objects. The first that is missing, of another type or out of range is kept as
/// the problem; what follows reads as nothing.
class Decoder {
 public:
  explicit Decoder(Instant taken) : taken_(taken) {}

  const std::string& problem() const { return problem_; }

  Section upstream(const json::value& value) {
    const json::object& object = object_of(value, "an upstream");
    Section section{.upstream = text(object, "name"),
                    .settings = text(object, "settings"),
                    .memory = {.breaker = machine(field(object, "breaker")),
                               .budget = window(field(object, "budget")),
                               .last = move(field(object, "last")),
                               .endpoints = {}}};
    for (const json::value& endpoint : array(object, "endpoints")) {
      section.memory.endpoints.push_back(this->endpoint(endpoint));
    }
    return section;
  }

  std::int64_t number(const json::object& object, std::string_view name, std::int64_t min,
                      std::int64_t max) {
    return number(field(object, name), name, min, max);
  }

  const json::array& array(const json::object& object, std::string_view name) {
    static const json::array kNothing;
    const json::array* const found = field(object, name).if_array();
    return found != nullptr ? *found : (fail(name), kNothing);
  }

  const json::object& object_of(const json::value& value, std::string_view name) {
    static const json::object kNothing;
    const json::object* const found = value.if_object();
    return found != nullptr ? *found : (fail(name), kNothing);
  }

 private:
  void fail(std::string_view what) {
    if (problem_.empty()) {
      problem_ = "it is damaged: " + std::string{what} + " is missing or makes no sense";
    }
  }

  const json::value& field(const json::object& object, std::string_view name) {
    static const json::value kNothing;
    const json::value* const found = object.if_contains(name);
    return found != nullptr ? *found : (fail(name), kNothing);
  }

  std::int64_t number(const json::value& value, std::string_view name, std::int64_t min,
                      std::int64_t max) {
    const std::int64_t* const found = value.if_int64();
    if (found == nullptr || *found < min || *found > max) {
      fail(name);
      return 0;
    }
    return *found;
  }

  std::uint32_t count(const json::object& object, std::string_view name) {
    return static_cast<std::uint32_t>(number(object, name, 0, UINT32_MAX));
  }

  std::string text(const json::object& object, std::string_view name) {
    constexpr std::size_t kTextMax = 1024;
    const json::string* const found = field(object, name).if_string();
    if (found == nullptr || found->size() > kTextMax) {
      fail(name);
      return {};
    }
    return std::string{found->data(), found->size()};
  }

  bool flag(const json::object& object, std::string_view name) {
    const bool* const found = field(object, name).if_bool();
    return found != nullptr ? *found : (fail(name), false);
  }

  Instant time(const json::object& object, std::string_view name) {
    return taken_ + Duration{number(object, name, -kFarthest, kFarthest)};
  }

  Instant optional_time(const json::object& object, std::string_view name) {
    return field(object, name).is_null() && object.contains(name) ? Instant{} : time(object, name);
  }

  template <class Enum, std::size_t Count>
  Enum one_of(const json::object& object, std::string_view name) {
    const auto found = named<Enum, Count>(text(object, name));
    return found ? *found : (fail(name), Enum{});
  }

  policy::RollingWindow::Snapshot window(const json::value& value) {
    const json::object& object = object_of(value, "window");
    policy::RollingWindow::Snapshot window{
        .slot_length = Duration{number(object, "slot", 1, kFarthest)},
        .newest_end = time(object, "end"),
        .slots = {}};
    const json::array& slots = array(object, "slots");
    if (slots.size() != window.slots.size()) {
      fail("slots");
      return window;
    }
    for (std::size_t i = 0; i < window.slots.size(); ++i) {
      window.slots[i] = counts(slots[i]);
    }
    return window;
  }

  policy::RollingWindow::Counts counts(const json::value& value) {
    const json::array* const found = value.if_array();
    if (found == nullptr || found->size() != 3) {
      fail("slots");
      return {};
    }
    const auto at = [&](std::size_t i) {
      return static_cast<std::uint64_t>(number((*found)[i], "slots", 0, kFarthest));
    };
    return {.total = at(0), .failed = at(1), .slow = at(2)};
  }

  policy::Breaker::Snapshot machine(const json::value& value) {
    const json::object& object = object_of(value, "machine");
    return {.state = one_of<BreakerState, kBreakerStates>(object, "state"),
            .since = time(object, "since"),
            .open_until = optional_time(object, "until"),
            .hold_until = optional_time(object, "hold"),
            .run = count(object, "run"),
            .ended_run = count(object, "ended_run"),
            .opened = count(object, "opened"),
            .successes = count(object, "successes"),
            .forced = forced(text(object, "forced")),
            .forced_until = forced_until(object),
            .last_shed = optional_time(object, "shed"),
            .window = window(field(object, "window")),
            .throttle = throttle(field(object, "throttle"))};
  }

  std::optional<policy::Throttle::Snapshot> throttle(const json::value& value) {
    if (value.is_null()) {
      return std::nullopt;
    }
    const json::object& object = object_of(value, "throttle");
    return policy::Throttle::Snapshot{.window = window(field(object, "window")),
                                      .last_admitted = optional_time(object, "admitted")};
  }

  policy::Forced forced(std::string_view said) {
    using enum policy::Forced;
    for (const policy::Forced how : {No, Open, Closed}) {
      if (word(how) == said) {
        return how;
      }
    }
    fail("forced");
    return No;
  }

  /// Null is no end, of a breaker that is forced.
  Instant forced_until(const json::object& object) {
    const Instant until = optional_time(object, "forced_until");
    const bool is_forced = text(object, "forced") != word(policy::Forced::No);
    return is_forced && until == Instant{} ? kNever : until;
  }

  std::optional<policy::Transition> move(const json::value& value) {
    if (value.is_null()) {
      return std::nullopt;
    }
    const json::object& object = object_of(value, "last");
    return policy::Transition{
        .from = one_of<BreakerState, kBreakerStates>(object, "from"),
        .to = one_of<BreakerState, kBreakerStates>(object, "to"),
        .reason = one_of<TransitionReason, kTransitionReasons>(object, "reason"),
        .at = time(object, "at")};
  }

  exchange::EndpointMemory endpoint(const json::value& value) {
    const json::object& object = object_of(value, "an endpoint");
    return {.name = text(object, "name"),
            .ejected = flag(object, "ejected"),
            .returning = flag(object, "returning"),
            .down = flag(object, "down"),
            .machine = machine(field(object, "machine")),
            .last = move(field(object, "last"))};
  }

  Instant taken_;
  std::string problem_;
};

std::expected<Snapshot, std::string> read_body(const json::object& body, Instant now,
                                               WallTime wall_now) {
  Decoder outer{now};
  const WallTime written{
      std::chrono::milliseconds{outer.number(body, "written_ms", 0, kLastMillisecond)}};
  // Bounded in milliseconds first: centuries do not fit into nanoseconds.
  constexpr std::chrono::milliseconds kYear = std::chrono::hours{366 * 24};
  const Duration age = std::clamp(wall_now - written, -kYear, kYear);
  if (!outer.problem().empty()) {
    return std::unexpected(outer.problem());
  }
  const auto seconds = std::chrono::floor<std::chrono::seconds>(age).count();
  if (age > kAgeMax) {
    return std::unexpected("it is " + std::to_string(seconds) + " s old; 60 s is the limit");
  }
  if (age < -kClockStep) {
    return std::unexpected("it was written " + std::to_string(-seconds) + " s in the future");
  }
  Snapshot snapshot{
      .taken = now - std::max(age, Duration::zero()), .written = written, .sections = {}};
  Decoder decoder{snapshot.taken};
  for (const json::value& upstream : decoder.array(body, "upstreams")) {
    snapshot.sections.push_back(decoder.upstream(upstream));
  }
  if (!decoder.problem().empty()) {
    return std::unexpected(decoder.problem());
  }
  return snapshot;
}

}  // namespace

std::expected<Snapshot, std::string> decode(std::string_view text, Instant now, WallTime wall_now) {
  try {
    const auto body = open_frame(text);
    if (!body) {
      return std::unexpected(body.error());
    }
    return read_body(*body, now, wall_now);
  } catch (const std::exception& failure) {  // Memory, or a limit of the library.
    return std::unexpected("it cannot be read: " + std::string{failure.what()});
  }
}

}  // namespace fusegate::state
