#include "config_file/address.hpp"

#include "config_file/diagnostic.hpp"
#include "config_file/fill.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace fusegate::config_file {
namespace {

constexpr std::size_t kUnixPathMax = 107;  // sun_path of Linux, less the final zero byte.
constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

bool is_ip(int family, const std::string& text) {
  std::uint8_t bytes[16];
  return inet_pton(family, text.c_str(), bytes) == 1;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  const bool canonical = whole && (text.size() == 1 || text[0] != '0');
  return canonical && value <= 65535 ? std::optional(static_cast<std::uint16_t>(value))
                                     : std::nullopt;
}

struct HostPort {
  std::string host;  ///< Lower case, without brackets.
  bool v6 = false;
  std::optional<std::uint16_t> port;
};

/// Splits `host`, `host:port`, `[v6]` and `[v6]:port`.
Parsed<HostPort> parse_host_port(std::string_view text) {
  HostPort result;
  auto rest = text;
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    result.host = lower_case(rest.substr(1, end == std::string_view::npos ? end : end - 1));
    result.v6 = true;
    if (end == std::string_view::npos || !is_ip(AF_INET6, result.host)) {
      return std::unexpected(fill("{} is not an IPv6 address in brackets", quoted(text)));
    }
    rest.remove_prefix(end + 1);
  } else {
    const auto colon = rest.find(':');
    result.host = lower_case(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon, rest.size()));
    if (rest.find(':', 1) != std::string_view::npos) {
      return std::unexpected(
          fill("{}: an IPv6 address needs brackets, as in [::1]:8080", quoted(text)));
    }
    if (!is_host_name(result.host)) {
      return std::unexpected(fill("{} has no valid host", quoted(text)));
    }
  }
  if (rest.empty()) {
    return result;
  }
  result.port = rest.starts_with(':') ? parse_port(rest.substr(1)) : std::nullopt;
  if (!result.port) {
    return std::unexpected(
        fill("{} has no valid port; a port is a number from 0 to 65535", quoted(text)));
  }
  return result;
}

Parsed<std::string> parse_unix_path(std::string_view text) {
  const auto path = text.substr(5);
  const bool bad = !path.starts_with('/') || path.size() < 2 || path.size() > kUnixPathMax ||
                   std::ranges::any_of(path, [](unsigned char c) { return c < 0x21; });
  if (bad) {
    return std::unexpected(
        fill("{}: a unix socket is unix: and an absolute path of at most {} bytes, such as "
             "unix:/run/app.sock",
             quoted(text), kUnixPathMax));
  }
  return std::string(path);
}

config::Endpoint tcp_endpoint(const HostPort& parts, bool https) {
  const std::uint16_t usual = https ? kHttpsPort : kHttpPort;
  config::Endpoint result;
  result.host = parts.host;
  result.port = parts.port.value_or(usual);
  result.https = https;
  result.authority = parts.v6 ? "[" + parts.host + "]" : parts.host;
  if (result.port != usual) {
    result.authority += ":" + std::to_string(result.port);
  }
  return result;
}

Parsed<config::Endpoint> unix_endpoint(std::string_view text) {
  const auto path = parse_unix_path(text);
  if (!path) {
    return std::unexpected(path.error());
  }
  config::Endpoint result;
  result.path = *path;
  result.authority = "localhost";
  return result;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return result;
}

