#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fusegate::cli {

inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kWarnings = 3;

/// What the command line says, with the environment already behind it (flag > environment > file).
struct Options {
  static constexpr const char* kDefaultFile = "/etc/fusegate/fusegate.yaml";
  std::string file = kDefaultFile;
  bool no_color = false;
  std::string log_level;
  std::string admin_listen;
  std::string status_listen;
  std::string listen;    ///< run: without a file.
  std::string upstream;  ///< run: without a file.
  bool strict = false;
  std::string route;                 ///< explain: empty = all; simulate: empty = the first.
  std::vector<std::string> rates;    ///< check, explain: "5/s" or "orders=5/s".
  unsigned layers = 1;               ///< check, explain.
  std::string grace;                 ///< check: a duration.
  std::vector<std::string> allowed;  ///< check: codes of warnings that are not shown.
  bool defaults = false;
  std::string format;
  std::string scenario;  ///< simulate, and all below it: empty = all.
  bool list = false;
  bool compare = false;
  std::uint64_t seed = 1;
  double load = 350;  ///< Requests a second.
  unsigned endpoints = 3;
  unsigned slots = 4;
  double service_ms = 20;
  double patience_ms = 1000;
  std::string shell;  ///< completion: bash, zsh or fish.
};

}  // namespace fusegate::cli
