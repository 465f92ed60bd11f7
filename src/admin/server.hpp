#pragma once

#include <fusegate/config/config.hpp>

#include "admin/sources.hpp"

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fusegate::admin {

/// The status and the admin listener on one thread of their own, so that a scrape never delays a
/// request. At most `kConnectionsMax` connections at once, `kRequestTimeout` for a request and its
/// answer, `kHeadMax` bytes of head, no bodies beyond `kBodyMax`.
class Server {
 public:
  static constexpr std::size_t kConnectionsMax = 64;
  static constexpr std::size_t kHeadMax = 8 * 1024;
  static constexpr std::size_t kBodyMax = 4 * 1024;
  static constexpr std::chrono::seconds kRequestTimeout{5};

  /// Binds and starts serving. An empty address turns that listener off. On failure the error says
  /// which address could not be bound, why, and what to change; nothing is left open then.
  static std::expected<std::unique_ptr<Server>, std::string> start(
      const std::optional<config::Address>& status, const std::optional<config::Address>& admin,
      Sources sources);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();  ///< stop()

  /// Closes the listeners and every connection and ends the thread. Idempotent.
  void stop();

  /// Bound addresses in the notation of the configuration, with the port that was assigned;
  /// "" when the listener is off.
  std::string status_address() const;
  std::string admin_address() const;
  /// Both, without the empty ones.
  std::vector<std::string> addresses() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusegate::admin
