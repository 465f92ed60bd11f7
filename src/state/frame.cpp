#include "state/frame.hpp"

#include "state/codec.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cstdint>

namespace fusegate::state {
namespace {

namespace json = boost::json;

constexpr std::int64_t kVersion = 1;

}  // namespace

std::string checksum(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  std::string digits;
  for (int shift = 60; shift >= 0; shift -= 4) {
    digits += "0123456789abcdef"[(hash >> static_cast<unsigned>(shift)) & 0xFU];
  }
  return digits;
}

std::expected<json::object, std::string> open_frame(std::string_view text) {
  boost::system::error_code error;
  const json::value whole = json::parse(text, error);
  const json::object* const frame = error ? nullptr : whole.if_object();
  if (frame == nullptr) {
    return std::unexpected("it is damaged: not a JSON object");
  }
  const json::value* const version = frame->if_contains("fusegate_state");
  const json::value* const sum = frame->if_contains("checksum");
  const json::value* const body = frame->if_contains("body");
  if (version == nullptr || !version->is_int64() || sum == nullptr || !sum->is_string() ||
      body == nullptr || !body->is_object()) {
    return std::unexpected("it is damaged: not a state file of Fusegate");
  }
  if (version->get_int64() != kVersion) {
    return std::unexpected("it is of version " + std::to_string(version->get_int64()) +
                           "; this program reads version 1");
  }
  // Of the text that it would be written as again, so that a reformatted file is still whole.
  if (std::string_view{sum->get_string()} != checksum(json::serialize(*body))) {
    return std::unexpected("it is damaged: the checksum is wrong");
  }
  return body->get_object();
}

}  // namespace fusegate::state
