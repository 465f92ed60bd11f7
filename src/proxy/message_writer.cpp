#include "proxy/message_writer.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <tuple>

namespace fusegate::proxy {
void MessageWriter::begin(std::string_view head, http::BodyKind kind) {
  first_ = count_ = payload_end_ = 0;
  left_ = 0;
  written_ = 0;
  kind_ = kind;
  ended_ = false;
  head_saved_ = false;
  has_head_ = !head.empty();
  add(head);
}

void MessageWriter::add(std::string_view part) {
  if (!part.empty()) {
    parts_[count_++] = part;
    left_ += part.size();
  }
}

void MessageWriter::payload(const char* data, std::size_t size) {
  if (kind_ == http::BodyKind::Chunked) {
    add({prefix_text_.data(), http::write_chunk_prefix(prefix_text_.data(), size)});
    add({data, size});
    add(http::kChunkEnd);
  } else {
    add({data, size});
  }
  payload_end_ = count_;
}

void MessageWriter::end(std::string_view trailers) {
  ended_ = true;
  if (kind_ == http::BodyKind::Chunked) {
    add(http::kLastChunk);
    add(trailers);
    add(http::kChunkEnd);
  }
}

/// One system call for all parts.
net::IoResult MessageWriter::write_parts(net::Stream& stream) const {
  const std::span parts{parts_.data() + first_, parts_.data() + count_};
  if (parts.size() == 1) {
    return stream.write(parts[0].data(), parts[0].size());
  }
  if (left_ <= net::Stream::kSmall) {
    return stream.write_small(parts, left_);
  }
  std::array<iovec, std::tuple_size_v<decltype(parts_)>> gathered;
  std::ranges::transform(parts, gathered.begin(), [](std::string_view part) {
    return iovec{const_cast<char*>(part.data()), part.size()};
  });
  return stream.write({gathered.data(), parts.size()});
}

void MessageWriter::advance(std::size_t bytes) {
  left_ -= bytes;
  written_ += bytes;
  if (left_ == 0) {
    first_ = count_ = payload_end_ = 0;
    has_head_ = false;
    return;
  }
  for (; bytes >= parts_[first_].size(); ++first_) {
    bytes -= parts_[first_].size();
  }
  parts_[first_].remove_prefix(bytes);
}

void MessageWriter::save_head(net::BufferPool& buffers) {
  if (!head_is_left() || head_saved_) {
    return;
  }
  std::string_view& head = parts_[0];
  saved_ = buffers.take(head.size());
  std::memcpy(saved_.data(), head.data(), head.size());
  head = {saved_.data(), head.size()};
  head_saved_ = true;
}

net::IoResult MessageWriter::flush(net::Stream& stream, net::BufferPool& buffers) {
  while (left_ > 0) {
    const std::size_t before = left_;
    const net::IoResult result = write_parts(stream);
    if (!result.done()) {
      save_head(buffers);
      return result;
    }
    advance(result.bytes);
    if (result.bytes < before && !head_is_left()) {
      // A short write means a full socket: asking again would only give would-block.
      return {net::IoResult::Kind::WouldBlock, 0, 0};
    }
  }
  saved_.reset();
  return {net::IoResult::Kind::Done, 0, 0};
}

}  // namespace fusegate::proxy
