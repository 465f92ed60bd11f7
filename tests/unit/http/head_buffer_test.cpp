#include "http/head_buffer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>

namespace fusegate::http {
namespace {

TEST(HeadBuffer, WritesNumbersOfEveryLength) {
  std::uint64_t value = 0;
  for (int digits = 0; digits < 20; ++digits) {
    for (const std::uint64_t near : {value, value - 1, value + 1}) {
      std::array<char, 64> memory{};
      HeadBuffer out{memory.data(), memory.size()};
      EXPECT_TRUE(out.append_number(near));
      EXPECT_TRUE(out.append_field("n", near));
      EXPECT_EQ(out.view(), std::to_string(near) + "n: " + std::to_string(near) + "\r\n");
    }
    value = value == 0 ? 1 : value * 10;
  }
}

TEST(HeadBuffer, TakesANumberThatJustFits) {
  std::array<char, 8> memory{};
  HeadBuffer exact{memory.data(), 5};
  EXPECT_TRUE(exact.append_number(12345));
  HeadBuffer narrow{memory.data(), 4};
  EXPECT_FALSE(narrow.append_number(12345));
  EXPECT_TRUE(narrow.overflow);
}

TEST(HeadBuffer, LeavesOutWhatComesBehindWhatDidNotFit) {
  std::array<char, 16> memory{};
  HeadBuffer out{memory.data(), 8};
  EXPECT_TRUE(out.append("1234"));
  EXPECT_FALSE(out.append("56789"));
  EXPECT_FALSE(out.append("5"));
  EXPECT_EQ(out.view(), "1234");
  EXPECT_TRUE(out.overflow);
}

}  // namespace
}  // namespace fusegate::http
