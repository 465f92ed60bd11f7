#pragma once

#include "admin/message.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>

#include <functional>

namespace fusegate::admin {

using Stream = boost::beast::basic_stream<boost::asio::generic::stream_protocol>;
using Handler = std::function<Response(const Request&)>;

/// Answers the requests of one connection, one after the other, until the client closes it or is
/// too slow.
boost::asio::awaitable<void> serve(Stream stream, bool over_unix, const Handler& handler);

}  // namespace fusegate::admin
