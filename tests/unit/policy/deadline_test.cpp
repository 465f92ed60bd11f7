#include <fusegate/policy/deadline.hpp>

#include <gtest/gtest.h>

namespace fusegate::policy {
namespace {

using namespace std::chrono_literals;

constexpr Instant at(Duration since_start) { return Instant{} + since_start; }

TEST(FairTryDeadline, SharesWhatIsLeft) {
  EXPECT_EQ(fair_try_deadline(at(16s), 3, 0ms, at(1s)), at(6s));
  EXPECT_EQ(fair_try_deadline(at(16s), 2, 0ms, at(6s)), at(11s));
}

TEST(FairTryDeadline, TheLastTryGetsAllTheRest) {
  EXPECT_EQ(fair_try_deadline(at(15s), 1, 250ms, at(2s)), at(15s));
  EXPECT_EQ(fair_try_deadline(at(15s), 0, 250ms, at(2s)), at(15s));
}

TEST(FairTryDeadline, TakesTheExpectedWaitsOffFirst) {
  EXPECT_EQ(fair_try_deadline(at(1s), 3, 50ms, at(0s)), at(300ms));
}

TEST(FairTryDeadline, IsNeverShorterThanAUsefulTry) {
  EXPECT_EQ(fair_try_deadline(at(1s), 3, 10s, at(0s)), at(kMinTry));
  EXPECT_EQ(fair_try_deadline(at(25ms), 5, 0ms, at(0s)), at(kMinTry));
}

TEST(FairTryDeadline, IsNeverAfterTheDeadline) {
  EXPECT_EQ(fair_try_deadline(at(4ms), 5, 10s, at(0s)), at(4ms));
  EXPECT_EQ(fair_try_deadline(at(4ms), 5, 10s, at(1s)), at(4ms));
}

TEST(FairTryDeadline, SurvivesAbsurdNumbers) {
  EXPECT_EQ(fair_try_deadline(at(15s), UINT32_MAX, Duration::max(), at(0s)), at(kMinTry));
  EXPECT_LT(fair_try_deadline(kNever, 3, 25ms, at(0s)), kNever);
}

TEST(FairTryDeadline, AllTriesTogetherEndAtTheDeadline) {
  Instant now = at(0s);
  for (unsigned left = 4; left > 0; --left) {
    now = fair_try_deadline(at(10s), left, 100ms, now);
    now += left > 1 ? 100ms : 0ms;
  }
  EXPECT_EQ(now, at(10s));
}

TEST(GrpcTimeout, ReadsEveryUnit) {
  EXPECT_EQ(parse_grpc_timeout("2H"), 2h);
  EXPECT_EQ(parse_grpc_timeout("3M"), 3min);
  EXPECT_EQ(parse_grpc_timeout("4S"), 4s);
  EXPECT_EQ(parse_grpc_timeout("250m"), 250ms);
  EXPECT_EQ(parse_grpc_timeout("1500u"), 1500us);
  EXPECT_EQ(parse_grpc_timeout("99999999n"), 99'999'999ns);
  EXPECT_EQ(parse_grpc_timeout("0S"), 0s);
}

TEST(GrpcTimeout, IsADayAtMost) {
  EXPECT_EQ(parse_grpc_timeout("99999999H"), 24h);
  EXPECT_EQ(parse_grpc_timeout("1441M"), 24h);
}

TEST(GrpcTimeout, AnythingElseSaysNothing) {
  for (const char* text : {"", "S", "5", "5s", "-1S", "+1S", "1.5S", " 1S", "1S ", "123456789m"}) {
    EXPECT_EQ(parse_grpc_timeout(text), std::nullopt) << '"' << text << '"';
  }
}

}  // namespace
}  // namespace fusegate::policy
