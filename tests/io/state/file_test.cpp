#include "state/file.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace fusegate::state {
namespace {

namespace fs = std::filesystem;

/// The content, "(none)" or "(failed)".
std::string content(const fs::path& path) {
  const auto read = read_file(path);
  return read ? read->value_or("(none)") : "(failed)";
}

class StateFile : public testing::Test {
 protected:
  StateFile() {
    char name[] = "/tmp/fusegate-state-XXXXXX";
    folder_ = ::mkdtemp(name);
    path_ = folder_ / "state.json";
  }
  ~StateFile() override { fs::remove_all(folder_); }

  fs::path folder_;
  fs::path path_;
};

TEST_F(StateFile, IsReplacedWholeAndReadBack) {
  EXPECT_EQ(content(path_), "(none)") << "there is none yet";
  const std::string first(300'000, 'x');
  ASSERT_TRUE(replace_file(path_, first));
  EXPECT_EQ(content(path_), first);
  ASSERT_TRUE(replace_file(path_, "short"));
  EXPECT_EQ(content(path_), "short");
  EXPECT_FALSE(fs::exists(folder_ / "state.json.tmp")) << "nothing is left beside it";
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(StateFile, LeftOverOfACrashIsNoObstacle) {
  std::ofstream{folder_ / "state.json.tmp"} << "half";
  ASSERT_TRUE(replace_file(path_, "whole"));
  EXPECT_EQ(content(path_), "whole");
}

TEST_F(StateFile, FailureKeepsTheOldFileAndSaysWhy) {
  const auto missing = replace_file(folder_ / "no/state.json", "x");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().find("No such file or directory"), std::string::npos);
  fs::create_directory(folder_ / "state.json.tmp");
  EXPECT_FALSE(replace_file(path_, "x"));
  fs::remove(folder_ / "state.json.tmp");
  fs::create_directory(path_);
  EXPECT_FALSE(replace_file(path_, "x")) << "a directory is in its place";
  EXPECT_FALSE(fs::exists(folder_ / "state.json.tmp"));
}

TEST_F(StateFile, ADiskThatIsFullLosesNothing) {
  ASSERT_TRUE(replace_file(path_, "old"));
  // The system says "too large" instead of "no space"; either comes from a write that is not whole.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = replace_file(path_, std::string(300'000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, handler);
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().find("File too large"), std::string::npos) << written.error();
  EXPECT_EQ(content(path_), "old");
  EXPECT_FALSE(fs::exists(folder_ / "state.json.tmp")) << "nothing is left beside it";
}

TEST_F(StateFile, WhatCannotBeReadSaysWhy) {
  fs::create_symlink(path_, path_);
  const auto circle = read_file(path_);
  ASSERT_FALSE(circle);
  EXPECT_NE(circle.error().find("Too many levels of symbolic links"), std::string::npos);
  // A regular file whose first byte is no memory of this process.
  const auto broken = read_file("/proc/self/mem");
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().find("cannot read /proc/self/mem: "), std::string::npos);
}

TEST_F(StateFile, OnlyRegularFilesOfASaneSizeAreRead) {
  EXPECT_EQ(content(folder_), "(failed)") << "a directory";
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(content(path_), "(failed)") << "a pipe, and nobody writes";
  fs::remove(path_);
  std::ofstream{path_} << "x";
  fs::resize_file(path_, kFileMax + 1);
  EXPECT_EQ(content(path_), "(failed)");
}

}  // namespace
}  // namespace fusegate::state
