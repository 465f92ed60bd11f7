#pragma once

#include <fusegate/config/config.hpp>

#include "config_file/scalars.hpp"

#include <string>
#include <string_view>

/// Addresses, urls and networks as they are written in the configuration. Errors are sentences
/// without a place. Nothing here resolves a name.
namespace fusegate::config_file {

/// `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080` (127.0.0.1) or `unix:/path`; port 0 lets the
/// system choose.
Parsed<config::Address> parse_listen_address(std::string_view text);
/// 127.0.0.0/8, ::1 or a unix socket.
bool is_local(const config::Address& address);

/// `http://host[:port]`, `https://host[:port]` or `unix:/path`, without path, query or user. The
/// host becomes lower case.
Parsed<config::Endpoint> parse_url(std::string_view text);
/// A url, or `host:port`.
Parsed<config::Endpoint> parse_endpoint(std::string_view text);
std::string format_endpoint(const config::Endpoint& endpoint);

/// `10.0.0.0/8`, `::1/128`, or one address; no bits may be set after the prefix.
Parsed<config::Network> parse_network(std::string_view text);
std::string format_network(const config::Network& network);

/// An IPv4 or IPv6 address without brackets.
bool is_ip_address(const std::string& text);
/// A host name: labels of letters, digits, `-` and `_`, at most 253 bytes.
bool is_host_name(std::string_view text);
std::string lower_case(std::string_view text);
/// The characters of a method or a field name (RFC 9110 section 5.6.2), at least one.
bool is_token(std::string_view text);

}  // namespace fusegate::config_file
