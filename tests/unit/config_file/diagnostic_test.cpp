#include "config_file/diagnostic.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fusegate::config_file {
namespace {

TEST(Diagnostic, ALongLineThatIsNoTextIsShownAllTheSame) {
  const std::string line = std::string(300, '\x88') + "l|isen:";
  const SourceText source("f.yaml", line);
  for (int column = 0; column <= static_cast<int>(line.size()); ++column) {
    const Diagnostic shown = source.at(Severity::Error, 0, column, 3);
    EXPECT_LE(shown.excerpt.size(), 160U) << column;
  }
}

}  // namespace
}  // namespace fusegate::config_file
