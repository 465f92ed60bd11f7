#include "http/scan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace fusegate::http {
namespace {

const char* first_control(const char* at, const char* end) {
  return std::find_if(at, end, is_control);
}

/// Searched from everywhere.
void expect_found(const std::string& text) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  for (const char* from = begin; from <= end; ++from) {
    EXPECT_EQ(find_control(begin, from, end) - begin, first_control(from, end) - begin)
        << text.size() << " from " << from - begin;
  }
}

TEST(Scan, FindsAControlCharacterWhereverItLies) {
  for (std::size_t size = 0; size <= 50; ++size) {
    expect_found(std::string(size, 'a'));
    for (std::size_t place = 0; place < size; ++place) {
      std::string text(size, 'a');
      text[place] = place % 2 == 0 ? '\r' : '\x7f';
      expect_found(text);
    }
  }
}

TEST(Scan, KnowsEveryControlCharacter) {
  for (int c = 0; c < 256; ++c) {
    for (const std::size_t size : {1, 16, 21}) {  // Alone, in a block, behind one.
      std::string text(size, 'a');
      text.back() = static_cast<char>(c);
      const char* const begin = text.data();
      EXPECT_EQ(find_control(begin, begin, begin + size) == begin + size,
                !is_control(static_cast<char>(c)))
          << c << " " << size;
    }
  }
}

}  // namespace
}  // namespace fusegate::http
