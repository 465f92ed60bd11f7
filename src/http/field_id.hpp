#pragma once

#include "http/chars.hpp"
#include "http/head.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

/// Which of the names that Fusegate acts on a field has. In a header, and inlined where fields are
/// parsed: a call would cost the constants that the scan holds in registers, for every field.
namespace fusegate::http {
namespace detail {

struct Known {
  std::string_view name;
  FieldId id;
};

// Sorted by length.
inline constexpr std::array kKnown{
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
inline constexpr std::size_t kLongest = kKnown.back().name.size();
static_assert(std::ranges::is_sorted(kKnown, {}, [](const Known& k) { return k.name.size(); }));

constexpr char low(char c) { return static_cast<char>(c | 0x20); }

inline constexpr std::size_t kSlots = 128;

/// Where a name of at least two characters may be in the table: its size, a character in the middle
/// and the last tell all known names apart. The factor was found by trying; slot_table() holds it.
constexpr std::size_t slot(std::string_view name) {
  const std::size_t size = name.size();
  const auto middle = static_cast<unsigned char>(low(name.data()[(size + 1) / 2]));
  const auto last = static_cast<unsigned char>(low(name.data()[size - 1]));
  return (size + middle * 44U + last) % kSlots;
}

/// By slot: the only known name that it can be. An empty slot has the empty name.
consteval auto slot_table() {
  std::array<Known, kSlots> table{};
  for (const Known& known : kKnown) {
    Known& entry = table[slot(known.name)];
    if (!entry.name.empty()) {
      throw "two names in one slot: another factor is needed";
    }
    entry = known;
  }
  return table;
}
inline constexpr auto kSlotTable = slot_table();

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
[[gnu::always_inline]] inline bool same_name(const char* name, std::string_view known) {
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

inline bool has_prefix(std::string_view name, std::string_view start) {
  return name.size() >= start.size() && same_name(name.data(), start);
}

/// Only few names may be of a group.
[[gnu::noinline]] inline FieldId group(std::string_view name) {
  if (has_prefix(name, "x-forwarded-")) {
    return FieldId::OtherForwarded;
  }
  if (has_prefix(name, "x-envoy-")) {
    return FieldId::OtherEnvoy;
  }
  return has_prefix(name, "fusegate-") ? FieldId::OtherFusegate : FieldId::Other;
}

}  // namespace detail

/// The id of a name without `_`, which needs no look for lookalikes.
[[gnu::always_inline]] inline FieldId usual_field_id(std::string_view name) {
  if (name.size() < detail::kKnown.front().name.size()) {
    return FieldId::Other;
  }
  const detail::Known& known = detail::kSlotTable[detail::slot(name)];
  if (known.name.size() == name.size() && detail::same_name(name.data(), known.name)) {
    return known.id;
  }
  const char front = detail::low(*name.data());
  const bool may_group = (front == 'x' || front == 'f') && name.size() > 8;
  return may_group ? detail::group(name) : FieldId::Other;
}

}  // namespace fusegate::http
