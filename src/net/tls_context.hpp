#pragma once

#include <fusegate/config/config.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;  // SSL_CTX of OpenSSL.

namespace fusegate::net {

/// What is wrong with the files that the TLS settings name.
struct TlsProblem {
  std::string_view key;  ///< "certificate", "key", "client_ca" or "ca_file".
  std::string message;   ///< Names the file.
  bool warning = false;  ///< It can be used all the same.
};

/// Certificates, key, authorities and rules of one listener or upstream, read from their files once
/// and never changed. Connections made with it keep what they need of it alive.
class TlsContext {
 public:
  /// `context` is null when a problem is more than a warning.
  struct Loaded {
    std::shared_ptr<const TlsContext> context;
    std::vector<TlsProblem> problems;
  };
  static Loaded for_listener(const config::ListenerTls& settings);
  static Loaded for_upstream(const config::Tls& settings);

  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}

  ssl_ctx_st* get() const { return context_.get(); }
  /// Must the server prove its name?
  bool verifies_server() const { return verifies_server_; }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
  bool verifies_server_ = false;
};

using TlsContextPtr = std::shared_ptr<const TlsContext>;

}  // namespace fusegate::net
