#pragma once

#include "admin/message.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>

#include <functional>
#include <list>

namespace fusegate::admin {

using Stream = boost::beast::basic_stream<boost::asio::generic::stream_protocol>;
/// How the coroutines of this folder wait: an error is a result, not an exception.
constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);

using Handler = std::function<Response(const Request&)>;

/// The connections of a listener, the one that has kept us waiting longest first. Only the server's
/// thread touches it, and whatever is not waiting for a client on that thread is done at once.
using Connections = std::list<Stream>;

/// Answers the requests of one connection, one after the other, until the client closes it or is
/// too slow, or until somebody else closes the stream. Moves it to the end of the list whenever a
/// wait begins. Both outlive the call.
boost::asio::awaitable<void> serve(Connections& all, Connections::iterator self, bool over_unix,
                                   const Handler& handler);

}  // namespace fusegate::admin
