#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <chrono>

/// The Asio types of the data plane, with the concrete executor: the type-erased one costs moves
/// and virtual calls on every operation.
namespace fusegate::net {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;
using AsioSocket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;
using AsioTimer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, Executor>;

}  // namespace fusegate::net
