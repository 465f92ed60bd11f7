#include "upstream/resolver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

namespace fusegate::upstream {
namespace {

using namespace std::chrono_literals;
using config::IpFamily;

config::Endpoint endpoint(const std::string& host) {
  config::Endpoint result;
  result.host = host;
  result.port = 8080;
  return result;
}

TEST(Resolve, GivesAddressesOfTheFamilyThatIsAskedFor) {
  const Resolved v4{std::vector<std::string>{"127.0.0.1:8080"}};
  const Resolved v6{std::vector<std::string>{"[::1]:8080"}};
  EXPECT_EQ(resolve(endpoint("127.0.0.1"), IpFamily::V4), v4);
  EXPECT_EQ(resolve(endpoint("127.0.0.1"), IpFamily::Any), v4);
  EXPECT_EQ(resolve(endpoint("::1"), IpFamily::V6), v6);
  EXPECT_EQ(resolve(endpoint("::1"), IpFamily::Any), v6);
}

TEST(Resolve, SaysWhyThereIsNone) {
  EXPECT_FALSE(resolve(endpoint("127.0.0.1"), IpFamily::V6).has_value());
  EXPECT_FALSE(resolve(endpoint("::1"), IpFamily::V4).has_value());
  const Resolved unknown = resolve(endpoint("no-such-host.invalid"), IpFamily::Any);
  ASSERT_FALSE(unknown.has_value());
  EXPECT_FALSE(unknown.error().empty());
}

TEST(Resolver, LooksEachNameUpAgainWhenItsTimeHasCome) {
  constexpr std::size_t kNames = 6;  // More than it has threads.
  constexpr std::size_t kQuick = 3;
  std::vector<Resolver::Name> names;
  for (std::size_t i = 0; i < kNames; ++i) {
    config::Dns settings;
    settings.refresh = i == kQuick ? Duration{1ms} : Duration{1h};
    names.push_back({endpoint("127.0.0." + std::to_string(i + 1)), settings});
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::array<int, kNames> told{};
  Resolver resolver(std::move(names), [&](std::size_t index, const Resolved& result) {
    const std::lock_guard guard{mutex};
    EXPECT_EQ(result,
              Resolved{std::vector<std::string>{"127.0.0." + std::to_string(index + 1) + ":8080"}});
    ++told[index];
    changed.notify_all();
  });
  resolver.start();
  {
    std::unique_lock lock{mutex};
    EXPECT_TRUE(changed.wait_for(lock, 10s,
                                 [&] {
                                   const auto others = std::ranges::count(told, 1);
                                   return told[kQuick] >= 20 && others == kNames - 1;
                                 }))
        << "the quick one " << told[kQuick] << " times";
  }
  resolver.stop();
  const int last = told[kQuick];
  resolver.stop();
  EXPECT_EQ(told[kQuick], last) << "nothing is told after the end";
}

}  // namespace
}  // namespace fusegate::upstream
