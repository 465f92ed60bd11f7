#include "admin/json.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <limits>

namespace fusegate::admin {
namespace {

TEST(Pretty, ReadsLikeSomethingAPersonWrote) {
  const auto value = boost::json::parse(
      R"({"a":0.5,"b":[1,"x"],"c":{},"d":[{"e":null}],"f":[],"g":250.0,"h":"q\"\n"})");
  EXPECT_EQ(pretty(value), R"({
  "a": 0.5,
  "b": [1, "x"],
  "c": {},
  "d": [
    {
      "e": null
    }
  ],
  "f": [],
  "g": 250,
  "h": "q\"\n"
}
)");
}

TEST(Pretty, WritesNullForWhatJsonCannotSay) {
  EXPECT_EQ(pretty(std::numeric_limits<double>::infinity()), "null\n");
}

}  // namespace
}  // namespace fusegate::admin
