#include "http/chars.hpp"
#include "http/head.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace fusegate::http {
namespace {

struct Known {
  std::string_view name;
  FieldId id;
};

// Sorted by length.
constexpr std::array kKnown{
    Known{"te", FieldId::Te},
    Known{"via", FieldId::Via},
    Known{"host", FieldId::Host},
    Known{"date", FieldId::Date},
    Known{"expect", FieldId::Expect},
    Known{"cookie", FieldId::Cookie},
    Known{"trailer", FieldId::Trailer},
    Known{"upgrade", FieldId::Upgrade},
    Known{"connection", FieldId::Connection},
    Known{"keep-alive", FieldId::KeepAlive},
    Known{"retry-after", FieldId::RetryAfter},
    Known{"traceparent", FieldId::Traceparent},
    Known{"x-request-id", FieldId::XRequestId},
    Known{"max-forwards", FieldId::MaxForwards},
    Known{"grpc-timeout", FieldId::GrpcTimeout},
    Known{"authorization", FieldId::Authorization},
    Known{"content-length", FieldId::ContentLength},
    Known{"http2-settings", FieldId::Http2Settings},
    Known{"fusegate-retry", FieldId::FusegateRetry},
    Known{"x-forwarded-for", FieldId::XForwardedFor},
    Known{"idempotency-key", FieldId::IdempotencyKey},
    Known{"fusegate-reason", FieldId::FusegateReason},
    Known{"x-forwarded-host", FieldId::XForwardedHost},
    Known{"proxy-connection", FieldId::ProxyConnection},
    Known{"fusegate-attempt", FieldId::FusegateAttempt},
    Known{"transfer-encoding", FieldId::TransferEncoding},
    Known{"x-forwarded-proto", FieldId::XForwardedProto},
    Known{"fusegate-attempts", FieldId::FusegateAttempts},
    Known{"proxy-authenticate", FieldId::ProxyAuthenticate},
    Known{"x-envoy-overloaded", FieldId::EnvoyOverloaded},
    Known{"proxy-authorization", FieldId::ProxyAuthorization},
    Known{"x-envoy-attempt-count", FieldId::AttemptCount},
    Known{"grpc-retry-pushback-ms", FieldId::GrpcPushback},
    Known{"x-envoy-fault-abort-request", FieldId::FaultAbort},
    Known{"x-envoy-fault-delay-request", FieldId::FaultDelay},
    Known{"x-envoy-expected-rq-timeout-ms", FieldId::ExpectedTimeout},
};
constexpr std::size_t kLongest = kKnown.back().name.size();
static_assert(std::ranges::is_sorted(kKnown, {}, [](const Known& k) { return k.name.size(); }));

constexpr char low(char c) { return static_cast<char>(c | 0x20); }

constexpr std::size_t kSlots = 128;

/// Where a name of at least two characters may be in the table: its size, a character in the middle
/// and the last tell all known names apart. The factor was found by trying; slot_table() holds it.
constexpr std::size_t slot(std::string_view name) {
  const auto middle = static_cast<unsigned char>(low(name[(name.size() + 1) / 2]));
  const auto last = static_cast<unsigned char>(low(name.back()));
  return (name.size() + middle * 44U + last) % kSlots;
}

/// By slot: the index of the only known name that it can be. An empty slot has the first name,
/// which no name in that slot is.
consteval auto slot_table() {
  std::array<std::uint8_t, kSlots> table{};
  for (std::size_t i = 1; i < kKnown.size(); ++i) {
    std::uint8_t& entry = table[slot(kKnown[i].name)];
    if (entry != 0 || slot(kKnown[i].name) == slot(kKnown[0].name)) {
      throw "two names in one slot: another factor is needed";
    }
    entry = static_cast<std::uint8_t>(i);
  }
  return table;
}
constexpr auto kSlotTable = slot_table();

/// Sets bit 5 of every byte: that makes capital letters small and leaves small letters, digits and
/// hyphens. No other character of a name becomes one of these.
template <class Word>
Word load_lower(const char* data) {
  Word word;
  std::memcpy(&word, data, sizeof word);
  return word | static_cast<Word>(0x2020202020202020U);
}

/// The first and the last `sizeof(Word)` bytes, which overlap in between.
template <class Word>
bool same_ends(const char* name, const char* known, std::size_t size) {
  const std::size_t last = size - sizeof(Word);
  return load_lower<Word>(name) == load_lower<Word>(known) &&
         load_lower<Word>(name + last) == load_lower<Word>(known + last);
}

/// `known` is in lower case, without `_`. Compared by words, because every field comes here.
bool same_name(const char* name, std::string_view known) {
  std::size_t size = known.size();
  const char* other = known.data();
  for (; size > 16; size -= 8, name += 8, other += 8) {
    if (load_lower<std::uint64_t>(name) != load_lower<std::uint64_t>(other)) {
      return false;
    }
  }
  if (size >= 8) {
    return same_ends<std::uint64_t>(name, other, size);
  }
  return size >= 4 ? same_ends<std::uint32_t>(name, other, size)
                   : same_ends<std::uint16_t>(name, other, size);
}

bool begins_with(std::string_view name, std::string_view start) {
  return name.size() >= start.size() && same_name(name.data(), start);
}

FieldId group(std::string_view name) {
  if (begins_with(name, "x-forwarded-")) {
    return FieldId::OtherForwarded;
  }
  if (begins_with(name, "x-envoy-")) {
    return FieldId::OtherEnvoy;
  }
  return begins_with(name, "fusegate-") ? FieldId::OtherFusegate : FieldId::Other;
}

}  // namespace

FieldId usual_field_id(std::string_view name) {
  if (name.size() < kKnown.front().name.size()) {
    return FieldId::Other;
  }
  const Known& known = kKnown[kSlotTable[slot(name)]];
  if (known.name.size() == name.size() && same_name(name.data(), known.name)) {
    return known.id;
  }
  const char front = low(name.front());
  const bool may_group = (front == 'x' || front == 'f') && name.size() > 8;
  return may_group ? group(name) : FieldId::Other;
}

FieldId field_id(std::string_view name) {
  if (name.find('_') == std::string_view::npos) {
    return usual_field_id(name);
  }
  // A longer name can only be one of a group, which its beginning tells.
  std::array<char, 2 * kLongest> folded;
  const std::size_t size = std::min(name.size(), folded.size());
  std::ranges::replace_copy(name.substr(0, size), folded.begin(), '_', '-');
  const FieldId id = usual_field_id({folded.data(), size});
  return id == FieldId::Other ? id : FieldId::Lookalike;
}

}  // namespace fusegate::http
