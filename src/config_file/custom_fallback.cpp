// `fallback`: off, a reply, or the name of another upstream.
#include "config_file/address.hpp"
#include "config_file/custom.hpp"
#include "config_file/fill.hpp"
#include "config_file/reader.hpp"
#include "config_file/scalars.hpp"
#include "config_file/suggest.hpp"

#include <algorithm>
#include <array>

namespace fusegate::config_file {
namespace {

using config::Fallback;

constexpr std::string_view kExpected =
    "off, { status: 200, headers: {}, body: \"\" } or { upstream: NAME }";
/// Replies are written from one buffer; a page of its own belongs into a server.
constexpr std::size_t kBodyMax = 16 * 1024;
constexpr std::size_t kHeadersMax = 32;
constexpr std::size_t kHeaderBytesMax = 8 * 1024;
/// Framing and markers are the proxy's own.
constexpr std::array<std::string_view, 9> kOwnFields{
    "content-length", "transfer-encoding", "connection", "keep-alive",  "date",
    "upgrade",        "trailer",           "te",         "x-request-id"};

void read_header(Reader& reader, const Reader::Entry& entry, Fallback& fallback) {
  const auto name = lower_case(entry.name);
  if (!is_token(entry.name)) {
    reader.error(entry.key,
                 fill("{}: {} is not a header name", entry.key.path, quoted(entry.name)));
  } else if (std::ranges::find(kOwnFields, name) != kOwnFields.end() ||
             name.starts_with("fusegate-")) {
    reader.error(entry.key, fill("{}: {} is written by Fusegate itself; leave it out",
                                 entry.key.path, quoted(name)));
  } else if (auto value = read_header_value(reader, entry.value)) {
    fallback.headers.emplace_back(name, std::move(*value));
  }
}

void read_headers_of(Reader& reader, const Cursor& at, Fallback& fallback) {
  std::size_t bytes = 0;
  for (const Reader::Entry& entry : reader.map(at, "a map of headers and values", true)) {
    read_header(reader, entry, fallback);
  }
  for (const auto& [name, value] : fallback.headers) {
    bytes += name.size() + value.size() + 4;
  }
  if (fallback.headers.size() > kHeadersMax || bytes > kHeaderBytesMax) {
    reader.error(at, fill("{}: at most {} headers of {} bytes together", at.path, kHeadersMax,
                          kHeaderBytesMax));
  }
}

void read_body(Reader& reader, const Cursor& at, Fallback& fallback) {
  if (auto text = reader.text_or_empty(at)) {
    if (text->size() > kBodyMax) {
      reader.error(at, fill("{}: {} bytes; at most {}, a longer page belongs into an upstream",
                            at.path, text->size(), kBodyMax));
    }
    fallback.body = std::move(*text);
  }
}

/// Reads one entry; false when it has no such name.
bool read_part(Reader& reader, const Reader::Entry& entry, Fallback& fallback) {
  if (entry.name == "status") {
    const auto status = reader.integer(entry.value, 200, 599);
    fallback.status = static_cast<std::uint32_t>(status.value_or(fallback.status));
  } else if (entry.name == "headers") {
    read_headers_of(reader, entry.value, fallback);
  } else if (entry.name == "body") {
    read_body(reader, entry.value, fallback);
  } else if (entry.name == "upstream") {
    fallback.kind = Fallback::Kind::Upstream;
    fallback.upstream_name = reader.text(entry.value).value_or("");
  } else {
    return false;
  }
  return true;
}

}  // namespace

void read_fallback(Reader& reader, const Cursor& at, Scope& scope) {
  Fallback& result = scope.route.policy.fallback;
  result = {};
  if (at.node->kind != Node::Kind::Map) {
    const auto value = reader.scalar(at, kExpected);
    if (value && value->text != "off") {
      reader.error(at, fill("{}: expected {}, got {}", at.path, kExpected, quoted(value->text)));
    }
    return;
  }
  Fallback fallback{.kind = Fallback::Kind::Reply};
  bool has_status = false;
  std::size_t parts = 0;
  static constexpr std::string_view kNames[]{"status", "headers", "body", "upstream"};
  for (const Reader::Entry& entry : reader.map(at, kExpected)) {
    ++parts;
    has_status = has_status || entry.name == "status";
    if (!read_part(reader, entry, fallback)) {
      const auto meant = nearest(entry.name, kNames);
      reader.error(entry.key, fill("unknown key {} in {}", quoted(entry.name), at.path),
                   meant.empty() ? "" : fill("did you mean {}?", quoted(meant)));
      return;
    }
  }
  const bool is_reply = fallback.kind == Fallback::Kind::Reply;
  const bool bodiless = fallback.status == 204 || fallback.status == 205 || fallback.status == 304;
  if (is_reply ? !has_status : parts > 1) {
    reader.error(at, fill("{}: expected {}", at.path, kExpected));
  } else if (is_reply && bodiless && !fallback.body.empty()) {
    reader.error(at, fill("{}: a reply of status {} has no body; leave the body out", at.path,
                          fallback.status));
  }
  result = std::move(fallback);
}

std::optional<Value> write_fallback(Scope& scope) {
  const Fallback& fallback = scope.route.policy.fallback;
  Value map = Value::map();
  switch (fallback.kind) {
    case Fallback::Kind::Off:
      return Value::word("off");
    case Fallback::Kind::Upstream:
      map.at("upstream") = Value::string(fallback.upstream_name);
      break;
    case Fallback::Kind::Reply: {
      map.at("status") = Value::raw(std::to_string(fallback.status));
      Value headers = Value::map();
      for (const auto& [name, value] : fallback.headers) {
        headers.entries.emplace_back(name, Value::string(value));
      }
      map.at("headers") = std::move(headers);
      map.at("body") = Value::string(fallback.body);
      break;
    }
  }
  return map;
}

}  // namespace fusegate::config_file
