#include "config_file/address.hpp"
#include "config_file/custom.hpp"
#include "config_file/fill.hpp"
#include "config_file/reader.hpp"
#include "config_file/retry_on.hpp"
#include "config_file/scalars.hpp"

#include <algorithm>
#include <array>

namespace fusegate::config_file {

using namespace std::chrono_literals;

void read_per_try_timeout(Reader& reader, const Cursor& at, Scope& scope) {
  const auto value = reader.scalar(at, "auto, or a duration such as 500ms");
  if (!value) {
    return;
  }
  if (value->text == "auto") {
    scope.route.policy.per_try_timeout.reset();
  } else if (const auto duration = reader.duration(at, 1ms, 24h)) {
    scope.route.policy.per_try_timeout = *duration;
  }
}
std::optional<Value> write_per_try_timeout(Scope& scope) {
  const auto& value = scope.route.policy.per_try_timeout;
  return Value::word(value ? format_duration(*value) : "auto");
}

void read_idempotent(Reader& reader, const Cursor& at, Scope& scope) {
  static constexpr std::string_view kWords[]{"auto", "true", "false"};
  if (const auto index = reader.word(at, kWords)) {
    scope.route.policy.idempotent = static_cast<policy::Idempotency>(*index);
  }
}
std::optional<Value> write_idempotent(Scope& scope) {
  switch (scope.route.policy.idempotent) {
    case policy::Idempotency::Auto:
      return Value::word("auto");
    case policy::Idempotency::Always:
      return Value::raw("true");
    case policy::Idempotency::Never:
      return Value::raw("false");
  }
  return std::nullopt;
}

void read_retry_on(Reader& reader, const Cursor& at, Scope& scope) {
  policy::RetryOn on{
      .never_sent = false, .stale_reuse = false, .no_response = false, .statuses = {}};
  for (const Cursor& item : reader.list(at, "a list such as [never_sent, 502, \"520-530\"]")) {
    const auto value = reader.scalar(item, "a failure class or a status");
    if (!value) {
      continue;
    }
    if (const auto problem = add_retry_condition(value->text, on)) {
      reader.error(item, fill("{}: {}", item.path, problem->message), problem->suggestion);
    }
  }
  scope.route.policy.retry.on = on;
}
std::optional<Value> write_retry_on(Scope& scope) {
  Value list = Value::list();
  for (const auto& word : retry_conditions(scope.route.policy.retry.on)) {
    // A single status is a number, in JSON too.
    const bool number = std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
    list.items.push_back(number ? Value::raw(word) : Value::word(word));
  }
  return list;
}

void read_response_headers(Reader& reader, const Cursor& at, Scope& scope) {
  auto& headers = scope.route.policy.retry.response_headers;
  headers.clear();
  for (const auto& entry : reader.map(at, "a map of headers and values", true, kShortListMax)) {
    if (!is_token(entry.name)) {
      reader.error(entry.key, fill("{}: {} is not a header name", at.path, quoted(entry.name)));
      continue;
    }
    if (auto value = read_header_value(reader, entry.value)) {
      headers.push_back({lower_case(entry.name), std::move(*value)});
    }
  }
}
std::optional<Value> write_response_headers(Scope& scope) {
  Value map = Value::map();
  for (const auto& header : scope.route.policy.retry.response_headers) {
    map.entries.emplace_back(header.name, Value::string(header.value));
  }
  return map;
}

void read_hedge_after(Reader& reader, const Cursor& at, Scope& scope) {
  const auto value = reader.scalar(at, "a quantile such as p95, or a duration");
  if (!value) {
    return;
  }
  auto& hedge = scope.route.policy.hedge;
  if (value->text.starts_with('p')) {
    const auto quantile = parse_integer(std::string_view(value->text).substr(1));
    if (quantile.value_or(0) < 1 || quantile.value_or(0) > 99) {
      reader.error(at, fill("{}: expected a quantile from p1 to p99, or a duration, got {}",
                            at.path, quoted(value->text)));
      return;
    }
    hedge.after.reset();
    hedge.quantile = static_cast<std::uint32_t>(*quantile);
  } else if (const auto duration = reader.duration(at, 1ms, 24h)) {
    hedge.after = *duration;
  }
}
std::optional<Value> write_hedge_after(Scope& scope) {
  const auto& hedge = scope.route.policy.hedge;
  return Value::word(hedge.after ? format_duration(*hedge.after) : fill("p{}", hedge.quantile));
}

void read_hedge_methods(Reader& reader, const Cursor& at, Scope& scope) {
  if (auto methods = read_method_list(reader, at)) {
    scope.route.policy.hedge.methods = std::move(*methods);
  }
}
std::optional<Value> write_hedge_methods(Scope& scope) {
  return text_list(scope.route.policy.hedge.methods);
}

}  // namespace fusegate::config_file
