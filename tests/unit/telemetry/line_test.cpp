#include "telemetry/line.hpp"

#include "unit/telemetry/telemetry_rig.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fusegate::telemetry {
namespace {

using namespace std::chrono_literals;

template <class Write>
std::string written(Write write, std::size_t capacity = 1024) {
  std::string buffer(capacity, '#');
  Line line(buffer.data(), buffer.size());
  write(line);
  return std::string(line.text());
}

std::string in_quotes(std::string_view text, std::size_t max = 512) {
  return written([&](Line& line) { line.quoted(text, max); });
}

std::string ms(Duration time) {
  return written([&](Line& line) { line.milliseconds(time); });
}

TEST(Line, EscapesWhatJsonForbids) {
  EXPECT_EQ(in_quotes("a\"b\\c\nd\re\tf"), R"("a\"b\\c\nd\re\tf")");
  EXPECT_EQ(in_quotes(std::string_view("\0\x1f", 2)), R"("\u0000\u001f")");
}

TEST(Line, EscapesWhatTerminalsObey) {
  EXPECT_EQ(in_quotes("\x1b[2J"), R"("\u001b[2J")");
  EXPECT_EQ(in_quotes("\x7f"), R"("\u007f")");
  EXPECT_EQ(in_quotes("\xc2\x9b"), R"("\u009b")");
}

TEST(Line, KeepsValidUtf8) {
  const std::string text = "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80";
  EXPECT_EQ(in_quotes(text), '"' + text + '"');
}

TEST(Line, ReplacesEachByteOfInvalidUtf8) {
  EXPECT_EQ(in_quotes("\xff"), R"("\ufffd")");
  EXPECT_EQ(in_quotes("\xc3"), R"("\ufffd")") << "cut short";
  EXPECT_EQ(in_quotes("\xc0\xaf"), R"("\ufffd\ufffd")") << "overlong";
  EXPECT_EQ(in_quotes("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")") << "surrogate";
  EXPECT_EQ(in_quotes("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")") << "above U+10FFFF";
  EXPECT_EQ(in_quotes("a\xe2\x82z"), R"("a\ufffd\ufffdz")");
}

TEST(Line, CutsLongTextBetweenCharacters) {
  EXPECT_EQ(in_quotes("abcdef", 6), R"("abcdef")");
  EXPECT_EQ(in_quotes("abcdefg", 6), R"("abcdef\u2026")");
  EXPECT_EQ(in_quotes("abcde\xc3\xbc", 6), R"("abcde\u2026")");
  EXPECT_EQ(in_quotes("abcde\n", 6), R"("abcde\u2026")");
}

TEST(Line, NeverLeavesTheBuffer) {
  for (std::size_t capacity = 0; capacity < 40; ++capacity) {
    std::string buffer(64, '#');
    Line line(buffer.data(), capacity);
    line.quoted("0123456789\n\xff 0123456789", 512);
    line.raw("tail");
    line.integer(123456);
    EXPECT_LE(line.size(), capacity);
    EXPECT_EQ(buffer.find_first_not_of('#', capacity), std::string::npos) << capacity;
  }
}

TEST(Line, LeavesHarmlessWordsUnquoted) {
  const auto word = [](std::string_view text) {
    return written([&](Line& line) { line.word(text, 16); });
  };
  EXPECT_EQ(word("/a/b"), "/a/b");
  EXPECT_EQ(word(""), R"("")");
  EXPECT_EQ(word("a b"), R"("a b")");
  EXPECT_EQ(word("k=v"), R"("k=v")");
  EXPECT_EQ(word("\x1b"), R"("\u001b")");
}

TEST(Line, WritesMillisecondsWithoutSpareZeros) {
  EXPECT_EQ(ms(0ns), "0");
  EXPECT_EQ(ms(15ms), "15");
  EXPECT_EQ(ms(212400us), "212.4");
  EXPECT_EQ(ms(1050us), "1.05");
  EXPECT_EQ(ms(63us), "0.063");
  EXPECT_EQ(ms(999'600ns), "1");
  EXPECT_EQ(ms(-5ms), "0");
}

TEST(Line, WritesNumbersThatJsonKnows) {
  const auto number = [](double value) { return written([&](Line& line) { line.number(value); }); };
  EXPECT_EQ(number(0.5), "0.5");
  EXPECT_EQ(number(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(number(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(written([](Line& line) { line.integer(INT64_MIN); }), "-9223372036854775808");
}

TEST(Timestamp, WritesRfc3339WithMilliseconds) {
  Timestamp stamp;
  const auto text = [&](WallTime at) {
    return written([&](Line& line) { stamp.append(line, at); });
  };
  EXPECT_EQ(text(test::kEvening), "2026-11-23T18:01:38.508Z");
  EXPECT_EQ(text(test::kEvening + 1ms), "2026-11-23T18:01:38.509Z");
  EXPECT_EQ(text(test::kEvening + 492ms), "2026-11-23T18:01:39.000Z");
  EXPECT_EQ(text(test::kEvening), "2026-11-23T18:01:38.508Z") << "the clock may step back";
  EXPECT_EQ(text(test::wall(951782400s)), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(text(test::wall(0s)), "1970-01-01T00:00:00.000Z");
}

}  // namespace
}  // namespace fusegate::telemetry
