#pragma once

// What one request of the soak is. All of it follows from the seed and the number of the request,
// so that callers and services agree on every byte without talking to each other: whatever crosses
// from one request into another cannot fit.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace soak {

/// The finalizer of splitmix64.
inline std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() { return mixed(state_++); }
  /// 0 to `count` - 1.
  std::uint64_t below(std::uint64_t count) { return next() % count; }
  bool percent(std::uint64_t share) { return below(100) < share; }
  bool permille(std::uint64_t share) { return below(1000) < share; }

 private:
  std::uint64_t state_;
};

/// Bytes that belong to one key: `size` of them from `offset` on.
inline void fill(std::uint64_t key, std::uint64_t offset, char* out, std::size_t size) {
  for (std::size_t at = 0; at < size;) {
    const std::uint64_t word = mixed(key + (offset + at) / 8);
    for (std::uint64_t byte = (offset + at) % 8; byte < 8 && at < size; ++byte, ++at) {
      out[at] = static_cast<char>(word >> (8 * byte));
    }
  }
}

inline bool fits(std::uint64_t key, std::uint64_t offset, std::string_view data) {
  for (std::size_t at = 0; at < data.size();) {
    const std::uint64_t word = mixed(key + (offset + at) / 8);
    for (std::uint64_t byte = (offset + at) % 8; byte < 8 && at < data.size(); ++byte, ++at) {
      if (data[at] != static_cast<char>(word >> (8 * byte))) {
        return false;
      }
    }
  }
  return true;
}

enum class Kind : std::uint8_t {
  Plain,
  Upgrade,    ///< A tunnel: the service sends back what it gets.
  NoRoute,    ///< Fusegate answers 404.
  Malformed,  ///< Fusegate answers 400 and closes.
};

/// What the service does wrong. `Once` = on the first delivery only.
enum class Fault : std::uint8_t {
  None,
  Unavailable,  ///< Once: 503.
  Reset,        ///< Once: RST instead of an answer.
  Close,        ///< Once: FIN instead of an answer.
  Stall,        ///< Once: no answer until the peer gives up.
  HalfHead,     ///< Once: half a head, then RST.
  CutBody,      ///< Always: the body breaks off.
  CloseLater,   ///< A whole answer, then a close that was not announced.
};

enum class Framing : std::uint8_t { Length, Chunked, Close };

struct Plan {
  std::uint64_t number = 0;
  std::uint64_t key = 0;  ///< Of the bytes; see request_key() and the like.
  Kind kind = Kind::Plain;
  std::string_view route;  ///< First segment of the path.
  std::string_view method;
  bool keyed = false;  ///< Has an Idempotency-Key.
  std::size_t request_size = 0;
  bool request_chunked = false;
  bool request_trailer = false;
  bool expect = false;
  std::size_t note_size = 0;  ///< Of a field that fills the head.
  Fault fault = Fault::None;
  unsigned status = 200;
  std::size_t response_size = 0;
  Framing framing = Framing::Length;
  bool response_trailer = false;
  bool interim = false;  ///< A 103 before the answer.
  bool closes = false;   ///< `Connection: close` in the answer.
  bool early = false;    ///< Answers before it reads the body.
  bool slow = false;     ///< Once: answers late.

  std::uint64_t request_key() const { return key + (std::uint64_t{1} << 32); }
  std::uint64_t response_key() const { return key + (std::uint64_t{2} << 32); }
  std::uint64_t unavailable_key() const { return key + (std::uint64_t{3} << 32); }
  bool has_body() const { return request_size > 0 || request_chunked; }
  bool repeatable() const { return keyed || (method != "POST" && method != "PATCH"); }
  bool has_response_body() const {
    return method != "HEAD" && status != 204 && status != 304 && kind == Kind::Plain;
  }
  /// Disturbed services stand behind it.
  bool disturbed() const { return route == "kill" || route == "rescue"; }
};

inline constexpr std::size_t kUnavailableSize = 40;

inline std::string note(const Plan& plan) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out(plan.note_size, ' ');
  fill(plan.key, 0, out.data(), out.size());
  for (char& c : out) {
    c = kDigits[static_cast<unsigned char>(c) % 16];
  }
  return out;
}

inline std::string text_of(std::uint64_t number) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(number));
  return {text.data(), 16};
}

