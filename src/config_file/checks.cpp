#include "config_file/address.hpp"
#include "config_file/fill.hpp"
#include "config_file/scalars.hpp"
#include "config_file/sections.hpp"

#include <algorithm>

namespace fusegate::config_file {
namespace {

/// Of two keys the one that was set last, which is the one to correct; nullptr when neither is.
const Cursor* last_set(const Scope& scope, std::string_view a, std::string_view b) {
  const auto first = scope.set.find(a);
  const auto second = scope.set.find(b);
  if (first == scope.set.end() || second == scope.set.end()) {
    const auto& found = first == scope.set.end() ? second : first;
    return found == scope.set.end() ? nullptr : &found->second.cursor;
  }
  return first->second.order > second->second.order ? &first->second.cursor
                                                    : &second->second.cursor;
}

void check_order(Reader& reader, const Scope& scope, std::string_view low, Duration low_value,
                 std::string_view high, Duration high_value) {
  const Cursor* const at = last_set(scope, low, high);
  if (low_value > high_value && at != nullptr) {
    reader.error(*at, fill("{}: {} ({}) is longer than {} ({})", at->path, low,
                           format_duration(low_value), high, format_duration(high_value)));
  }
}

void check_route(Reader& reader, const Scope& scope) {
  const auto& policy = scope.route.policy;
  check_order(reader, scope, "retry.backoff.initial", policy.retry.backoff.initial,
              "retry.backoff.max", policy.retry.backoff.max);
  const Cursor* const at = last_set(scope, "timeout", "per_try_timeout");
  const bool no_room =
      policy.per_try_timeout && policy.retries > 0 && *policy.per_try_timeout >= policy.timeout;
  if (no_room && at != nullptr) {
    reader.error(*at,
                 fill("{}: a try of {} leaves no time for a retry within timeout ({})", at->path,
                      format_duration(*policy.per_try_timeout), format_duration(policy.timeout)),
                 "make per_try_timeout shorter, or auto");
  }
  const auto strip = scope.set.find("rewrite.strip_prefix");
  if (scope.route.rewrite.strip_prefix && strip != scope.set.end() &&
      scope.route.match.path_kind != config::PathMatch::Prefix) {
    reader.error(
        strip->second.cursor,
        fill("{}: only a route with path_prefix has a prefix to strip", strip->second.cursor.path));
  }
}

/// Reports `key` when it stands there while `other`, which it needs, does not.
void check_needs(Reader& reader, const Scope& scope, std::string_view key, const std::string& value,
                 std::string_view other, const std::string& other_value) {
  const auto found = scope.set.find(key);
  if (!value.empty() && other_value.empty() && found != scope.set.end()) {
    reader.error(found->second.cursor,
                 fill("{}: needs {} beside it", found->second.cursor.path, other));
  }
}

void check_listener(Reader& reader, const Scope& scope) {
  const auto& tls = scope.listener.tls;
  check_needs(reader, scope, "tls.certificate", tls.certificate, "tls.key", tls.key);
  check_needs(reader, scope, "tls.key", tls.key, "tls.certificate", tls.certificate);
  check_needs(reader, scope, "tls.client_ca", tls.client_ca, "tls.certificate", tls.certificate);
}

void check_upstream_tls(Reader& reader, const Scope& scope) {
  const auto& tls = scope.upstream.tls;
  check_needs(reader, scope, "tls.certificate", tls.certificate, "tls.key", tls.key);
  check_needs(reader, scope, "tls.key", tls.key, "tls.certificate", tls.certificate);
  const auto name = scope.set.find("tls.server_name");
  if (name != scope.set.end() && !tls.server_name.empty() && !is_host_name(tls.server_name) &&
      !is_ip_address(tls.server_name)) {
    reader.error(name->second.cursor, fill("{}: expected a host or an address without port, got {}",
                                           name->second.cursor.path, quoted(tls.server_name)));
  }
}

void check_upstream(Reader& reader, const Scope& scope) {
  const auto& upstream = scope.upstream;
  check_upstream_tls(reader, scope);
  check_order(reader, scope, "breaker.open.initial", upstream.breaker.open.initial,
              "breaker.open.max", upstream.breaker.open.max);
}

void check_internal_addresses(Reader& reader, const Draft& draft) {
  const auto taken = [&](const std::optional<config::Address>& address, std::string_view key) {
    const auto found = draft.root.set.find(key);
    for (const Scope& scope : draft.listeners) {
      const auto own = scope.set.find("address");
      const auto short_form = draft.root.set.find("listen");
      const bool set = found != draft.root.set.end();
      const Cursor* const at = set                                  ? &found->second.cursor
                               : own != scope.set.end()             ? &own->second.cursor
                               : short_form != draft.root.set.end() ? &short_form->second.cursor
                                                                    : nullptr;
      const bool same =
          address && address->text == scope.listener.address.text && !address->text.ends_with(":0");
      if (same && at != nullptr) {
        reader.error(*at, fill("{}: {} is already taken by {}", at->path, address->text,
                               set ? fill("listener {}", scope.listener.name) : std::string(key)));
      }
    }
  };
  taken(draft.root.global.status, "status.listen");
  taken(draft.root.global.admin, "admin.listen");
}

}  // namespace

void check_relations(Reader& reader, Draft& draft) {
  for (const Scope& scope : draft.upstreams) {
    check_upstream(reader, scope);
  }
  for (const Scope& scope : draft.routes) {
    check_route(reader, scope);
  }
  for (const Scope& scope : draft.listeners) {
    check_listener(reader, scope);
  }
  check_internal_addresses(reader, draft);
}

}  // namespace fusegate::config_file
