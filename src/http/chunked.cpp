#include "http/chunked.hpp"

#include "http/chars.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace fusegate::http {
namespace {

/// What a byte is to a chunk extension.
enum class Kind : std::uint8_t {
  Token,
  Blank,
  Semicolon,
  Equals,
  Quote,
  Backslash,
  Return,
  Control,
  Other,  ///< Only within quotes.
};
constexpr std::size_t kKinds = 16;  // A power of two: the place in a table is a shift away.

constexpr Kind kind_of(char c) {
  switch (c) {
    case ';':
      return Kind::Semicolon;
    case '=':
      return Kind::Equals;
    case '"':
      return Kind::Quote;
    case '\\':
      return Kind::Backslash;
    case '\r':
      return Kind::Return;
    default:
      break;
  }
  if (is_token_char(c)) {
    return Kind::Token;
  }
  if (is_blank(c)) {
    return Kind::Blank;
  }
  return is_control(c) ? Kind::Control : Kind::Other;
}

constexpr std::string_view kLongLine = "a chunk line longer than 4096 bytes";

constexpr auto kKindOf = [] {
  std::array<Kind, 256> kinds{};
  for (std::size_t c = 0; c < kinds.size(); ++c) {
    kinds[c] = kind_of(static_cast<char>(c));
  }
  return kinds;
}();

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
    } else if (is_extension(state_)) {
      at += extension_bytes(input.substr(at));
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

/// All that is neither payload, extension nor trailers: the size, the ends of lines, and what
/// stands behind the size.
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
    return fail(kLongLine);
  }
  if (state_ == State::LineFeed) {
    return c == '\n' ? end_line() : fail("a CR in a chunk line that is not followed by LF");
  }
  if (hex_value(c) >= 0) {
    return add_digit(c);
  }
  if (state_ == State::Size) {
    return fail("a chunk line does not begin with a size in hex digits");
  }
  state_ = after(state_, c);
  return state_ != State::Failed || fail("a chunk size that is not hex digits");
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

/// The grammar, state by state:
/// chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ).
struct ChunkDecoder::Grammar {
  static constexpr State after(State state, Kind kind) {
    switch (state) {
      case State::NameStart:
        if (kind == Kind::Token) {
          return State::Name;
        }
        return kind == Kind::Blank ? state : State::Failed;
      case State::Name:
        if (kind == Kind::Token) {
          return state;
        }
        return kind == Kind::Equals ? State::ValueStart : after_element(state, kind);
      case State::NameGap:
        return kind == Kind::Equals ? State::ValueStart : after_element(state, kind);
      case State::ValueStart:
        if (kind == Kind::Token) {
          return State::Value;
        }
        if (kind == Kind::Quote) {
          return State::Quoted;
        }
        return kind == Kind::Blank ? state : State::Failed;
      case State::Value:
        return kind == Kind::Token ? state : after_element(state, kind);
      case State::Quoted:
        if (kind == Kind::Quote) {
          return State::QuotedEnd;
        }
        return kind == Kind::Backslash ? State::QuotedPair : quoted(kind);
      case State::QuotedPair:
        return quoted(kind);
      default:
        return after_element(state, kind);
    }
  }

  static constexpr State quoted(Kind kind) {
    return kind == Kind::Control || kind == Kind::Return ? State::Failed : State::Quoted;
  }

  /// Behind a size, a name or a value.
  static constexpr State after_element(State state, Kind kind) {
    const bool named = state == State::Name || state == State::NameGap;
    if (kind == Kind::Semicolon) {
      return State::NameStart;
    }
    if (kind == Kind::Blank) {
      return named ? State::NameGap : State::Gap;
    }
    // Blanks at the end of the line are not part of the grammar.
    const bool blank = state == State::Gap || state == State::NameGap;
    return kind == Kind::Return && !blank ? State::LineFeed : State::Failed;
  }

  static constexpr std::size_t place(State state, Kind kind) {
    return static_cast<std::size_t>(state) * kKinds + static_cast<std::size_t>(kind);
  }

  static constexpr auto table() {
    std::array<State, (static_cast<std::size_t>(State::QuotedEnd) + 1) * kKinds> out{};
    for (std::size_t at = 0; at < out.size(); ++at) {
      out[at] = after(static_cast<State>(at / kKinds), static_cast<Kind>(at % kKinds));
    }
    return out;
  }
};

ChunkDecoder::State ChunkDecoder::after(State state, char c) {
  static constexpr auto kAfter = Grammar::table();
  return kAfter[Grammar::place(state, kKindOf[static_cast<unsigned char>(c)])];
}

/// By table: whoever sends extensions without end makes each of their bytes work here.
std::size_t ChunkDecoder::extension_bytes(std::string_view input) {
  if (line_ == kMaxLine) {
    fail(kLongLine);
    return 0;
  }
  const std::size_t most = std::min<std::size_t>(input.size(), kMaxLine - line_);
  State state = state_;
  std::size_t at = 0;
  while (at < most && is_extension(state)) {
    state = after(state, input[at++]);
  }
  line_ = static_cast<std::uint16_t>(line_ + at);
  state_ = state;
  if (state == State::Failed) {
    fail("a chunk extension that is not valid");
  }
  return at;
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
