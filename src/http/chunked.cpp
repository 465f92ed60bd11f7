#include "http/chunked.hpp"

#include "http/chars.hpp"

#include <algorithm>
#include <bit>

namespace fusegate::http {
namespace {

bool is_quotable(char c) { return !is_control(c); }

}  // namespace

ChunkDecoder::Step ChunkDecoder::result(std::size_t consumed, std::string_view data) const {
  Step step;
  step.consumed = consumed;
  step.data = data;
  step.done = state_ == State::Done;
  step.failed = state_ == State::Failed;
  return step;
}

bool ChunkDecoder::fail(std::string_view detail) {
  detail_ = detail;
  state_ = State::Failed;
  return false;
}

ChunkDecoder::Step ChunkDecoder::next(std::string_view input) {
  std::size_t at = 0;
  std::string_view data;
  while (at < input.size() && state_ != State::Done && state_ != State::Failed) {
    if (state_ == State::Data) {
      if (!data.empty()) {
        break;
      }
      const auto length = std::min<std::uint64_t>(left_, input.size() - at);
      data = input.substr(at, static_cast<std::size_t>(length));
      at += data.size();
      left_ -= length;
      state_ = left_ == 0 ? State::DataReturn : State::Data;
    } else if (state_ == State::Trailers) {
      const Trailers::Result taken = trailers_.take(input, at);
      if (taken == Trailers::Result::Failed) {
        fail(trailers_.detail());
      } else if (taken == Trailers::Result::End) {
        state_ = State::Done;
      }
    } else if (const std::size_t taken = usual_bytes(input.substr(at)); taken > 0) {
      at += taken;
    } else if (!line_byte(input[at++])) {
      break;
    }
  }
  // A broken body is not forwarded any further than it was proven to be sound.
  return result(at, state_ == State::Failed ? std::string_view{} : data);
}

/// What nearly all lines are, at a time: the CRLF behind payload, or digits and CRLF. 0 = something
/// else, or not all of it is here.
std::size_t ChunkDecoder::usual_bytes(std::string_view input) {
  if (state_ == State::DataReturn && input.starts_with("\r\n")) {
    state_ = State::Size;
    return 2;
  }
  static constexpr std::size_t kFewDigits = 8;
  if (state_ != State::Size) {
    return 0;
  }
  std::uint64_t size = 0;
  std::size_t digits = 0;
  while (digits < std::min(input.size(), kFewDigits) && hex_value(input[digits]) >= 0) {
    size = size * 16 + static_cast<std::uint64_t>(hex_value(input[digits++]));
  }
  if (digits == 0 || !input.substr(digits).starts_with("\r\n")) {
    return 0;
  }
  left_ = size;
  line_ = static_cast<std::uint16_t>(digits + 2);
  end_line();
  return digits + 2;
}

/// All that is neither payload nor trailers: the chunk line and the CRLF behind the payload.
bool ChunkDecoder::line_byte(char c) {
  if (state_ == State::DataReturn) {
    state_ = State::DataFeed;
    return c == '\r' || fail("no CRLF behind the payload of a chunk");
  }
  if (state_ == State::DataFeed) {
    state_ = State::Size;
    return c == '\n' || fail("no CRLF behind the payload of a chunk");
  }
  if (++line_ > kMaxLine) {
    return fail("a chunk line longer than 4096 bytes");
  }
  if (state_ == State::LineFeed) {
    return c == '\n' ? end_line() : fail("a CR in a chunk line that is not followed by LF");
  }
  if (state_ == State::Size || state_ == State::SizeMore) {
    if (hex_value(c) >= 0) {
      return add_digit(c);
    }
    if (state_ == State::Size) {
      return fail("a chunk line does not begin with a size in hex digits");
    }
  }
  return extension_byte(c);
}

bool ChunkDecoder::add_digit(char c) {
  // 59 bits times 16 stay below 2^63, so no sum of lengths can turn negative anywhere.
  static constexpr std::uint64_t kBeforeLast = std::uint64_t{1} << 59;
  if (++digits_ > 16 || left_ >= kBeforeLast) {
    return fail("a chunk size of 2^63 or more, or of more than 16 digits");
  }
  left_ = left_ * 16 + static_cast<std::uint64_t>(hex_value(c));
  state_ = State::SizeMore;
  return true;
}

/// chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ): names here, values
/// in value_byte().
bool ChunkDecoder::extension_byte(char c) {
  static constexpr std::string_view kBad = "a chunk extension that is not valid";
  switch (state_) {
    case State::NameStart:
      if (is_token_char(c)) {
        state_ = State::Name;
        return true;
      }
      return is_blank(c) || fail(kBad);
    case State::Name:
    case State::NameGap:
      if (c == '=') {
        state_ = State::ValueStart;
        return true;
      }
      if (state_ == State::Name && is_token_char(c)) {
        return true;
      }
      break;
    case State::ValueStart:
    case State::Value:
    case State::Quoted:
    case State::QuotedPair:
      if (value_byte(c)) {
        return true;
      }
      break;
    case State::SizeMore:
    case State::Gap:
    case State::QuotedEnd:
    case State::Size:
    case State::LineFeed:
    case State::Data:
    case State::DataReturn:
    case State::DataFeed:
    case State::Trailers:
    case State::Done:
    case State::Failed:
      break;
  }
  return end_element(c) ||
         fail(state_ == State::SizeMore ? "a chunk size that is not hex digits" : kBad);
}

/// False = the byte does not belong to the value; end_element() judges it.
bool ChunkDecoder::value_byte(char c) {
  if (state_ == State::QuotedPair) {
    state_ = State::Quoted;
    return is_quotable(c);
  }
  if (state_ == State::Quoted) {
    if (c == '"' || c == '\\') {
      state_ = c == '"' ? State::QuotedEnd : State::QuotedPair;
      return true;
    }
    return is_quotable(c);
  }
  if (is_token_char(c)) {
    state_ = State::Value;
    return true;
  }
  if (state_ == State::ValueStart && c == '"') {
    state_ = State::Quoted;
    return true;
  }
  return state_ == State::ValueStart && is_blank(c);
}

/// What may stand behind a size, a name or a value.
bool ChunkDecoder::end_element(char c) {
  const bool open =
      state_ == State::ValueStart || state_ == State::Quoted || state_ == State::QuotedPair;
  if (open) {
    return false;
  }
  if (c == ';') {
    state_ = State::NameStart;
    return true;
  }
  if (is_blank(c)) {
    state_ = state_ == State::Name || state_ == State::NameGap ? State::NameGap : State::Gap;
    return true;
  }
  // Blanks at the end of the line are not part of the grammar.
  if (c == '\r' && state_ != State::Gap && state_ != State::NameGap) {
    state_ = State::LineFeed;
    return true;
  }
  return false;
}

bool ChunkDecoder::end_line() {
  static constexpr std::uint64_t kEnough = std::uint64_t{1} << 20;
  const auto free = static_cast<std::int64_t>(16 + 2 * std::min(left_, kEnough));
  excess_ = std::max<std::int64_t>(0, excess_ + line_ - free);
  if (excess_ > kMaxExcess) {
    return fail("too many bytes of chunk extensions for so little payload");
  }
  state_ = left_ == 0 ? State::Trailers : State::Data;
  line_ = 0;
  digits_ = 0;
  return true;
}

std::size_t write_chunk_prefix(char* out, std::uint64_t size) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  const unsigned digits = std::max(1U, (static_cast<unsigned>(std::bit_width(size)) + 3) / 4);
  for (unsigned i = digits; i-- > 0; size >>= 4) {
    out[i] = kDigits[size & 15];
  }
  out[digits] = '\r';
  out[digits + 1] = '\n';
  return digits + 2;
}

}  // namespace fusegate::http
