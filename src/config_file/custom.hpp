#pragma once

#include "config_file/keys.hpp"
#include "config_file/value.hpp"

#include <optional>

/// The keys whose values have a form of their own: how each is read and printed.
namespace fusegate::config_file {

void read_listen(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_listen(Scope& scope);
void read_status_listen(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_status_listen(Scope& scope);
void read_admin_listen(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_admin_listen(Scope& scope);
void read_trust(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_trust(Scope& scope);
void read_listener_routes(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_listener_routes(Scope& scope);
void read_log_always(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_log_always(Scope& scope);
void read_buckets(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_buckets(Scope& scope);
void read_per_try_timeout(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_per_try_timeout(Scope& scope);
void read_idempotent(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_idempotent(Scope& scope);
void read_retry_on(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_retry_on(Scope& scope);
void read_response_headers(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_response_headers(Scope& scope);
void read_hedge_after(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_hedge_after(Scope& scope);
void read_hedge_methods(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_hedge_methods(Scope& scope);
void read_fallback(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_fallback(Scope& scope);
void read_health_check(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_health_check(Scope& scope);
void read_url(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_url(Scope& scope);
void read_endpoints(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_endpoints(Scope& scope);
void read_match(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_match(Scope& scope);
void read_hosts(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_hosts(Scope& scope);
void read_path_prefix(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_path_prefix(Scope& scope);
void read_path_exact(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_path_exact(Scope& scope);
void read_path_regex(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_path_regex(Scope& scope);
void read_methods(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_methods(Scope& scope);
void read_headers(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_headers(Scope& scope);
void read_rewrite_host(Reader& reader, const Cursor& at, Scope& scope);
std::optional<Value> write_rewrite_host(Scope& scope);

/// A list of texts to print.
Value text_list(const std::vector<std::string>& texts);
/// A list of method names; reports lower-case and invalid ones.
std::optional<std::vector<std::string>> read_method_list(Reader& reader, const Cursor& at);
/// The value of a header condition: no control characters.
std::optional<std::string> read_header_value(Reader& reader, const Cursor& at);

}  // namespace fusegate::config_file
