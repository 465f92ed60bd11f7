#include "proxy/body_reader.hpp"

#include <algorithm>
#include <cstring>

namespace fusegate::proxy {

void BodyReader::start(http::BodyKind kind, std::uint64_t length) {
  kind_ = kind;
  left_ = kind == http::BodyKind::Length ? length : 0;
  done_ = kind == http::BodyKind::None || (kind == http::BodyKind::Length && length == 0);
  if (kind == http::BodyKind::Chunked) {
    chunks_.reset();
  }
}

BodyReader::Fed BodyReader::feed(char* destination, char* data, std::size_t size) {
  if (done_ || size == 0) {
    return {};
  }
  if (kind_ == http::BodyKind::Chunked) {
    return feed_chunked(destination, data, size);
  }
  std::size_t taken = size;
  if (kind_ == http::BodyKind::Length) {
    taken = static_cast<std::size_t>(std::min<std::uint64_t>(size, left_));
    left_ -= taken;
    done_ = left_ == 0;
  }
  if (destination != data) {
    std::memmove(destination, data, taken);
  }
  return {taken, taken, false};
}

BodyReader::Fed BodyReader::feed_chunked(char* destination, char* data, std::size_t size) {
  Fed fed;
  while (fed.consumed < size) {
    const auto step = chunks_.next({data + fed.consumed, size - fed.consumed});
    fed.consumed += step.consumed;
    if (!step.data.empty()) {
      std::memmove(destination + fed.payload, step.data.data(), step.data.size());
      fed.payload += step.data.size();
    }
    fed.failed = step.failed;
    done_ = step.done;
    if (step.failed || step.done || step.consumed == 0) {
      break;
    }
  }
  return fed;
}

bool BodyReader::finish_at_close() {
  if (kind_ == http::BodyKind::UntilClose) {
    done_ = true;
  }
  return done_;
}

}  // namespace fusegate::proxy
