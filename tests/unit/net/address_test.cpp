#include "net/address.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace fusegate::net {
namespace {

SocketAddress parsed(std::string_view text) {
  const auto address = parse_address(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.value_or(SocketAddress{});
}

config::Network network(const char* text, unsigned prefix) {
  config::Network result;
  result.v6 = std::string_view(text).contains(':');
  result.prefix = static_cast<std::uint8_t>(prefix);
  EXPECT_EQ(inet_pton(result.v6 ? AF_INET6 : AF_INET, text, result.bytes), 1) << text;
  return result;
}

TEST(Address, IsWrittenAsItIsRead) {
  for (const auto* text : {"127.0.0.1:80", "0.0.0.0:0", "[::1]:65535", "[fe80::1]:1", "unix:/a"}) {
    EXPECT_EQ(format_address(parsed(text)), text);
  }
  EXPECT_EQ(format_address(parsed("localhost:80")), "127.0.0.1:80");
}

TEST(Address, RefusesWhatIsNone) {
  for (const auto* text :
       {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:80x", "app:80",
        "[::g]:80", "[127.0.0.1]:80", "::1:80", "unix:"}) {
    EXPECT_FALSE(parse_address(text).has_value()) << text;
  }
  EXPECT_FALSE(parse_address("unix:/" + std::string(107, 's')).has_value());
  EXPECT_TRUE(parse_address("unix:/" + std::string(106, 's')).has_value());
}

TEST(Address, AClientOfVersionFourOnASocketOfVersionSixIsShownAsOne) {
  const SocketAddress peer = parsed("[::ffff:10.1.2.3]:4711");
  EXPECT_EQ(AddressText{peer}.host(), "10.1.2.3");
  EXPECT_EQ(format_address(peer), "10.1.2.3:4711");
}

TEST(Address, TheTextOfAPeerHasItsHostAsAPart) {
  const std::pair<std::string, std::string> longest{
      "[" + std::string("2001:db8:1111:2222:3333:4444:5555:6666") + "]:65535",
      "2001:db8:1111:2222:3333:4444:5555:6666"};
  for (const auto& [text, host] :
       {std::pair<std::string, std::string>{"255.254.253.252:65535", "255.254.253.252"},
        {"1.20.0.9:0", "1.20.0.9"},
        {"[::]:7", "::"},
        {"unix:/run/a", ""},
        longest}) {
    const AddressText peer{parsed(text)};
    EXPECT_EQ(peer.all(), text);
    EXPECT_EQ(peer.host(), host);
  }
  const std::string path = "unix:/" + std::string(106, 's');
  EXPECT_EQ(AddressText{parsed(path)}.all(), path.substr(0, 56));
}

TEST(Address, AClientWithoutANameHasNone) {
  SocketAddress peer;
  peer.storage.ss_family = AF_UNIX;
  peer.length = sizeof(sa_family_t);
  EXPECT_EQ(format_address(peer), "unix:");
}

TEST(Trust, HoldsForThoseOfANetworkOnly) {
  const std::vector networks{network("10.0.0.0", 8), network("192.168.128.0", 17),
                             network("fd00::", 8), network("2001:db8::8", 125)};
  for (const auto* text : {"10.9.9.9:1", "192.168.255.1:1", "[fd00::7]:1", "[2001:db8::f]:1",
                           "[::ffff:10.9.9.9]:1", "unix:/run/a"}) {
    EXPECT_TRUE(is_trusted(parsed(text), networks)) << text;
  }
  for (const auto* text : {"11.0.0.1:1", "192.168.127.1:1", "[fe00::7]:1", "[2001:db8::7]:1",
                           "[2001:db8::10]:1", "[::ffff:11.0.0.1]:1", "[::a09:909]:1"}) {
    EXPECT_FALSE(is_trusted(parsed(text), networks)) << text;
  }
}

TEST(Trust, NoNetworkIsNobody) {
  for (const auto* text : {"127.0.0.1:1", "[::1]:1", "unix:/run/a"}) {
    EXPECT_FALSE(is_trusted(parsed(text), {})) << text;
  }
}

TEST(Trust, AllOfOneVersionAreNoneOfTheOther) {
  EXPECT_TRUE(is_trusted(parsed("9.9.9.9:1"), {network("0.0.0.0", 0)}));
  EXPECT_FALSE(is_trusted(parsed("[::1]:1"), {network("0.0.0.0", 0)}));
  EXPECT_FALSE(is_trusted(parsed("9.9.9.9:1"), {network("::", 0)}));
}

}  // namespace
}  // namespace fusegate::net
