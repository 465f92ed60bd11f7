#include <fusegate/policy/retry.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;
using std::chrono::sys_days;

constexpr seconds kLongest{2'147'483'648};

/// 6 November 1994, 08:49:37, the moment of the standard's examples, less `before`.
WallTime example(Duration before) {
  const auto moment = sys_days{std::chrono::year{1994} / 11 / 6} + 8h + 49min + 37s;
  return std::chrono::time_point_cast<std::chrono::milliseconds>(moment - before);
}

WallTime on(int year, unsigned month, unsigned day) {
  return sys_days{std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{day}};
}

TEST(RetryAfter, ReadsSeconds) {
  EXPECT_EQ(parse_retry_after("0", {}), 0s);
  EXPECT_EQ(parse_retry_after("120", {}), 120s);
  EXPECT_EQ(parse_retry_after("007", {}), 7s);
  EXPECT_EQ(parse_retry_after(" \t30 ", {}), 30s);
}

TEST(RetryAfter, HugeNumbersOfSecondsAreClampedNotWrapped) {
  EXPECT_EQ(parse_retry_after("2147483647", {}), 2'147'483'647s);
  EXPECT_EQ(parse_retry_after("9999999999", {}), kLongest);
  EXPECT_EQ(parse_retry_after(std::string(400, '9'), {}), kLongest);
}

TEST(RetryAfter, ReadsAllThreeFormsOfADate) {
  for (const auto* form : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(parse_retry_after(form, example(90s)), 90s) << form;
  }
  EXPECT_EQ(parse_retry_after("Wed Nov 16 08:49:37 1994", example(0s)), 240h);
}

TEST(RetryAfter, KeepsTheMilliseconds) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", example(1'250ms)), 1'250ms);
}

TEST(RetryAfter, ADateInThePastIsNow) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", example(-1s)), 0s);
  EXPECT_EQ(parse_retry_after("Thu, 01 Jan 1970 00:00:00 GMT", on(2026, 1, 1)), 0s);
}

TEST(RetryAfter, ADateFarAwayIsClamped) {
  EXPECT_EQ(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", on(2026, 1, 1)), kLongest);
}

TEST(RetryAfter, KnowsLeapYears) {
  EXPECT_EQ(parse_retry_after("Thu, 29 Feb 2024 00:00:00 GMT", on(2024, 2, 28)), 24h);
  EXPECT_EQ(parse_retry_after("Tue, 29 Feb 2000 00:00:00 GMT", on(2000, 2, 28)), 24h);
  EXPECT_EQ(parse_retry_after("Fri, 01 Mar 2024 00:00:00 GMT", on(2024, 2, 28)), 48h);
  EXPECT_EQ(parse_retry_after("Wed, 29 Feb 2023 00:00:00 GMT", on(2023, 2, 28)), std::nullopt);
  EXPECT_EQ(parse_retry_after("Mon, 29 Feb 2100 00:00:00 GMT", on(2100, 2, 28)), std::nullopt);
}

TEST(RetryAfter, AcceptsALeapSecond) {
  EXPECT_EQ(parse_retry_after("Sat, 31 Dec 2016 23:59:60 GMT", on(2016, 12, 31)), 24h);
}

TEST(RetryAfter, TwoDigitYearsAreWithinFiftyYears) {
  EXPECT_EQ(parse_retry_after("Friday, 02-Jan-26 00:00:00 GMT", on(2026, 1, 1)), 24h);
  EXPECT_EQ(parse_retry_after("Monday, 02-Jan-76 00:00:00 GMT", on(2026, 1, 1)),
            Duration{on(2076, 1, 2) - on(2026, 1, 1)});
  EXPECT_EQ(parse_retry_after("Sunday, 02-Jan-77 00:00:00 GMT", on(2026, 1, 1)), 0s);
  EXPECT_EQ(parse_retry_after("Saturday, 01-Jan-00 00:00:00 GMT", on(2099, 12, 31)), 24h);
}

class RetryAfterGarbage : public ::testing::TestWithParam<std::string_view> {};

TEST_P(RetryAfterGarbage, IsRefused) {
  EXPECT_EQ(parse_retry_after(GetParam(), example(90s)), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(
    Values, RetryAfterGarbage,
    ::testing::Values("", " ", "-1", "+1", "1.5", "1e3", "0x10", "10s", "1 2", "soon",
                      "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
                      "Sun, 06 Nov 1994 08:49:37 GMT x", "Sun, 6 Nov 1994 08:49:37 GMT",
                      "Sun, 06 nov 1994 08:49:37 GMT", "Xyz, 06 Nov 1994 08:49:37 GMT",
                      "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
                      "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT",
                      "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov -994 08:49:37 GMT",
                      "Sun, 06 Nov 19940 8:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT",
                      "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT",
                      "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 1994 GMT",
                      "Sun Nov  66 08:49:37 1994", std::string_view("1\0", 2)));

TEST(Pushback, ReadsMilliseconds) {
  EXPECT_FALSE(parse_pushback("250").stop);
  EXPECT_EQ(parse_pushback("250").delay, 250ms);
  EXPECT_EQ(parse_pushback("0").delay, 0ms);
  EXPECT_FALSE(parse_pushback("0").stop);
}

TEST(Pushback, ANegativeOrUnreadableValueForbidsTheRetry) {
  for (const auto* value : {"-1", "", "soon", "1.5", "+5", "10ms", "99999999999999999999999"}) {
    EXPECT_TRUE(parse_pushback(value).stop) << value;
  }
}

TEST(Pushback, LongDelaysAreClampedNotWrapped) {
  EXPECT_EQ(parse_pushback("9223372036854775807").delay, kLongest);
}

}  // namespace
}  // namespace fusegate::policy
