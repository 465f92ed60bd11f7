#pragma once

#include <fusegate/base/vocabulary.hpp>

#include "http/field_parser.hpp"
#include "http/head.hpp"

#include <string_view>

namespace fusegate::http {

/// More options than this in the Connection fields of one head are refused: each may name a field
/// to remove, so the work is their number times the number of fields. Chosen: real heads have up
/// to 3.
inline constexpr unsigned kMaxConnectionOptions = 32;

enum class FramingResult : std::uint8_t { Ok, Bad, UnknownCoding };

/// Reads Content-Length and Transfer-Encoding into `out.body` and `out.content_length`: at most one
/// of them, once, 1 to 19 digits below 2^63, or exactly `chunked` in HTTP/1.1 (RFC 9112 section 6).
FramingResult read_framing(const FieldCounts& counts, Head& out, std::string_view& detail);

/// Reads Connection and Upgrade into `keep_alive`, `upgrade` and `nominates`. False = too many
/// options. `h2c` is never an upgrade: tunnelled, it would carry requests past every rule here.
bool read_connection(Head& out, std::string_view& detail);

/// Does `answer`, a 101, name only protocols that `offer` has offered? No server may switch to
/// another (RFC 9110 section 7.8).
bool takes_up_offer(const Head& offer, const Head& answer);

/// Does a Connection field of `head` name `field`, so that it must not be forwarded?
bool is_nominated(const Head& head, const Field& field);

}  // namespace fusegate::http
