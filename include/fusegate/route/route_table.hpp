#pragma once

#include <fusegate/config/config.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace fusegate::route {

/// Looks a request header up by lower-case name; all values of a repeated header are offered.
/// A plain function pointer keeps the core free of the codec's types.
struct HeaderSource {
  const void* head = nullptr;
  /// True when some value of header `name` equals `value`.
  bool (*has)(const void* head, std::string_view name, std::string_view value) = nullptr;
};

struct RequestView {
  std::string_view method;
  std::string_view host;  ///< Authority as it came, port and case included.
  std::string_view
      path;  ///< Canonical path (see canonical_path), without query. "*" for OPTIONS *.
  std::string_view bare_path;  ///< See without_parameters(); empty = `path` has none.
  HeaderSource headers;
};

/// The routes of a configuration, compiled. The first match wins, in file order.
class RouteTable {
 public:
  explicit RouteTable(config::ConfigPtr config);
  ~RouteTable();
  RouteTable(const RouteTable&) = delete;
  RouteTable& operator=(const RouteTable&) = delete;

  /// Index into Config::routes, or nullopt. Only routes that `listener` serves are considered.
  /// No allocation.
  std::optional<std::uint16_t> match(const RequestView& request, std::uint16_t listener) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace fusegate::route
