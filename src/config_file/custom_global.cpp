#include "config_file/address.hpp"
#include "config_file/custom.hpp"
#include "config_file/fill.hpp"
#include "config_file/reader.hpp"
#include "config_file/suggest.hpp"

#include <algorithm>
#include <array>

namespace fusegate::config_file {
namespace {

constexpr std::size_t kBucketsMax = 64;

std::optional<config::Address> read_address(Reader& reader, const Cursor& at) {
  const auto value = reader.scalar(at, "an address such as 127.0.0.1:8080 or unix:/path");
  if (!value) {
    return std::nullopt;
  }
  auto address = parse_listen_address(value->text);
  if (!address) {
    reader.error(at, fill("{}: {}", at.path, address.error()));
    return std::nullopt;
  }
  return *address;
}

/// An address, or `off` (which YAML 1.1 would read as a boolean, so `text` refuses it).
void read_address_or_off(Reader& reader, const Cursor& at, std::optional<config::Address>& target,
                         bool local_only) {
  const auto value = reader.scalar(at, "an address such as 127.0.0.1:9901, or off");
  if (!value) {
    return;
  }
  if (value->text == "off") {
    target.reset();
    return;
  }
  const auto address = read_address(reader, at);
  if (!address) {
    return;
  }
  if (local_only && !is_local(*address)) {
    reader.error(at,
                 fill("{}: the admin listener changes things and has no password; {} is reachable "
                      "from outside",
                      at.path, address->text),
                 "write 127.0.0.1:9901 or a unix socket");
    return;
  }
  target = address;
}

Value write_address_or_off(const std::optional<config::Address>& address) {
  return address ? Value::string(address->text) : Value::word("off");
}

struct AlwaysFlag {
  std::string_view word;
  bool config::AccessLog::* flag;
};
constexpr std::array<AlwaysFlag, 4> kAlways{{{"5xx", &config::AccessLog::always_5xx},
                                             {"retried", &config::AccessLog::always_retried},
                                             {"rejected", &config::AccessLog::always_rejected},
                                             {"slow", &config::AccessLog::always_slow}}};

}  // namespace

Value text_list(const std::vector<std::string>& texts) {
  Value list = Value::list();
  for (const auto& text : texts) {
    list.items.push_back(Value::string(text));
  }
  return list;
}

void read_listen(Reader& reader, const Cursor& at, Scope& scope) {
  if (const auto address = read_address(reader, at)) {
    scope.listener.address = *address;
  }
}
std::optional<Value> write_listen(Scope& scope) {
  return Value::string(scope.listener.address.text);
}

void read_status_listen(Reader& reader, const Cursor& at, Scope& scope) {
  read_address_or_off(reader, at, scope.global.status, false);
}
std::optional<Value> write_status_listen(Scope& scope) {
  return write_address_or_off(scope.global.status);
}

void read_admin_listen(Reader& reader, const Cursor& at, Scope& scope) {
  read_address_or_off(reader, at, scope.global.admin, true);
}
std::optional<Value> write_admin_listen(Scope& scope) {
  return write_address_or_off(scope.global.admin);
}

void read_trust(Reader& reader, const Cursor& at, Scope& scope) {
  scope.listener.trust.clear();
  for (const Cursor& item : reader.list(at, "a list of networks such as [10.0.0.0/8]")) {
    const auto text = reader.text(item);
    const auto network = text ? parse_network(*text) : Parsed<config::Network>{};
    if (!network) {
      reader.error(item, fill("{}: {}", item.path, network.error()));
    } else if (text) {
      scope.listener.trust.push_back(*network);
    }
  }
}
std::optional<Value> write_trust(Scope& scope) {
  Value list = Value::list();
  for (const auto& network : scope.listener.trust) {
    list.items.push_back(Value::string(format_network(network)));
  }
  return list;
}

void read_listener_routes(Reader& reader, const Cursor& at, Scope& scope) {
  scope.listener_routes.clear();
  const auto items = reader.list(at, "a list of route names");
  if (items.empty() && at.node->kind == Node::Kind::List) {
    reader.error(at, fill("{}: an empty list; leave the key out for all routes", at.path));
  }
  for (const Cursor& item : items) {
    if (auto name = reader.text(item)) {
      scope.listener_routes.emplace_back(std::move(*name), item);
    }
  }
}
std::optional<Value> write_listener_routes(Scope& scope) {
  if (scope.listener_routes.empty()) {
    return std::nullopt;
  }
  Value list = Value::list();
  for (const auto& entry : scope.listener_routes) {
    list.items.push_back(Value::string(entry.first));
  }
  return list;
}

void read_log_always(Reader& reader, const Cursor& at, Scope& scope) {
  static constexpr std::string_view kWords[]{kAlways[0].word, kAlways[1].word, kAlways[2].word,
                                             kAlways[3].word};
  auto& access = scope.global.log.access;
  for (const auto& entry : kAlways) {
    access.*entry.flag = false;
  }
  for (const Cursor& item : reader.list(at, "a list such as [5xx, slow]")) {
    if (const auto index = reader.word(item, kWords)) {
      access.*kAlways[*index].flag = true;
    }
  }
}
std::optional<Value> write_log_always(Scope& scope) {
  Value list = Value::list();
  for (const auto& entry : kAlways) {
    if (scope.global.log.access.*entry.flag) {
      list.items.push_back(Value::word(entry.word));
    }
  }
  return list;
}

void read_buckets(Reader& reader, const Cursor& at, Scope& scope) {
  std::vector<Duration> buckets;
  const auto items = reader.list(at, "a list of durations");
  if (items.size() > kBucketsMax || (items.empty() && at.node->kind == Node::Kind::List)) {
    reader.error(at, fill("{}: needs 1 to {} buckets, got {}", at.path, kBucketsMax, items.size()));
    return;
  }
  for (const Cursor& item : items) {
    const auto bound = reader.duration(item, std::chrono::microseconds{1}, std::chrono::hours{24});
    if (bound && !buckets.empty() && *bound <= buckets.back()) {
      reader.error(item, fill("{}: {} does not rise above {}", item.path, format_duration(*bound),
                              format_duration(buckets.back())));
    } else if (bound) {
      buckets.push_back(*bound);
    }
  }
  scope.global.metrics.buckets = std::move(buckets);
}
std::optional<Value> write_buckets(Scope& scope) {
  Value list = Value::list();
  for (const Duration bound : scope.global.metrics.buckets) {
    list.items.push_back(Value::word(format_duration(bound)));
  }
  return list;
}

}  // namespace fusegate::config_file
