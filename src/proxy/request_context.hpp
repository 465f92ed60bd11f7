#pragma once

#include <fusegate/config/config.hpp>
#include <fusegate/exchange/exchange.hpp>
#include <fusegate/exchange/report.hpp>

#include "http/head_parser.hpp"
#include "http/request_id.hpp"
#include "net/buffer_pool.hpp"
#include "net/stream.hpp"
#include "proxy/download.hpp"
#include "proxy/upload.hpp"
#include "upstream/upstream.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fusegate::proxy {

/// A response as far as it has arrived: the connection it comes on, and its bytes.
struct Inbound {
  net::StreamPtr stream;
  net::Buffer buffer;
  std::size_t begin = 0;   ///< Of the head; interim responses lie before it.
  std::size_t filled = 0;  ///< End of the bytes received.
  exchange::EndpointState* endpoint = nullptr;
  std::uint16_t upstream = 0;  ///< Whose connection it is.
  bool reused = false;
  bool heard = false;  ///< The upstream has said something: the connection was alive.
  std::size_t size() const { return filled - begin; }
};

/// Everything one client request needs, taken from the worker's store when its head arrives and
/// given back at its end, so that idle connections hold none of it and busy ones allocate nothing.
struct RequestContext {
  explicit RequestContext(std::size_t field_capacity) {
    head.fields = http::FieldList{field_capacity};
    response.fields = http::FieldList{field_capacity};
  }

  http::RequestHead head;
  http::ResponseHead response;
  http::ResponseParser response_parser;
  exchange::Report report;
  exchange::Exchange* exchange = nullptr;  ///< The one in charge of the two below.
  std::optional<exchange::Exchange> first;
  std::optional<exchange::Exchange> fallback;
  exchange::RequestTraits traits;
  const config::RouteConfig* route = nullptr;
  upstream::Upstream* upstream = nullptr;        ///< Of the exchange in charge.
  upstream::Upstream* first_upstream = nullptr;  ///< Of the first, while the fallback is in charge.
  Upload upload;
  Download download;
  Inbound inbound;  ///< Of the attempt in progress.
  Inbound other;    ///< Of the attempt beside it, while there are two.
  http::ResponseParser other_parser;
  Inbound held;  ///< A response that is given to the client if the retries bring none.
  std::string path_scratch;
  std::string target_scratch;  ///< The rewritten target, when the route rewrites it.
  std::string_view path;       ///< Canonical, for matching.
  std::string_view target;     ///< What upstreams get.
  std::string_view host;       ///< What upstreams get.
  std::string tls_problem;     ///< Why the last handshake with an endpoint failed.
  std::array<char, http::kRequestIdSize> request_id_text{};
  bool continued = false;     ///< A 100 has gone to the client.
  bool interim_sent = false;  ///< Another interim response has: nothing is repeated from then on.

  /// Ready for the next request; storage is kept.
  void recycle() {
    exchange = nullptr;
    fallback.reset();
    first.reset();
    upload.clear();
    download.clear();
    head.fields.clear();
    response.fields.clear();
    response_parser.reset();
    route = nullptr;
    upstream = first_upstream = nullptr;
    continued = interim_sent = false;
  }
};

}  // namespace fusegate::proxy
