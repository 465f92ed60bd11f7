#pragma once

// A strict reader of HTTP/1.1 messages that arrive in pieces. Nothing is repaired: what a proxy
// must not write is an error here.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace soak {

inline bool same_name(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) {
    return false;
  }
  for (std::size_t i = 0; i < one.size(); ++i) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    if (lower(one[i]) != lower(other[i])) {
      return false;
    }
  }
  return true;
}

struct Fields {
  std::vector<std::pair<std::string, std::string>> all;
  /// The value of the only field of this name; empty when there is none or there are several.
  std::string_view get(std::string_view name) const {
    std::string_view found;
    for (const auto& [key, value] : all) {
      if (same_name(key, name)) {
        if (!found.empty()) {
          return {};
        }
        found = value;
      }
    }
    return found;
  }
  bool read(std::string_view lines) {
    all.clear();
    while (!lines.empty()) {
      const std::size_t end = lines.find("\r\n");
      const std::size_t colon = lines.find(": ");
      if (end == lines.npos || colon == lines.npos || colon > end) {
        return false;
      }
      all.emplace_back(lines.substr(0, colon), lines.substr(colon + 2, end - colon - 2));
      lines.remove_prefix(end + 2);
    }
    return true;
  }
};

class Reader {
 public:
  enum class Event : std::uint8_t { More, Head, Data, End, Bad };

  void add(const char* data, std::size_t size) {
    if (at_ > 0 && at_ == bytes_.size()) {
      bytes_.clear();
      at_ = 0;
    } else if (at_ > kCompact) {
      bytes_.erase(0, at_);
      at_ = 0;
    }
    bytes_.append(data, size);
  }

  /// What comes next. After Head one of the body functions is called before the next event.
  Event next() {
    switch (state_) {
      case State::Head:
        return read_head();
      case State::Length:
        return left_ == 0 ? ended() : take_data(State::Length);
      case State::UntilClose:
      case State::Raw:
        left_ = bytes_.size() - at_;
        return take_data(state_);
      case State::Size:
        return read_size();
      case State::Chunk:
        return left_ == 0 ? read_chunk_end() : take_data(State::Chunk);
      case State::Trailers:
        return read_trailers();
    }
    return Event::Bad;
  }

  void body_of_length(std::uint64_t length) {
    state_ = State::Length;
    left_ = length;
  }
  void body_chunked() { state_ = State::Size; }
  void body_until_close() { state_ = State::UntilClose; }
  void raw() { state_ = State::Raw; }
  bool is_until_close() const { return state_ == State::UntilClose; }

  const std::string& first_line() const { return first_line_; }
  const Fields& fields() const { return fields_; }
  const Fields& trailers() const { return trailers_; }
  std::string_view data() const { return data_; }
  std::string_view rest() const { return std::string_view{bytes_}.substr(at_); }
  /// Nothing of a message has arrived.
  bool fresh() const { return state_ == State::Head && at_ == bytes_.size(); }

 private:
  static constexpr std::size_t kCompact = 64 * 1024;
  enum class State : std::uint8_t { Head, Length, UntilClose, Raw, Size, Chunk, Trailers };

  Event ended() {
    state_ = State::Head;
    return Event::End;
  }

  Event read_head() {
    const std::size_t end = bytes_.find("\r\n\r\n", at_);
    if (end == bytes_.npos) {
      return bytes_.size() - at_ > (1U << 20) ? Event::Bad : Event::More;
    }
    const std::string_view head = std::string_view{bytes_}.substr(at_, end + 2 - at_);
    const std::size_t line = head.find("\r\n");
    first_line_ = head.substr(0, line);
    trailers_.all.clear();
    at_ = end + 4;
    return fields_.read(head.substr(line + 2)) ? Event::Head : Event::Bad;
  }

  Event take_data(State state) {
    const std::size_t size = std::min<std::uint64_t>(bytes_.size() - at_, left_);
    if (size == 0) {
      return Event::More;
    }
    data_ = std::string_view{bytes_}.substr(at_, size);
    at_ += size;
    left_ -= size;
    state_ = state;
    return Event::Data;
  }

  Event read_size() {
    const std::size_t end = bytes_.find("\r\n", at_);
    if (end == bytes_.npos) {
      return Event::More;
    }
    char* stop = nullptr;
    left_ = std::strtoull(bytes_.c_str() + at_, &stop, 16);
    if (stop == bytes_.c_str() + at_ || (*stop != '\r' && *stop != ';')) {
      return Event::Bad;
    }
    at_ = end + 2;
    state_ = left_ == 0 ? State::Trailers : State::Chunk;
    return next();
  }

  Event read_chunk_end() {
    if (bytes_.size() - at_ < 2) {
      return Event::More;
    }
    if (bytes_.compare(at_, 2, "\r\n") != 0) {
      return Event::Bad;
    }
    at_ += 2;
    state_ = State::Size;
    return next();
  }

  Event read_trailers() {
    if (bytes_.compare(at_, 2, "\r\n") == 0) {
      at_ += 2;
      return ended();
    }
    const std::size_t end = bytes_.find("\r\n\r\n", at_);
    if (end == bytes_.npos) {
      return Event::More;
    }
    const bool good = trailers_.read(std::string_view{bytes_}.substr(at_, end + 2 - at_));
    at_ = end + 4;
    return good ? ended() : Event::Bad;
  }

  std::string bytes_;
  std::size_t at_ = 0;
  State state_ = State::Head;
  std::uint64_t left_ = 0;
  std::string first_line_;
  Fields fields_;
  Fields trailers_;
  std::string_view data_;
};

/// Writes a body as chunks of sizes that follow from `dice`.
template <class Dice>
void append_chunks(std::string& out, std::string_view body, Dice dice, std::string_view trailer) {
  char line[64];
  while (!body.empty()) {
    const std::size_t most = dice.percent(5) ? 1 : std::size_t{1} << dice.below(19);
    const std::size_t size = std::min<std::size_t>(body.size(), 1 + dice.below(most));
    const char* extension = dice.percent(5) ? ";part=\"1\"" : "";
    out.append(line, static_cast<std::size_t>(
                         std::snprintf(line, sizeof line, "%zx%s\r\n", size, extension)));
    out.append(body.substr(0, size)).append("\r\n");
    body.remove_prefix(size);
  }
  out.append("0\r\n").append(trailer).append("\r\n");
}

}  // namespace soak
