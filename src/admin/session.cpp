#include "admin/session.hpp"

#include "admin/server.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <exception>

namespace fusegate::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

using Parser = http::request_parser<http::string_body>;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

Response answer(const http::request<http::string_body>& message, bool over_unix,
                const Handler& handler) {
  const Request request{.method = view(message.method_string()),
                        .target = view(message.target()),
                        .host = view(message[http::field::host]),
                        .origin = view(message[http::field::origin]),
                        .fetch_site = view(message["Sec-Fetch-Site"]),
                        .over_unix = over_unix};
  if (message.count(http::field::host) > 1) {
    return problem(400, "Bad Request", "there is more than one Host");
  }
  if (!request.target.starts_with('/')) {
    return problem(400, "Bad Request", "the target must be a path");
  }
  try {
    return handler(request);
  } catch (const std::exception&) {
    return problem(500, "Internal Server Error",
                   "this page could not be made; memory may be short");
  }
}

http::response<http::string_body> message_of(Response&& response, unsigned version,
                                             bool keep_alive) {
  http::response<http::string_body> message;
  message.result(response.status);
  message.version(version);
  message.set(http::field::content_type,
              beast::string_view(response.type.data(), response.type.size()));
  message.set(http::field::cache_control, "no-store");
  message.set("X-Content-Type-Options", "nosniff");
  if (!response.allow.empty()) {
    message.set(http::field::allow,
                beast::string_view(response.allow.data(), response.allow.size()));
  }
  message.keep_alive(keep_alive);
  message.body() = std::move(response.body);
  message.prepare_payload();
  return message;
}

/// The reply to a request that could not be read, or nothing when there is nobody to tell.
std::optional<Response> refusal_of(const beast::error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return problem(431, "Request Header Fields Too Large", "the head is limited to 8 KiB");
  }
  if (error == http::error::body_limit) {
    return problem(413, "Content Too Large", "no page here takes a body");
  }
  const bool malformed = error.category() == make_error_code(http::error::bad_method).category();
  if (malformed && error != http::error::end_of_stream && error != http::error::partial_message) {
    return problem(400, "Bad Request", "this is not a valid HTTP/1 request");
  }
  return std::nullopt;
}

asio::awaitable<bool> send(Stream& stream, const http::response<http::string_body>& message,
                           bool head_only) {
  http::serializer<false, http::string_body> serializer(message);
  // The time runs anew for the answer: its size is ours, the client's pace is not.
  stream.expires_after(Server::kRequestTimeout);
  beast::error_code error;
  if (head_only) {
    std::tie(error, std::ignore) = co_await http::async_write_header(stream, serializer, kAwait);
  } else {
    std::tie(error, std::ignore) = co_await http::async_write(stream, serializer, kAwait);
  }
  co_return !error;
}

}  // namespace

asio::awaitable<void> serve(Connections& all, Connections::iterator self, bool over_unix,
                            const Handler& handler) {
  Stream& stream = *self;
  beast::flat_buffer buffer(Server::kHeadMax + Server::kBodyMax);
  bool more = true;
  while (more) {
    Parser parser;
    parser.header_limit(Server::kHeadMax);
    parser.body_limit(Server::kBodyMax);
    stream.expires_after(Server::kRequestTimeout);
    all.splice(all.end(), all, self);
    const auto [error, read] = co_await http::async_read(stream, buffer, parser, kAwait);
    if (error) {
      if (auto refusal = refusal_of(error)) {
        const auto message = message_of(*std::move(refusal), 11, false);
        co_await send(stream, message, false);
      }
      break;
    }
    const auto& request = parser.get();
    more = request.keep_alive();
    const auto message = message_of(answer(request, over_unix, handler), request.version(), more);
    all.splice(all.end(), all, self);
    more = co_await send(stream, message, request.method() == http::verb::head) && more;
  }
  beast::error_code ignored;
  stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
}

}  // namespace fusegate::admin