inline std::size_t size_from(Dice& dice, std::size_t most) {
  const std::uint64_t draw = dice.below(1000);
  const std::uint64_t size = draw < 80    ? 0
                             : draw < 600 ? 1 + dice.below(1024)
                             : draw < 930 ? dice.below(64 << 10)
                             : draw < 990 ? dice.below(512 << 10)
                                          : dice.below(4 << 20);
  return std::min<std::size_t>(size, most);
}

inline Fault fault_from(Dice& dice) {
  const std::uint64_t draw = dice.below(10'000);
  return draw < 7000   ? Fault::None
         : draw < 7700 ? Fault::Unavailable
         : draw < 8300 ? Fault::Reset
         : draw < 8700 ? Fault::Close
         : draw < 8705 ? Fault::Stall
         : draw < 9100 ? Fault::HalfHead
         : draw < 9500 ? Fault::CutBody
                       : Fault::CloseLater;
}

/// `most` bounds the bodies, for builds that are slow.
inline Plan plan_of(std::uint64_t seed, std::uint64_t number, std::size_t most) {
  static constexpr std::array<std::string_view, 20> kMethods{
      "GET",  "GET",  "GET",  "GET",  "GET",  "GET",  "GET", "GET", "HEAD",   "OPTIONS",
      "POST", "POST", "POST", "POST", "POST", "POST", "PUT", "PUT", "DELETE", "PATCH"};
  static constexpr std::array<std::string_view, 10> kRoutes{
      "calm", "calm", "calm", "fault", "fault", "fault", "kill", "kill", "hedge", "rescue"};
  static constexpr std::array<unsigned, 10> kStatuses{200, 200, 200, 200, 201,
                                                      204, 301, 304, 404, 500};
  Plan plan;
  plan.number = number;
  plan.key = mixed(mixed(seed) ^ number);
  Dice dice(mixed(seed ^ mixed(number)));
  const std::uint64_t kind = dice.below(100);
  plan.kind = kind == 0   ? Kind::Upgrade
              : kind == 1 ? Kind::NoRoute
              : kind == 2 ? Kind::Malformed
                          : Kind::Plain;
  plan.route = kRoutes[dice.below(kRoutes.size())];
  plan.method = kMethods[dice.below(kMethods.size())];
  plan.keyed = plan.method == "POST" && dice.percent(30);
  plan.note_size = dice.percent(10) ? dice.below(6000) : dice.below(200);
  plan.slow = plan.route == "hedge" && dice.percent(4);
  if (plan.kind == Kind::Upgrade) {
    plan.route = "calm";
    plan.method = "GET";
    plan.request_size = 1 + size_from(dice, 64 << 10);
    return plan;
  }
  if (plan.kind == Kind::NoRoute) {
    plan.route = "nowhere";
  } else if (plan.kind == Kind::Malformed && plan.method == "HEAD") {
    plan.method = "GET";  // A head that is refused may not be known as one of HEAD.
  }
  if (plan.method == "POST" || plan.method == "PUT" || plan.method == "PATCH" || dice.percent(1)) {
    plan.request_size = plan.method == "HEAD" ? 0 : size_from(dice, most);
    plan.request_chunked = dice.percent(40);
    plan.request_trailer = plan.request_chunked && dice.percent(30);
    plan.expect = plan.has_body() && dice.percent(8);
    plan.early = plan.request_size > 0 && !plan.expect && dice.percent(2);
  }
  plan.fault = plan.route == "fault" ? fault_from(dice) : Fault::None;
  plan.status = kStatuses[dice.below(kStatuses.size())];
  plan.response_size = size_from(dice, most);
  const std::uint64_t framing = dice.below(100);
  plan.framing = framing < 60 ? Framing::Length : framing < 95 ? Framing::Chunked : Framing::Close;
  if (plan.disturbed() && plan.framing == Framing::Close) {
    plan.framing = Framing::Length;  // The end of a process would look like the end of the body.
  }
  plan.response_trailer = plan.framing == Framing::Chunked && dice.percent(30);
  plan.interim = dice.percent(3);
  plan.closes = plan.framing == Framing::Close || dice.percent(5);
  plan.early = plan.early && plan.fault == Fault::None;
  if (plan.fault == Fault::CutBody) {
    plan.status = 200;
    plan.response_size = std::max<std::size_t>(plan.response_size, 2);
    plan.framing = plan.framing == Framing::Close ? Framing::Chunked : plan.framing;
  }
  return plan;
}

}  // namespace soak
