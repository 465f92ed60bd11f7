#include "http/chars.hpp"
#include "http/head.hpp"

#include <algorithm>

namespace fusegate::http {
namespace {

struct Known {
  std::string_view name;
  FieldId id;
};

// Sorted by length, so that a name is compared only with names of its own length.
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
static_assert(std::ranges::is_sorted(kKnown, {}, [](const Known& k) { return k.name.size(); }));

/// For each length the first letters that names of that length have, as bits (a = 0).
constexpr std::uint32_t letter_bit(char c) {
  return c >= 'a' && c <= 'z' ? std::uint32_t{1} << (c - 'a') : 0;
}

constexpr std::size_t kLongest = kKnown.back().name.size();

/// For each length the index of the first known name that is at least as long.
constexpr auto kFirstOfLength = [] {
  std::array<std::uint8_t, kLongest + 2> first{};
  for (std::size_t length = 0; length < first.size(); ++length) {
    first[length] = static_cast<std::uint8_t>(std::ranges::count_if(
        kKnown, [length](const Known& known) { return known.name.size() < length; }));
  }
  return first;
}();

constexpr auto kFirstLetters = [] {
  std::array<std::uint32_t, kLongest + 1> letters{};
  for (const Known& known : kKnown) {
    letters[known.name.size()] |= letter_bit(known.name.front());
  }
  return letters;
}();

/// Lower case, and `-` for `_`.
constexpr auto kFold = [] {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < table.size(); ++c) {
    table[c] = c == '_' ? '-' : lower(static_cast<char>(c));
  }
  return table;
}();

inline char fold(char c) { return kFold[static_cast<unsigned char>(c)]; }

/// `name` begins with `start` (lower case), `_` counting as `-`.
bool begins_with(std::string_view name, std::string_view start) {
  if (name.size() < start.size()) {
    return false;
  }
  for (std::size_t i = 0; i < start.size(); ++i) {
    if (fold(name[i]) != start[i]) {
      return false;
    }
  }
  return true;
}

FieldId group(std::string_view name) {
  const char third = fold(name[2]);
  if (name.front() != 'f' && name.front() != 'F' && third != 'f' && third != 'e') {
    return FieldId::Other;
  }
  if (begins_with(name, "x-forwarded-")) {
    return FieldId::OtherForwarded;
  }
  if (begins_with(name, "x-envoy-")) {
    return FieldId::OtherEnvoy;
  }
  return begins_with(name, "fusegate-") ? FieldId::OtherFusegate : FieldId::Other;
}

FieldId folded_id(std::string_view name) {
  const char front = fold(name.front());
  const char back = fold(name.back());
  // Most names are none of ours: one look says so.
  if (name.size() <= kLongest && (kFirstLetters[name.size()] & letter_bit(front)) != 0) {
    const std::size_t last = kFirstOfLength[name.size() + 1];
    for (std::size_t i = kFirstOfLength[name.size()]; i < last; ++i) {
      // First and last tell nearly all names of one length apart.
      if (kKnown[i].name.front() == front && kKnown[i].name.back() == back &&
          begins_with(name, kKnown[i].name)) {
        return kKnown[i].id;
      }
    }
  }
  const bool may_group = (front == 'x' || front == 'f') && name.size() > 8;
  return may_group ? group(name) : FieldId::Other;
}

}  // namespace

FieldId field_id(std::string_view name) {
  if (name.empty()) {
    return FieldId::Other;
  }
  const FieldId id = folded_id(name);
  if (id != FieldId::Other && name.find('_') != std::string_view::npos) {
    return FieldId::Lookalike;
  }
  return id;
}

}  // namespace fusegate::http
