#pragma once

#include <fusegate/config/config.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fusegate::route {

/// Routes that may match a request, in two lists without a common element, each in file order.
struct Candidates {
  std::span<const std::uint16_t> named;
  std::span<const std::uint16_t> any;

  std::size_t size() const { return named.size() + any.size(); }

  /// Takes the first of all in file order. There must be one.
  std::uint16_t pop() {
    const bool from_named = any.empty() || (!named.empty() && named.front() < any.front());
    auto& list = from_named ? named : any;
    const std::uint16_t index = list.front();
    list = list.subspan(1);
    return index;
  }
};

/// Narrows the routes of one listener down to those that a request's path or host leaves possible,
/// so that a thousand routes cost a request no more than a few.
class RouteIndex {
 public:
  /// `served`: the listener's routes in file order.
  RouteIndex(const config::Config& config, std::vector<std::uint16_t> served);

  /// Every route that can match a request for `path` (canonical) on `host` (a bare name) is among
  /// them; most others are not. No allocation; linear in the length of the path's first segment and
  /// of the host.
  Candidates candidates(std::string_view path, std::string_view host) const;

 private:
  /// Ignores case: hosts need it, and for paths a few candidates too many do no harm.
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const;
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const;
  };
  struct Group {
    std::unordered_map<std::string, std::vector<std::uint16_t>, Hash, Equal> named;
    std::vector<std::uint16_t> any;  ///< Routes that no name can rule out.

    Candidates find(std::string_view name) const;
  };

  std::vector<std::uint16_t> served_;
  Group by_segment_;  ///< Of the path, the first.
  Group by_host_;
};

}  // namespace fusegate::route
