#include "config_file/keys.hpp"

#include "config_file/address.hpp"
#include "config_file/scalars.hpp"

#include <algorithm>
#include <cstring>

namespace fusegate::config_file {
namespace {

std::vector<Key> build() {
  std::vector<Key> all;
  for (const auto& part :
       {global_keys(), request_keys(), upstream_keys(), route_keys(), log_keys()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

struct Writer {
  Scope& scope;

  std::optional<Value> operator()(const DurationField& f) const {
    return Value::word(format_duration(f.at(scope)));
  }
  std::optional<Value> operator()(const SizeField& f) const {
    return Value::word(format_size(f.at(scope)));
  }
  std::optional<Value> operator()(const IntegerField& f) const {
    return Value::raw(std::to_string(f.at(scope)));
  }
  std::optional<Value> operator()(const NumberField& f) const {
    return Value::raw(format_number(f.at(scope)));
  }
  std::optional<Value> operator()(const PercentField& f) const {
    return Value::word(format_percent(f.at(scope)));
  }
  std::optional<Value> operator()(const BoolField& f) const {
    return Value::raw(f.at(scope) ? "true" : "false");
  }
  std::optional<Value> operator()(const TextField& f) const { return Value::string(f.at(scope)); }
  std::optional<Value> operator()(const WordField& f) const {
    return Value::word(f.words[f.get(scope)]);
  }
  std::optional<Value> operator()(const CustomField& f) const { return f.write(scope); }
  std::optional<Value> operator()(const SectionField&) const { return std::nullopt; }
};

}  // namespace

bool contains(Levels levels, Level level) {
  return std::ranges::find(levels, level) != levels.end();
}

std::span<const Key> keys() {
  static const std::vector<Key> all = build();
  return all;
}

const Key* find_key(Levels levels, std::string_view path) {
  const auto found = std::ranges::find_if(
      keys(), [&](const Key& key) { return key.path == path && contains(levels, key.level); });
  return found == keys().end() ? nullptr : &*found;
}

std::optional<Value> write_field(const Key& key, Scope& scope) {
  return std::visit(Writer{scope}, key.field);
}

std::string default_text(const Key& key) {
  Scope scope = default_scope();
  const auto value = write_field(key, scope);
  if (!value) {
    return {};
  }
  Value line;
  line.at("x") = *value;
  const auto text = to_yaml(line).substr(2);
  return text.substr(text.find_first_not_of(' '), text.size() - text.find_first_not_of(' ') - 1);
}

Scope default_scope() {
  Scope scope;
  scope.global.status = config::Address{"[::]:9902"};
  scope.global.admin = config::Address{"127.0.0.1:9901"};
  for (const std::string_view network : {"127.0.0.0/8", "::1/128"}) {
    scope.listener.trust.push_back(parse_network(network).value_or(config::Network{}));
  }
  return scope;
}

}  // namespace fusegate::config_file
