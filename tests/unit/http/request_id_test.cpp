#include "http/request_id.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace fusegate::http {
namespace {

std::string id_of(std::uint64_t high, std::uint64_t low) {
  std::array<char, kRequestIdSize> text;
  return std::string(make_request_id(high, low, text.data()));
}

TEST(RequestId, IsAVersion4Uuid) {
  EXPECT_EQ(id_of(0x0123456789abcdef, 0x0123456789abcdef), "01234567-89ab-4def-8123-456789abcdef");
  EXPECT_EQ(id_of(~0ULL, ~0ULL), "ffffffff-ffff-4fff-bfff-ffffffffffff");
  EXPECT_EQ(id_of(0, 0), "00000000-0000-4000-8000-000000000000");
  EXPECT_TRUE(valid_request_id(id_of(1, 2)));
}

TEST(RequestId, OfAClientIsKeptWhenItIsHarmless) {
  EXPECT_TRUE(valid_request_id("a"));
  EXPECT_TRUE(valid_request_id("~!/{}"));
  EXPECT_TRUE(valid_request_id(std::string(128, 'x')));
  EXPECT_FALSE(valid_request_id(""));
  EXPECT_FALSE(valid_request_id(std::string(129, 'x')));
  EXPECT_FALSE(valid_request_id("a b"));
  EXPECT_FALSE(valid_request_id("a\t"));
  EXPECT_FALSE(valid_request_id("caf\xc3\xa9"));
  EXPECT_FALSE(valid_request_id("a\x7f"));
}

}  // namespace
}  // namespace fusegate::http
