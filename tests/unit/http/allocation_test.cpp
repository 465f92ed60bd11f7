#include "http/chunked.hpp"
#include "http/head_parser.hpp"
#include "http/head_writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <new>

namespace {
std::size_t allocations = 0;
}  // namespace

// The whole test program counts its allocations; only the deltas below matter.
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) {
    return memory;
  }
  throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace fusegate::http {
namespace {

constexpr std::string_view kRequest =
    "POST /a/b?c=d HTTP/1.1\r\nHost: t.example\r\nUser-Agent: wrk\r\nAccept: */*\r\n"
    "Connection: keep-alive, x-hop\r\nX-Hop: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Type: text/plain\r\nETag: e\r\nDate: d\r\n"
    "Content-Length: 1024\r\n\r\n";

TEST(Codec, AllocatesNothingInSteadyState) {
  RequestParser requests;
  ResponseParser responses;
  RequestHead request;
  ResponseHead response;
  ParseFailure failure;
  std::array<char, 2048> memory;
  std::size_t after_first = 0;
  for (int i = 0; i < 100; ++i) {
    requests.reset();
    responses.reset();
    ASSERT_EQ(requests.parse(kRequest, {}, request, failure), ParseStatus::Complete);
    ASSERT_EQ(responses.parse(kResponse, {}, "POST", response, failure), ParseStatus::Complete);
    ChunkDecoder decoder;
    ASSERT_TRUE(decoder.next("5;a=b\r\nhello\r\n0\r\n\r\n").done);
    HeadBuffer out{memory.data(), memory.size()};
    write_request({.head = &request, .target = request.target, .host = request.authority}, out);
    write_response({.head = &response, .body = response.body}, out);
    ASSERT_FALSE(out.overflow);
    if (i == 0) {
      after_first = allocations;
    }
  }
  EXPECT_GT(after_first, 0U) << "the counter does not count";
  EXPECT_EQ(allocations, after_first);
}

}  // namespace
}  // namespace fusegate::http
