#pragma once

#include "http/head.hpp"

#include <cstdint>
#include <initializer_list>

namespace fusegate::http {

/// A set of field ids as one word.
class FieldSet {
 public:
  constexpr FieldSet(std::initializer_list<FieldId> ids) {
    for (const FieldId id : ids) {
      add(id);
    }
  }
  constexpr void add(FieldId id) { bits_ |= std::uint64_t{1} << static_cast<unsigned>(id); }
  constexpr void remove(FieldId id) { bits_ &= ~(std::uint64_t{1} << static_cast<unsigned>(id)); }
  constexpr void add(FieldSet other) { bits_ |= other.bits_; }
  constexpr bool has(FieldId id) const { return (bits_ >> static_cast<unsigned>(id) & 1) != 0; }

 private:
  std::uint64_t bits_ = 0;
};
static_assert(kFieldIds <= 64);

/// Fields of one hop (RFC 9110 section 7.6.1): never forwarded, whatever Connection says. Framing
/// is written anew; proxy credentials are for this proxy; Trailer is kept where trailers are.
inline constexpr FieldSet kHopByHop{
    FieldId::Connection,
    FieldId::KeepAlive,
    FieldId::ProxyConnection,
    FieldId::Te,
    FieldId::Upgrade,
    FieldId::ContentLength,
    FieldId::TransferEncoding,
    FieldId::ProxyAuthenticate,
    FieldId::ProxyAuthorization,
    FieldId::Http2Settings,
};

}  // namespace fusegate::http
