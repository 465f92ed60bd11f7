#pragma once

#include <fusegate/base/ratio.hpp>
#include <fusegate/base/time.hpp>
#include <fusegate/config/fallback.hpp>
#include <fusegate/policy/breaker.hpp>
#include <fusegate/policy/budget.hpp>
#include <fusegate/policy/concurrency.hpp>
#include <fusegate/policy/fault.hpp>
#include <fusegate/policy/health.hpp>
#include <fusegate/policy/retry.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// The configuration as values: parsed once, never written again, shared by pointer. A default in a
/// member is the default of the contract; inheritance (defaults < upstream < route) is already
/// resolved here. Nothing in this folder reads files.
namespace fusegate::config {

using Bytes = std::uint64_t;

/// `host:port`, `[v6]:port` or `unix:/path`; checked when it was parsed.
struct Address {
  std::string text;
  bool operator==(const Address&) const = default;
};

/// A second attempt beside one that is slow.
struct Hedge {
  bool enabled = false;
  std::optional<Duration> after;  ///< Empty = the live quantile below.
  std::uint32_t quantile = 95;    ///< In percent, 1 to 99.
  std::vector<std::string> methods{"GET", "HEAD"};
  Ratio max_percent = Ratio::percent(5);
  bool operator==(const Hedge&) const = default;
};

/// The settings a client request is handled by. [request]
struct RequestPolicy {
  Duration timeout = std::chrono::seconds{15};
  std::optional<Duration> per_try_timeout;  ///< Empty = auto: a fair share of what is left.
  std::uint32_t retries = 2;
  policy::Idempotency idempotent = policy::Idempotency::Auto;
  policy::RetrySettings retry;
  Hedge hedge;
  Fallback fallback;
  policy::FaultSettings fault;
  bool operator==(const RequestPolicy&) const = default;
};
inline constexpr std::uint32_t kRetriesMax = 10;

enum class Balance : std::uint8_t { PowerOfTwo, LeastRequests, RoundRobin };

struct Connections {
  std::uint32_t max_per_endpoint = 128;
  std::uint32_t max_idle = 64;
  Duration idle_timeout = std::chrono::seconds{30};
  bool operator==(const Connections&) const = default;
};

enum class IpFamily : std::uint8_t { Any, V4, V6 };

struct Dns {
  Duration refresh = std::chrono::seconds{5};
  IpFamily family = IpFamily::Any;
  bool keep_last_good = true;
  bool operator==(const Dns&) const = default;
};

struct Ejection {
  bool enabled = true;
  Ratio max_percent = Ratio::percent(50);
  bool operator==(const Ejection&) const = default;
};

/// TLS towards an upstream whose endpoints are https. Files are named, not read, here.
struct Tls {
  std::string ca_file;      ///< Authorities that are believed; empty = the system's.
  std::string certificate;  ///< Shown to a server that asks for one; empty = none.
  std::string key;
  std::string server_name;  ///< What the server must prove to be; empty = the host of the endpoint.
  bool verify = true;
  bool operator==(const Tls&) const = default;
};

/// One server of an upstream, or the name whose addresses are its servers.
struct Endpoint {
  std::string host;  ///< Name or address without brackets; empty for unix sockets.
  std::uint16_t port = 0;
  std::string path;       ///< Of a unix socket; empty for TCP.
  std::string authority;  ///< What `host: upstream` sends, e.g. "orders.shop:8080".
  bool https = false;
  bool operator==(const Endpoint&) const = default;
};

/// The settings of an upstream. [upstream]
struct UpstreamConfig {
  std::string name;
  bool by_url = true;  ///< True: every address of the one endpoint's name is an endpoint.
  std::vector<Endpoint> endpoints;  ///< One entry when `by_url`.
  Duration connect_timeout = std::chrono::seconds{1};
  Balance balance = Balance::PowerOfTwo;
  Connections connections;
  Dns dns;
  Tls tls;
  policy::BudgetSettings retry_budget;
  policy::BreakerSettings breaker;
  Ejection ejection;
  policy::ConcurrencySettings concurrency;
  std::optional<policy::HealthSettings> health_check;  ///< Empty = off.
  /// All endpoints are https, or none is.
  bool uses_tls() const { return !endpoints.empty() && endpoints.front().https; }
  bool operator==(const UpstreamConfig&) const = default;
};

struct HeaderMatch {
  std::string name;  ///< Lower case.
  std::string value;
  bool operator==(const HeaderMatch&) const = default;
};

enum class PathMatch : std::uint8_t { Prefix, Exact, Regex };

/// All given conditions must hold.
struct RouteMatch {
  std::vector<std::string> hosts;  ///< Lower case, without port; a leading "*." matches subdomains.
  PathMatch path_kind = PathMatch::Prefix;
  std::string path = "/";
  std::vector<std::string> methods;
  std::vector<HeaderMatch> headers;
  bool operator==(const RouteMatch&) const = default;
};

enum class HostRewrite : std::uint8_t { Keep, Upstream, Name };

struct Rewrite {
  bool strip_prefix = false;
  HostRewrite host = HostRewrite::Keep;
  std::string host_name;  ///< With HostRewrite::Name.
  bool operator==(const Rewrite&) const = default;
};

struct RouteConfig {
  std::string name;
  RouteMatch match;
  std::uint16_t upstream = 0;  ///< Index into Config::upstreams.
  Rewrite rewrite;
  RequestPolicy policy;
  bool operator==(const RouteConfig&) const = default;
};

/// An address range in CIDR form, host bits zero.
struct Network {
  bool v6 = false;
  std::uint8_t bytes[16] = {};
  std::uint8_t prefix = 0;
  bool operator==(const Network&) const = default;
};

/// TLS of a listener; all empty = plain text. Files are named, not read, here.
struct ListenerTls {
  std::string certificate;
  std::string key;
  std::string client_ca;  ///< Authorities of client certificates; empty = clients need none.
  bool operator==(const ListenerTls&) const = default;
};

struct ListenerConfig {
  std::string name = "default";
  Address address{"127.0.0.1:8080"};
  std::vector<Network>
      trust;  ///< Default: 127.0.0.0/8 and ::1/128. Unix peers are trusted when it is not empty.
  std::vector<std::uint16_t> routes;  ///< Indices into Config::routes; empty = all.
  ListenerTls tls;
  bool uses_tls() const { return !tls.certificate.empty(); }
  bool operator==(const ListenerConfig&) const = default;
};

struct Runtime {
  std::uint32_t workers = 1;
  std::uint32_t max_connections = 4096;
  bool operator==(const Runtime&) const = default;
};

struct Shutdown {
  Duration delay{};
  Duration drain_timeout = std::chrono::seconds{25};
  bool operator==(const Shutdown&) const = default;
};

struct Limits {
  Bytes request_head = 64 * 1024;
  std::uint32_t header_count = 128;
  Bytes request_body = 0;  ///< 0 = no limit.
  Bytes response_head = 64 * 1024;
  Duration head_timeout = std::chrono::seconds{10};
  Duration keepalive_timeout = std::chrono::seconds{60};
  Duration body_timeout = std::chrono::seconds{30};
  Bytes replay_memory = 64 * 1024 * 1024;
  bool operator==(const Limits&) const = default;
};

enum class LogLevel : std::uint8_t { Trace, Debug, Info, Warn, Error };
enum class LogFormat : std::uint8_t { Auto, Text, Json };

struct AccessLog {
  bool enabled = true;
  Ratio sample = Ratio::percent(100);
  bool always_5xx = true;
  bool always_retried = true;
  bool always_rejected = true;
  bool always_slow = true;
  Duration slow = std::chrono::seconds{1};
  bool operator==(const AccessLog&) const = default;
};

struct Log {
  LogLevel level = LogLevel::Info;
  LogFormat format = LogFormat::Auto;
  AccessLog access;
  bool operator==(const Log&) const = default;
};

struct Metrics {
  std::vector<Duration> buckets{std::chrono::milliseconds{1},    std::chrono::microseconds{2500},
                                std::chrono::milliseconds{5},    std::chrono::milliseconds{10},
                                std::chrono::milliseconds{25},   std::chrono::milliseconds{50},
                                std::chrono::milliseconds{100},  std::chrono::milliseconds{250},
                                std::chrono::milliseconds{500},  std::chrono::seconds{1},
                                std::chrono::milliseconds{2500}, std::chrono::seconds{5},
                                std::chrono::seconds{10},        std::chrono::seconds{30}};
  bool per_endpoint = false;
  std::uint32_t max_series = 5000;
  bool operator==(const Metrics&) const = default;
};

struct Tracing {
  std::string otlp_endpoint;  ///< Empty = no spans; anything else is refused until it is built.
  Ratio sample = Ratio::percent(1);
  bool operator==(const Tracing&) const = default;
};

struct Config {
  std::vector<ListenerConfig> listeners;
  std::optional<Address> status;  ///< Empty = off. Default "[::]:9902".
  std::optional<Address> admin;   ///< Empty = off. Default "127.0.0.1:9901".
  Runtime runtime;
  Shutdown shutdown;
  Limits limits;
  std::vector<UpstreamConfig> upstreams;
  std::vector<RouteConfig> routes;
  Log log;
  Metrics metrics;
  Tracing tracing;
  std::string state_file;    ///< Empty = none.
  bool reload_watch = true;  ///< Takes effect with hot reload.
  std::vector<std::string>
      redacted;      ///< Keys never printed: their values came from secret variables.
  std::string hash;  ///< Hex SHA-256 of the resolved configuration.
  bool operator==(const Config&) const = default;
};

using ConfigPtr = std::shared_ptr<const Config>;

}  // namespace fusegate::config
