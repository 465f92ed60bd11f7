#include "proxy/message_writer.hpp"

#include <algorithm>
#include <cstring>

namespace fusegate::proxy {
namespace {

/// Chosen: a head and a body of a few KiB; the copy stays in the first-level cache.
constexpr std::size_t kSmall = 4096;

}  // namespace

void MessageWriter::begin(std::string_view head, http::BodyKind kind) {
  head_ = head;
  prefix_ = data_ = closing_ = last_ = trailers_ = end_ = {};
  left_ = head.size();
  written_ = 0;
  kind_ = kind;
  ended_ = false;
  head_saved_ = false;
}

void MessageWriter::payload(const char* data, std::size_t size) {
  data_ = {data, size};
  left_ += size;
  if (kind_ == http::BodyKind::Chunked) {
    prefix_ = {prefix_text_.data(), http::write_chunk_prefix(prefix_text_.data(), size)};
    closing_ = http::kChunkEnd;
    left_ += prefix_.size() + closing_.size();
  }
}

void MessageWriter::end(std::string_view trailers) {
  ended_ = true;
  if (kind_ != http::BodyKind::Chunked) {
    return;
  }
  last_ = http::kLastChunk;
  trailers_ = trailers;
  end_ = http::kChunkEnd;
  left_ += last_.size() + trailers_.size() + end_.size();
}

/// One system call for all parts. A small message is put together first: copying it costs less than
/// the kernel's handling of several parts.
net::IoResult MessageWriter::write_parts(net::Stream& stream) const {
  const std::array all{head_, prefix_, data_, closing_, last_, trailers_, end_};
  if (left_ <= kSmall) {
    std::array<char, kSmall> together;
    std::size_t size = 0;
    for (const std::string_view part : all) {
      if (!part.empty()) {
        std::memcpy(together.data() + size, part.data(), part.size());
        size += part.size();
      }
    }
    return stream.write(together.data(), size);
  }
  std::array<iovec, std::tuple_size_v<decltype(all)>> parts;
  std::size_t count = 0;
  for (const std::string_view part : all) {
    if (!part.empty()) {
      parts[count++] = {const_cast<char*>(part.data()), part.size()};
    }
  }
  if (count == 1) {
    return stream.write(static_cast<const char*>(parts[0].iov_base), parts[0].iov_len);
  }
  return stream.write({parts.data(), count});
}

void MessageWriter::advance(std::size_t bytes) {
  left_ -= bytes;
  written_ += bytes;
  if (left_ == 0) {
    head_ = prefix_ = data_ = closing_ = last_ = trailers_ = end_ = {};
    return;
  }
  for (std::string_view* part : {&head_, &prefix_, &data_, &closing_, &last_, &trailers_, &end_}) {
    const std::size_t taken = std::min(bytes, part->size());
    part->remove_prefix(taken);
    bytes -= taken;
  }
}

void MessageWriter::save_head(net::BufferPool& buffers) {
  if (head_.empty() || head_saved_) {
    return;
  }
  saved_ = buffers.take(head_.size());
  std::memcpy(saved_.data(), head_.data(), head_.size());
  head_ = {saved_.data(), head_.size()};
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
    if (result.bytes < before && head_.empty()) {
      // A short write means a full socket: asking again would only give would-block.
      return {net::IoResult::Kind::WouldBlock, 0, 0};
    }
  }
  saved_.reset();
  return {net::IoResult::Kind::Done, 0, 0};
}

}  // namespace fusegate::proxy
