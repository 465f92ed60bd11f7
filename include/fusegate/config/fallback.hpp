#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fusegate::config {

/// What a request gets when its upstream has failed it.
struct Fallback {
  enum class Kind : std::uint8_t { Off, Reply, Upstream };
  Kind kind = Kind::Off;
  std::uint32_t status = 200;                                ///< Reply.
  std::vector<std::pair<std::string, std::string>> headers;  ///< Reply; names in lower case.
  std::string body;                                          ///< Reply.
  std::string upstream_name;                                 ///< Upstream.
  std::uint16_t upstream = 0;  ///< Upstream: index into Config::upstreams.
  bool operator==(const Fallback&) const = default;
};

}  // namespace fusegate::config
