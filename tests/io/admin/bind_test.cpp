#include "admin/bind.hpp"

#include "support/restricted.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace fusegate::admin {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class BindTest : public testing::Test {
 protected:
  BindTest() {
    char name[] = "/tmp/fusegate-bind-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~BindTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

/// Why it cannot be had; empty when it can.
std::string refusal(const std::string& address) {
  const auto bound = bind_address({address});
  return bound ? "" : bound.error();
}

TEST_F(BindTest, RefusalsSayWhatToDo) {
  const auto first = bind_address({"127.0.0.1:0"});
  ASSERT_TRUE(first);
  EXPECT_THAT(refusal(first->address()), HasSubstr("choose another port or path"));
  EXPECT_THAT(refusal("192.0.2.1:0"), HasSubstr("no interface of this machine"));
  EXPECT_THAT(refusal("[2001:db8::1]:0"), HasSubstr("no interface of this machine"));
  EXPECT_THAT(refusal("unix:" + (folder_ / "no/socket").string()),
              HasSubstr("the directory of the socket does not exist"));
  EXPECT_THAT(refusal("nowhere"), StartsWith("cannot listen on nowhere: expected host:port"));
}

TEST_F(BindTest, AForeignDirectoryNeedsRights) {
  ASSERT_EQ(::chmod(folder_.c_str(), S_IRUSR | S_IXUSR | S_IROTH | S_IXOTH), 0);
  std::string told;
  if (!testing_support::without_rights(
          [&] { told = refusal("unix:" + (folder_ / "socket").string()); })) {
    GTEST_SKIP() << "SKIPPED: rights cannot be given up here";
  }
  EXPECT_THAT(told, EndsWith("foreign directories need privileges"));
}

TEST_F(BindTest, AllAddressesAreThoseOfVersionFourWhereThereIsNoVersionSix) {
  std::string address;
  std::string told;
  if (!testing_support::without_ipv6([&] {
        const auto bound = bind_address({"[::]:0"});
        address = bound ? bound->address() : bound.error();
        told = refusal("[::1]:0");
      })) {
    GTEST_SKIP() << "SKIPPED: no filter of system calls here";
  }
  EXPECT_THAT(address, StartsWith("0.0.0.0:"));
  EXPECT_THAT(address, Not(EndsWith(":0"))) << "the system has chosen a port";
  EXPECT_THAT(told, StartsWith("cannot listen on [::1]:0: "))
      << "one address of version 6 is not replaced by another";
}

}  // namespace
}  // namespace fusegate::admin
