#include <fusegate/route/expression.hpp>

#include "config_file/address.hpp"
#include "config_file/custom.hpp"
#include "config_file/fill.hpp"
#include "config_file/reader.hpp"
#include "config_file/scalars.hpp"

#include <algorithm>
#include <array>

namespace fusegate::config_file {
namespace {

constexpr std::size_t kHostsMax = 1000;
constexpr std::size_t kReasonMax = 200;  // RE2 may repeat the whole expression.

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

/// What is wrong with a path to match, or an empty view.
std::string_view path_problem(std::string_view path) {
  if (!path.starts_with('/')) {
    return "a path begins with /";
  }
  if (path.find_first_of("?# ") != std::string_view::npos || has_control_character(path)) {
    return "a path has no query, fragment or blanks";
  }
  const auto segments = std::string(path) + "/";
  if (segments.find("/./") != std::string::npos || segments.find("/../") != std::string::npos) {
    return "matching sees . and .. resolved, so this could never match";
  }
  return {};
}

void set_path(Reader& reader, const Cursor& at, Scope& scope, config::PathMatch kind) {
  auto text = reader.text(at);
  if (!text) {
    return;
  }
  if (const auto problem = path_problem(*text);
      !problem.empty() && kind != config::PathMatch::Regex) {
    reader.error(at, fill("{}: {}, got {}", at.path, problem, quoted(*text)));
    return;
  }
  const bool second = std::ranges::any_of(
      std::array<std::string_view, 3>{"match.path", "match.path_prefix", "match.path_regex"},
      [&](std::string_view other) { return scope.set.contains(other); });
  if (second) {
    reader.error(at, fill("{}: a match has one of path, path_prefix and path_regex", at.path));
    return;
  }
  scope.route.match.path_kind = kind;
  scope.route.match.path = std::move(*text);
}

std::optional<Value> write_path(Scope& scope, config::PathMatch kind) {
  const auto& match = scope.route.match;
  return match.path_kind == kind ? std::optional(Value::string(match.path)) : std::nullopt;
}

}  // namespace

std::optional<std::vector<std::string>> read_method_list(Reader& reader, const Cursor& at) {
  std::vector<std::string> methods;
  const auto items = reader.list(at, "a list of methods such as [GET, HEAD]", kShortListMax);
  if (items.empty()) {
    if (at.node->kind == Node::Kind::List) {
      reader.error(at, fill("{}: an empty list; leave the key out instead", at.path));
    }
    return std::nullopt;
  }
  for (const Cursor& item : items) {
    const auto method = reader.text(item);
    if (!method) {
      continue;
    }
    const bool lower = std::ranges::any_of(*method, [](char c) { return c >= 'a' && c <= 'z'; });
    if (!is_token(*method) || lower) {
      std::string upper = *method;
      std::ranges::transform(upper, upper.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
      });
      reader.error(
          item,
          fill("{}: {} is not a method; methods are case-sensitive", item.path, quoted(*method)),
          is_token(upper) ? fill("did you mean {}?", quoted(upper)) : "");
      continue;
    }
    methods.push_back(*method);
  }
  return methods;
}

std::optional<std::string> read_header_value(Reader& reader, const Cursor& at) {
  auto value = reader.text_or_empty(at);
  if (value && has_control_character(*value)) {
    reader.error(at, fill("{}: a header value has no control characters", at.path));
    return std::nullopt;
  }
  return value;
}

void read_match(Reader& reader, const Cursor& at, Scope& scope) {
  if (at.node->kind == Node::Kind::Scalar) {
    set_path(reader, at, scope, config::PathMatch::Prefix);
    return;
  }
  reader.settings(at, "match.", kRouteLevels, scope);
}
std::optional<Value> write_match(Scope&) { return std::nullopt; }  // Its parts are printed.

