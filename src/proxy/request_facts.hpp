#pragma once

#include <fusegate/base/vocabulary.hpp>
#include <fusegate/config/config.hpp>
#include <fusegate/exchange/exchange.hpp>
#include <fusegate/route/route_table.hpp>

#include "http/head.hpp"

#include <string_view>

/// What the policies need to know of a head, and the plain words for refusals.
namespace fusegate::proxy {

route::HeaderSource header_source(const http::FieldList& fields);

exchange::RequestTraits traits_of(const http::RequestHead& head,
                                  const config::RequestPolicy& policy, bool trusted);

/// What the head of a response says about trying again. `now` is the wall clock, for HTTP dates.
exchange::ResponseFacts facts_of(const http::ResponseHead& head,
                                 const config::RequestPolicy& policy, WallTime now);

/// NTLM and Negotiate authenticate the connection, not the request (RFC 4559 section 6): after such
/// a challenge the connection must not serve another client.
bool authenticates_connection(const http::ResponseHead& head);

/// The trace id of a valid `traceparent` (W3C Trace Context), else nothing.
std::string_view trace_id(const http::RequestHead& head);

/// One sentence for people, for replies without a better one.
std::string_view explanation(RejectReason reason);

/// Refusals by a breaker or a limit of ours.
bool is_overload(RejectReason reason);

}  // namespace fusegate::proxy
