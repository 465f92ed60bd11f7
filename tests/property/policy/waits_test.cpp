// Waits and times: backoff within its bounds, tries within their deadline, dates in all three
// forms.
#include <fusegate/policy/backoff.hpp>
#include <fusegate/policy/deadline.hpp>
#include <fusegate/policy/retry.hpp>

#include "property/policy/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

TEST(BackoffProperty, EveryWaitIsBetweenNothingAndTheCap) {
  for_each_seed(500, [](std::uint64_t seed) {
    Rng dice(seed);
    const BackoffSettings settings{.kind = static_cast<BackoffKind>(dice.below(5)),
                                   .initial = dice.between(0ns, 10s),
                                   .max = dice.between(0ns, 1h),
                                   .factor = 1.0 + dice.uniform() * 9.0,
                                   .jitter = static_cast<Jitter>(dice.below(3))};
    Duration previous{};
    for (int i = 0; i < 50; ++i) {
      const auto retry = static_cast<unsigned>(dice.below(1ULL << (1 + dice.below(32))));
      previous = backoff_delay(settings, retry, previous, dice);
      EXPECT_GE(previous, 0ns);
      EXPECT_LE(previous, settings.max);
    }
  });
}

TEST(FairTryDeadlineProperty, IsNeverEarlierThanUsefulNorLaterThanTheDeadline) {
  for_each_seed(500, [](std::uint64_t seed) {
    Rng dice(seed);
    const Instant now = Instant{} + dice.between(0s, 1h);
    const Instant deadline = Instant{} + dice.between(0s, 1h);
    const auto tries = static_cast<unsigned>(dice.below(8));
    const Instant end = fair_try_deadline(deadline, tries, dice.between(0s, 10s), now);
    EXPECT_LE(end, deadline);
    EXPECT_GE(end, std::min(deadline, now + kMinTry));
    EXPECT_TRUE(tries > 1 || end == deadline);
  });
}

constexpr std::array<const char*, 7> kDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                           "Thursday", "Friday", "Saturday"};
constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

enum class Form { Fixdate, Rfc850, Asctime };

std::string written(std::chrono::sys_seconds at, Form form) {
  const auto midnight = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{midnight};
  const std::chrono::hh_mm_ss time{at - midnight};
  const char* const day_name = kDays[std::chrono::weekday{midnight}.c_encoding()];
  const char* const month = kMonths[static_cast<unsigned>(date.month()) - 1];
  const auto day = static_cast<unsigned>(date.day());
  const int year = static_cast<int>(date.year());
  std::array<char, 16> clock{};
  std::snprintf(clock.data(), clock.size(), "%02d:%02d:%02d",
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  std::array<char, 64> text{};
  switch (form) {
    case Form::Fixdate:
      std::snprintf(text.data(), text.size(), "%.3s, %02u %s %04d %s GMT", day_name, day, month,
                    year, clock.data());
      break;
    case Form::Rfc850:
      std::snprintf(text.data(), text.size(), "%s, %02u-%s-%02d %s GMT", day_name, day, month,
                    year % 100, clock.data());
      break;
    case Form::Asctime:
      std::snprintf(text.data(), text.size(), "%.3s %s %2u %s %04d", day_name, month, day,
                    clock.data(), year);
      break;
  }
  return text.data();
}

TEST(RetryAfterProperty, EveryDateComesBackAsItsDistance) {
  for_each_seed(2'000, [](std::uint64_t seed) {
    Rng dice(seed);
    const WallTime now{
        std::chrono::milliseconds{static_cast<std::int64_t>(dice.below(4'000'000'000'000))}};
    const std::chrono::seconds ahead{static_cast<std::int64_t>(dice.below(49LL * 365 * 86'400))};
    const auto at = std::chrono::floor<std::chrono::seconds>(now) + ahead;
    const Duration expected = std::max<std::chrono::milliseconds>(at - now, 0ms);
    for (const Form form : {Form::Fixdate, Form::Rfc850, Form::Asctime}) {
      const std::string text = written(at, form);
      EXPECT_EQ(parse_retry_after(text, now), expected) << text;
    }
  });
}

TEST(RetryAfterProperty, DamagedValuesGiveNothingOrASaneDelay) {
  for_each_seed(5'000, [](std::uint64_t seed) {
    Rng dice(seed);
    const WallTime now{
        std::chrono::milliseconds{static_cast<std::int64_t>(dice.below(4'000'000'000'000))}};
    const auto at = std::chrono::floor<std::chrono::seconds>(now);
    std::string text =
        dice.below(4) == 0 ? "2147483647" : written(at, static_cast<Form>(dice.below(3)));
    for (std::uint64_t i = 0; i <= dice.below(3); ++i) {
      const auto place = static_cast<std::size_t>(dice.below(text.size()));
      switch (dice.below(3)) {
        case 0:
          text[place] = static_cast<char>(dice.below(256));
          break;
        case 1:
          text.erase(place);
          text += ' ';
          break;
        default:
          text.insert(place, 1, static_cast<char>('0' + dice.below(10)));
          break;
      }
    }
    const auto delay = parse_retry_after(text, now);
    EXPECT_TRUE(!delay || (*delay >= 0s && *delay <= std::chrono::seconds{2'147'483'648})) << text;
    const Pushback pushback = parse_pushback(text);
    EXPECT_TRUE(pushback.delay >= 0s && pushback.delay <= std::chrono::seconds{2'147'483'648});
  });
}

}  // namespace
}  // namespace fusegate::policy
