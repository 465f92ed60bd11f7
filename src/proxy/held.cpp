#include "http/chunked.hpp"
#include "proxy/locked.hpp"
#include "proxy/request_handler.hpp"

#include <optional>
#include <string_view>
#include <utility>

/// A response that is put aside while others are tried, and is the client's when they bring none.
namespace fusegate::proxy {
namespace {

/// What has arrived behind the head.
std::string_view body_of(const http::ResponseHead& head, const Inbound& in) {
  return {in.buffer.data() + in.begin + head.size, in.size() - head.size};
}

/// How many bytes of `data` the body takes, if all of it is there and that can be known.
std::optional<std::size_t> whole_body(const http::ResponseHead& head, std::string_view data) {
  if (head.body == http::BodyKind::None) {
    return 0;
  }
  if (head.body == http::BodyKind::Length && data.size() >= head.content_length) {
    return head.content_length;
  }
  if (head.body != http::BodyKind::Chunked) {
    return std::nullopt;
  }
  http::ChunkDecoder chunks;
  for (std::size_t used = 0; used < data.size();) {
    const auto step = chunks.next(data.substr(used));
    used += step.consumed;
    if (step.done) {
      return used;
    }
    if (step.failed) {
      break;
    }
  }
  return std::nullopt;
}

}  // namespace

/// A response that is to be retried is held back. When all of it is here its connection is free for
/// others at once; else the connection waits, unread, until it is known what the retries bring.
void RequestHandler::hold_response() {
  drop(rq_.held);
  Inbound& in = rq_.inbound;
  const std::string_view body = body_of(rq_.response, in);
  if (const auto whole = whole_body(rq_.response, body)) {
    settle_connection(in, *whole == body.size());
  } else {
    in.stream->set_owner(nullptr);
  }
  rq_.held = std::move(in);
  in = Inbound{};
}

/// Brings back the response of an earlier attempt, kept for the case that the retries bring none.
/// False when its connection has died meanwhile and the rest with it: all that it could become is
/// a cut answer.
bool RequestHandler::recall_held() {
  drop(rq_.inbound);
  Inbound& held = rq_.held;
  http::ParseFailure wrong;
  rq_.response_parser.reset();
  const auto& limits = worker_.shared.config->limits;
  rq_.response_parser.parse({held.buffer.data() + held.begin, held.size()},
                            {limits.response_head, limits.header_count}, rq_.head.method,
                            rq_.response, wrong);
  if (!held_can_end()) {
    drop(held);
    return false;
  }
  if (held.stream) {
    held.stream->set_owner(&session_);
    session_.clear(kUpstreamReadable | kUpstreamWritable);
  }
  uploading_ = false;
  rq_.inbound = std::move(held);
  held = Inbound{};
  return true;
}

RequestHandler::Next RequestHandler::held_lost() {
  return locked(
      [&](exchange::UpstreamState&) { return rq_.exchange->on_held_lost(worker_.now()); });
}

/// Takes in what has arrived since the response was put aside, as far as its buffer goes.
bool RequestHandler::held_can_end() {
  Inbound& held = rq_.held;
  while (held.stream && held.filled < held.buffer.capacity()) {
    const net::IoResult result =
        held.stream->read(held.buffer.data() + held.filled, held.buffer.capacity() - held.filled);
    if (result.would_block()) {
      break;
    }
    if (!result.done()) {
      const bool ends_so = result.kind == net::IoResult::Kind::End &&
                           rq_.response.body == http::BodyKind::UntilClose;
      return ends_so || whole_body(rq_.response, body_of(rq_.response, held)).has_value();
    }
    held.filled += result.bytes;
  }
  return true;
}

}  // namespace fusegate::proxy
