#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

/// Heads of HTTP/1 messages as views. Nothing here owns text: every view points into the buffer
/// that was given to the parser and lives as long as those bytes stay where they are.
namespace fusegate::http {

/// The field names that Fusegate acts on; all others are `Other`.
enum class FieldId : std::uint8_t {
  Other,
  Host,
  ContentLength,
  TransferEncoding,
  Connection,
  KeepAlive,
  ProxyConnection,
  Te,
  Trailer,
  Upgrade,
  Expect,
  Via,
  XForwardedFor,
  XForwardedProto,
  XForwardedHost,
  XRequestId,
  IdempotencyKey,
  RetryAfter,
  GrpcPushback,  ///< grpc-retry-pushback-ms
  MaxForwards,
  Date,
  Traceparent,
  ExpectedTimeout,  ///< x-envoy-expected-rq-timeout-ms
  GrpcTimeout,
  AttemptCount,  ///< x-envoy-attempt-count
  FusegateAttempt,
  FusegateAttempts,
  FusegateRetry,
  FusegateReason,
  EnvoyOverloaded,  ///< x-envoy-overloaded
  ProxyAuthenticate,
  ProxyAuthorization,
  Http2Settings,
  Authorization,
  Cookie,
  FaultAbort,      ///< x-envoy-fault-abort-request
  FaultDelay,      ///< x-envoy-fault-delay-request
  OtherForwarded,  ///< Another x-forwarded-*.
  OtherEnvoy,      ///< Another x-envoy-*.
  OtherFusegate,   ///< Another fusegate-*.
  Lookalike,  ///< One of the names above with `_` for `-`: servers that fold both confuse them.
};
inline constexpr std::size_t kFieldIds = 41;

/// The id of a field name, compared without case.
FieldId field_id(std::string_view name);

/// One field line. `value` is trimmed of spaces and tabs; both are views into the head.
struct Field {
  std::string_view name;
  std::string_view value;
  FieldId id = FieldId::Other;
};

/// The field lines of a head in their order. Storage is kept between messages, so that a list which
/// is used again allocates nothing; the parser bounds the count. Move-only.
class FieldList {
 public:
  FieldList() { first_.fill(kNone); }
  /// Room for `capacity` fields is allocated here, once.
  explicit FieldList(std::size_t capacity) : FieldList() { fields_.reserve(capacity); }
  FieldList(FieldList&& from) noexcept : fields_(std::move(from.fields_)), first_(from.first_) {
    from.clear();
  }
  FieldList& operator=(FieldList&& from) noexcept {
    std::swap(fields_, from.fields_);
    std::swap(first_, from.first_);
    return *this;
  }
  FieldList(const FieldList&) = delete;
  FieldList& operator=(const FieldList&) = delete;

  std::size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }
  const Field& operator[](std::size_t index) const { return fields_[index]; }
  const Field* begin() const { return fields_.data(); }
  const Field* end() const { return fields_.data() + fields_.size(); }

  /// The first field with this id, in constant time; nullptr when there is none. `Other` and the
  /// group ids find the first of their kind.
  const Field* find(FieldId id) const {
    const std::uint16_t at = first_[static_cast<std::size_t>(id)];
    return at == kNone ? nullptr : &fields_[at];
  }
  bool has(FieldId id) const { return first_[static_cast<std::size_t>(id)] != kNone; }
  /// The first field with this name, compared without case; a linear search.
  const Field* find(std::string_view name) const;

  void clear();
  void push(const Field& field) {
    std::uint16_t& first = first_[static_cast<std::size_t>(field.id)];
    if (first == kNone) {
      first = static_cast<std::uint16_t>(fields_.size());
    }
    fields_.push_back(field);
  }
  /// Gives the storage back, for connections that turn idle.
  void release() {
    clear();
    fields_ = {};
  }

 private:
  static constexpr std::uint16_t kNone = 0xffff;
  std::vector<Field> fields_;
  std::array<std::uint16_t, kFieldIds> first_;  ///< By id: index of the first, or kNone.
};

/// How the end of a body is found. A length of zero is `None`.
enum class BodyKind : std::uint8_t { None, Length, Chunked, UntilClose };

/// What both kinds of head have. All of it is judged: a head that is here is well-formed.
struct Head {
  std::string_view raw;          ///< The whole head, first byte to the empty line's end.
  std::string_view field_lines;  ///< The field lines of `raw`, without the empty line.
  int minor = 1;                 ///< HTTP/1.minor; anything above 1 is reported as 1.
  BodyKind body = BodyKind::None;
  std::uint64_t content_length = 0;  ///< Bytes; the value of the field even when there is no body.
  bool keep_alive = true;            ///< The sender's wish, by its version and `Connection`.
  bool upgrade = false;              ///< `Connection: upgrade` with an `Upgrade` field, not in 1.0.
  bool nominates = false;            ///< `Connection` names fields that must not be forwarded.
  FieldList fields;
  std::size_t size = 0;  ///< Bytes of the head, a skipped empty line before it included.
};

struct RequestHead : Head {
  std::string_view method;
  std::string_view target;          ///< As it came.
  std::string_view path_and_query;  ///< Origin form: starts with "/", or is "*" (OPTIONS only).
  std::string_view path;            ///< The same without the query.
  std::string_view authority;       ///< The effective host; the one of an absolute target wins over
                                    ///< Host. Empty only for HTTP/1.0 without Host.
  bool expect_continue = false;     ///< `Expect: 100-continue` on a 1.1 request with a body.
  bool absolute_form = false;
  bool asterisk = false;
  bool has_semicolon = false;  ///< In the target: without one no segment has parameters.
  bool is_head = false;
  std::optional<std::uint64_t> max_forwards;  ///< Of OPTIONS and TRACE; 0 = answer here.
  std::vector<char> rewritten;  ///< Holds `path_and_query` of "http://host?query"; else empty.
};

struct ResponseHead : Head {
  unsigned status = 0;  ///< 100 to 599.
  std::string_view reason;
};

/// How a response's body travels on to a client of HTTP/1.`client_minor`: what has no length is
/// chunked for 1.1 and ends with the connection for 1.0.
BodyKind outgoing_body(const ResponseHead& head, int client_minor);

}  // namespace fusegate::http