void read_hosts(Reader& reader, const Cursor& at, Scope& scope) {
  const auto items = reader.list(at, "a list of hosts such as [payments.local]", kHostsMax);
  if (items.empty() && at.node->kind == Node::Kind::List) {
    reader.error(at, fill("{}: an empty list; leave the key out instead", at.path));
  }
  for (const Cursor& item : items) {
    const auto text = reader.text(item);
    if (!text) {
      continue;
    }
    const auto host = lower_case(*text);
    const auto name = std::string_view(host).substr(host.starts_with("*.") ? 2 : 0);
    const bool v6 = host.starts_with('[') && host.ends_with(']');
    if (!is_host_name(name) && !v6) {
      reader.error(item, fill("{}: expected a host without port, or *. and a host, got {}",
                              item.path, quoted(*text)));
      continue;
    }
    scope.route.match.hosts.push_back(host);
  }
}
std::optional<Value> write_hosts(Scope& scope) {
  const auto& hosts = scope.route.match.hosts;
  return hosts.empty() ? std::nullopt : std::optional(text_list(hosts));
}

void read_path_prefix(Reader& reader, const Cursor& at, Scope& scope) {
  set_path(reader, at, scope, config::PathMatch::Prefix);
}
std::optional<Value> write_path_prefix(Scope& scope) {
  return write_path(scope, config::PathMatch::Prefix);
}

void read_path_exact(Reader& reader, const Cursor& at, Scope& scope) {
  set_path(reader, at, scope, config::PathMatch::Exact);
}
std::optional<Value> write_path_exact(Scope& scope) {
  return write_path(scope, config::PathMatch::Exact);
}

void read_path_regex(Reader& reader, const Cursor& at, Scope& scope) {
  const auto text = reader.text(at);
  if (!text) {
    return;
  }
  const re2::RE2 expression(*text, route::expression_options());
  if (!expression.ok()) {
    const auto why = expression.error().substr(0, kReasonMax);
    reader.error(at, fill("{}: not a valid RE2 expression: {}", at.path, why));
    return;
  }
  if (!reader.takes_expression(static_cast<std::size_t>(expression.ProgramSize()))) {
    reader.error(at, fill("{}: all regular expressions together are too large", at.path),
                 "shorten repetitions such as {1,100}, or match by path_prefix");
    return;
  }
  set_path(reader, at, scope, config::PathMatch::Regex);
}
std::optional<Value> write_path_regex(Scope& scope) {
  return write_path(scope, config::PathMatch::Regex);
}

void read_methods(Reader& reader, const Cursor& at, Scope& scope) {
  if (auto methods = read_method_list(reader, at)) {
    scope.route.match.methods = std::move(*methods);
  }
}
std::optional<Value> write_methods(Scope& scope) {
  const auto& methods = scope.route.match.methods;
  return methods.empty() ? std::nullopt : std::optional(text_list(methods));
}

void read_headers(Reader& reader, const Cursor& at, Scope& scope) {
  for (const auto& entry : reader.map(at, "a map of headers and values", true, kShortListMax)) {
    if (!is_token(entry.name)) {
      reader.error(entry.key, fill("{}: {} is not a header name", at.path, quoted(entry.name)));
      continue;
    }
    if (auto value = read_header_value(reader, entry.value)) {
      scope.route.match.headers.push_back({lower_case(entry.name), std::move(*value)});
    }
  }
}
std::optional<Value> write_headers(Scope& scope) {
  if (scope.route.match.headers.empty()) {
    return std::nullopt;
  }
  Value map = Value::map();
  for (const auto& header : scope.route.match.headers) {
    map.entries.emplace_back(header.name, Value::string(header.value));
  }
  return map;
}

void read_rewrite_host(Reader& reader, const Cursor& at, Scope& scope) {
  const auto text = reader.text(at);
  if (!text) {
    return;
  }
  auto& rewrite = scope.route.rewrite;
  rewrite.host_name.clear();
  if (*text == "keep" || *text == "upstream") {
    rewrite.host = *text == "keep" ? config::HostRewrite::Keep : config::HostRewrite::Upstream;
    return;
  }
  const auto endpoint = parse_url("http://" + *text);
  if (!endpoint) {
    reader.error(at, fill("{}: expected keep, upstream or a host, got {}", at.path, quoted(*text)));
    return;
  }
  rewrite.host = config::HostRewrite::Name;
  rewrite.host_name = lower_case(*text);
}
std::optional<Value> write_rewrite_host(Scope& scope) {
  switch (scope.route.rewrite.host) {
    case config::HostRewrite::Keep:
      return Value::word("keep");
    case config::HostRewrite::Upstream:
      return Value::word("upstream");
    case config::HostRewrite::Name:
      return Value::string(scope.route.rewrite.host_name);
  }
  return std::nullopt;
}

}  // namespace fusegate::config_file
