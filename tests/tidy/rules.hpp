#pragma once

#include <cstddef>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

/// The tables behind the tidy tests. ARCHITECTURE.md explains them; to change one is a decision,
/// and belongs into a record under docs/adr.
namespace fusegate::tidy {

using Names = std::set<std::string, std::less<>>;

inline const Names kPure = {"base", "policy", "balance", "config", "route", "exchange", "advice"};

/// Which folders a folder may include, itself aside. Arrows only point to the core.
inline const std::map<std::string, Names, std::less<>> kMayInclude = {
    {"base", {}},
    {"policy", {"base"}},
    {"balance", {"base", "policy"}},
    {"config", {"base", "policy"}},
    {"route", {"base", "config", "policy"}},
    {"exchange", {"base", "policy", "balance", "config"}},
    {"advice", {"base", "policy", "config", "route"}},
    {"sim", {"base", "policy", "config", "exchange"}},
    {"config_file", {"base", "policy", "config", "route", "advice"}},
    {"http", {"base", "policy"}},
    {"telemetry", {"base", "policy", "balance", "config", "route", "exchange"}},
    {"state", {"base", "policy", "config", "exchange", "telemetry"}},
    {"net", {"base", "policy", "config"}},
    {"upstream",
     {"base", "policy", "balance", "config", "route", "exchange", "http", "net", "telemetry"}},
    {"proxy",
     {"base", "policy", "balance", "config", "route", "exchange", "http", "net", "upstream",
      "telemetry"}},
    {"admin",
     {"base", "policy", "balance", "config", "route", "exchange", "http", "net", "telemetry"}},
    {"app",
     {"base", "policy", "balance", "config", "route", "exchange", "advice", "config_file", "http",
      "net", "upstream", "proxy", "telemetry", "admin", "state"}},
    {"cli", {"base", "policy", "config", "route", "advice", "config_file", "app", "sim"}},
    {"bin", {"cli"}},
    {"third_party", {}},
};

/// A library and the folders that are its home. The first pattern that matches an include decides.
struct Confinement {
  std::string prefix;
  Names homes;
};
inline const std::vector<Confinement> kConfined = {
    {"yaml-cpp/", {"config_file"}},
    {"spdlog/", {"telemetry"}},
    {"prometheus/", {"telemetry"}},
    {"boost/beast/", {"http", "admin", "third_party"}},
    {"boost/asio/buffer.hpp", {"http", "net", "upstream", "proxy", "admin", "app", "third_party"}},
    {"boost/asio", {"net", "upstream", "proxy", "admin", "app", "third_party"}},
    {"CLI/", {"cli", "third_party"}},
    {"re2/", {"route", "config_file"}},
    {"openssl/", {"net", "config_file"}},
};

/// Headers that bring the world into code that must only decide.
inline const std::regex kWorldlyHeader(
    R"(^(thread|mutex|shared_mutex|condition_variable|future|semaphore|stop_token|fstream|iostream|)"
    R"(filesystem|random|ctime|time\.h|unistd\.h|poll\.h|fcntl\.h|sys/.*|netinet/.*|arpa/.*|)"
    R"(boost/asio.*|boost/beast/.*|spdlog/.*|prometheus/.*|yaml-cpp/.*)$)");

/// A pattern that must not appear in code, where it may, and what to write instead.
struct Banned {
  std::string name;
  std::regex pattern;
  std::regex allowed_in;
  std::string instead;
};
inline const std::vector<Banned> kBanned = {
    {"clock::now(", std::regex(R"([Cc]lock\w*::now\s*\()"),
     // The log has its own: its lines are stamped as they are written, and its thread has no caller
     // who could pass a time.
     std::regex(R"(^src/net/clock.*|^src/telemetry/clock\.hpp|^tests/(io|bench|fuzz|support)/.*)"),
     "take `now` as the last argument; only src/net/clock and the log read a clock"},
    {"detached", std::regex(R"(\bdetached\b)"), std::regex("^$"),
     "give the coroutine an owner that sees its end and its exception"},
    {"std::this_thread", std::regex(R"(std::this_thread)"),
     std::regex(R"(^tests/(io|bench|support)/.*)"),
     "wait on a timer of the worker; a blocked loop blocks every connection"},
    {"std:: distribution", std::regex(R"(std::\w+_distribution\b)"), std::regex("^$"),
     "use fusegate::Rng; the standard distributions differ between libraries"},
    {"temporary beside co_await", std::regex(R"(\bco_await\b[^;]*(\{\s*\.|\[[&=]))"),
     std::regex("^$"),
     "name the aggregate or lambda first; gcc 12.2 destroys such a temporary twice"},
    {"using namespace std", std::regex(R"(using namespace std\s*;)"), std::regex("^$"),
     "name what you use"},
};

/// Files that were longer than the limit when the rule came, with the length they must not pass.
/// The list may only get shorter.
inline const std::map<std::string, std::size_t, std::less<>> kTooLong = {};
inline constexpr std::size_t kMaxLines = 300;

}  // namespace fusegate::tidy
