#include "http/date.hpp"

#include <fusegate/policy/retry.hpp>

#include <gtest/gtest.h>

#include <array>
#include <optional>

namespace fusegate::http {
namespace {

std::string date_of(std::int64_t milliseconds) {
  std::array<char, kDateSize> text;
  return std::string(format_date(WallTime{std::chrono::milliseconds{milliseconds}}, text.data()));
}

TEST(Date, IsAnImfFixdate) {
  EXPECT_EQ(date_of(784'111'777'000), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date_of(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(date_of(951'782'399'999), "Mon, 28 Feb 2000 23:59:59 GMT");
  EXPECT_EQ(date_of(951'782'400'000), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(date_of(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
  EXPECT_EQ(date_of(253'402'300'799'000), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(Date, IsReadBackByRetryAfter) {
  for (std::int64_t day = 0; day < 20'000; day += 37) {
    const WallTime at{std::chrono::seconds{day * 86'400 + day}};
    const auto delay = policy::parse_retry_after(date_of(at.time_since_epoch().count()),
                                                 at - std::chrono::seconds{90});
    EXPECT_EQ(delay, std::optional<Duration>{std::chrono::seconds{90}}) << "day " << day;
  }
}

}  // namespace
}  // namespace fusegate::http