bool is_ip_address(const std::string& text) {
  return is_ip(AF_INET, text) || is_ip(AF_INET6, text);
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_host_name(std::string_view text) {
  const auto valid = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= 253 && text[0] != '.' && text[0] != '-' &&
         text.find("..") == std::string_view::npos && std::ranges::all_of(text, valid);
}

Parsed<config::Address> parse_listen_address(std::string_view text) {
  if (text.starts_with("unix:")) {
    const auto path = parse_unix_path(text);
    if (!path) {
      return std::unexpected(path.error());
    }
    return config::Address{"unix:" + *path};
  }
  if (text.starts_with(':') || (!text.empty() && parse_port(text))) {
    const auto port = text.substr(text.starts_with(':') ? 1 : 0);
    return std::unexpected(
        fill("{} has no host; write 127.0.0.1:{} for this machine or 0.0.0.0:{} for every address",
             quoted(text), port, port));
  }
  auto parts = parse_host_port(text);
  if (!parts) {
    return std::unexpected(parts.error());
  }
  if (!parts->port) {
    return std::unexpected(fill("{} has no port; write it as in 127.0.0.1:8080", quoted(text)));
  }
  if (parts->host == "localhost") {
    parts->host = "127.0.0.1";
  }
  if (!parts->v6 && !is_ip(AF_INET, parts->host)) {
    return std::unexpected(
        fill("{} is a name; a listener needs an IP address, such as 127.0.0.1:8080", quoted(text)));
  }
  const auto host = parts->v6 ? "[" + parts->host + "]" : parts->host;
  return config::Address{fill("{}:{}", host, *parts->port)};
}

bool is_local(const config::Address& address) {
  return address.text.starts_with("unix:") || address.text.starts_with("127.") ||
         address.text.starts_with("[::1]:");
}

Parsed<config::Endpoint> parse_url(std::string_view text) {
  if (text.starts_with("unix:")) {
    return unix_endpoint(text);
  }
  const auto scheme = lower_case(text.substr(0, text.find("://")));
  const bool https = scheme == "https";
  if ((scheme != "http" && !https) || text.find("://") == std::string_view::npos) {
    return std::unexpected(fill(
        "expected a url such as http://orders:8080, https://orders or unix:/run/app.sock, got {}",
        quoted(text)));
  }
  auto rest = text.substr(https ? 8 : 7);
  if (rest.find('@') != std::string_view::npos) {
    return std::unexpected("a url of an upstream has no user or password");
  }
  if (rest.ends_with('/') && rest.find_first_of("/?#") == rest.size() - 1) {
    rest.remove_suffix(1);
  }
  if (rest.find_first_of("/?#") != std::string_view::npos) {
    return std::unexpected(fill(
        "{} has a path or query; a url of an upstream ends after host and port", quoted(text)));
  }
  const auto parts = parse_host_port(rest);
  if (!parts) {
    return std::unexpected(parts.error());
  }
  if (parts->port == 0) {
    return std::unexpected(fill("{} has port 0; a port is 1 to 65535", quoted(text)));
  }
  return tcp_endpoint(*parts, https);
}

Parsed<config::Endpoint> parse_endpoint(std::string_view text) {
  if (text.starts_with("unix:") || text.find("://") != std::string_view::npos) {
    return parse_url(text);
  }
  const auto parts = parse_host_port(text);
  if (!parts) {
    return std::unexpected(parts.error());
  }
  if (parts->port.value_or(0) == 0) {
    return std::unexpected(
        fill("{} has no port; write host:port, as in 10.0.0.7:8080", quoted(text)));
  }
  return tcp_endpoint(*parts, false);
}

std::string format_endpoint(const config::Endpoint& endpoint) {
  const auto* const scheme = endpoint.https ? "https://" : "http://";
  return endpoint.path.empty() ? scheme + endpoint.authority : "unix:" + endpoint.path;
}

Parsed<config::Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const std::string host(text.substr(0, slash));
  config::Network result;
  result.v6 = host.find(':') != std::string::npos;
  const unsigned bits = result.v6 ? 128 : 32;
  const auto prefix = slash == std::string_view::npos ? std::optional<std::uint16_t>(bits)
                                                      : parse_port(text.substr(slash + 1));
  const bool parsed = inet_pton(result.v6 ? AF_INET6 : AF_INET, host.c_str(), result.bytes) == 1;
  if (!parsed || !prefix || *prefix > bits) {
    return std::unexpected(
        fill("expected a network such as 10.0.0.0/8 or ::1/128, got {}", quoted(text)));
  }
  result.prefix = static_cast<std::uint8_t>(*prefix);
  const config::Network given = result;
  for (unsigned bit = result.prefix; bit < bits; ++bit) {
    result.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  }
  if (result != given) {
    return std::unexpected(
        fill("{} has bits after its prefix; write {}", quoted(text), format_network(result)));
  }
  return result;
}

std::string format_network(const config::Network& network) {
  char buffer[INET6_ADDRSTRLEN] = {};
  inet_ntop(network.v6 ? AF_INET6 : AF_INET, network.bytes, buffer, sizeof buffer);
  return fill("{}/{}", buffer, network.prefix);
}

}  // namespace fusegate::config_file
