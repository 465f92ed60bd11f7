// `health_check`: off, or a map of its own keys, each of which may be left out.
#include "config_file/custom.hpp"
#include "config_file/fill.hpp"
#include "config_file/reader.hpp"
#include "config_file/scalars.hpp"
#include "config_file/suggest.hpp"

#include <algorithm>

namespace fusegate::config_file {
namespace {

using namespace std::chrono_literals;
using policy::HealthSettings;

constexpr std::uint64_t kThresholdMax = 100;
constexpr std::size_t kPathMax = 1024;

void read_path(Reader& reader, const Cursor& at, HealthSettings& health) {
  const auto text = reader.text(at);
  if (!text) {
    return;
  }
  const bool plain = std::ranges::all_of(*text, [](char c) { return c > ' ' && c < '\x7f'; });
  if (!text->starts_with('/') || !plain || text->contains('#') || text->size() > kPathMax) {
    reader.error(at, fill("{}: expected a path such as /healthz, with what is not ASCII or blank "
                          "percent-encoded, got {}",
                          at.path, quoted(*text)));
    return;
  }
  health.path = *text;
}

template <Duration HealthSettings::* Member>
void read_time(Reader& reader, const Cursor& at, HealthSettings& health) {
  // No shorter interval: checks are to notice an outage, not to be the load.
  const bool is_interval = Member == &HealthSettings::interval;
  if (const auto value = reader.duration(at, is_interval ? 100ms : 1ms, is_interval ? 1h : 5min)) {
    health.*Member = *value;
  }
}

template <std::uint32_t HealthSettings::* Member>
void read_threshold(Reader& reader, const Cursor& at, HealthSettings& health) {
  if (const auto value = reader.integer(at, 1, kThresholdMax)) {
    health.*Member = static_cast<std::uint32_t>(*value);
  }
}

struct Part {
  std::string_view name;
  void (*read)(Reader&, const Cursor&, HealthSettings&);
};
constexpr Part kParts[]{{"path", read_path},
                        {"interval", read_time<&HealthSettings::interval>},
                        {"timeout", read_time<&HealthSettings::timeout>},
                        {"healthy", read_threshold<&HealthSettings::healthy>},
                        {"unhealthy", read_threshold<&HealthSettings::unhealthy>}};

void unknown_part(Reader& reader, const Cursor& at, const Reader::Entry& entry) {
  std::vector<std::string_view> names;
  for (const Part& part : kParts) {
    names.push_back(part.name);
  }
  const auto meant = nearest(entry.name, names);
  reader.error(entry.key, fill("unknown key {} in {}", quoted(entry.name), at.path),
               meant.empty() ? "" : fill("did you mean {}?", quoted(meant)));
}

}  // namespace

void read_health_check(Reader& reader, const Cursor& at, Scope& scope) {
  auto& settings = scope.upstream.health_check;
  if (at.node->kind != Node::Kind::Map) {
    static constexpr std::string_view kExpected = "off, or a map such as { path: /healthz }";
    const auto value = reader.scalar(at, kExpected);
    if (value && value->text != "off") {
      reader.error(at, fill("{}: expected {}, got {}", at.path, kExpected, quoted(value->text)));
    } else if (value) {
      settings.reset();
    }
    return;
  }
  HealthSettings health = settings.value_or(HealthSettings{});
  for (const Reader::Entry& entry : reader.map(at, "off, or a map of keys")) {
    const auto part = std::ranges::find(kParts, entry.name, &Part::name);
    if (part == std::end(kParts)) {
      unknown_part(reader, at, entry);
    } else {
      part->read(reader, entry.value, health);
    }
  }
  settings = health;
}

std::optional<Value> write_health_check(Scope& scope) {
  const auto& settings = scope.upstream.health_check;
  if (!settings) {
    return Value::word("off");
  }
  Value map = Value::map();
  map.at("path") = Value::string(settings->path);
  map.at("interval") = Value::word(format_duration(settings->interval));
  map.at("timeout") = Value::word(format_duration(settings->timeout));
  map.at("healthy") = Value::raw(std::to_string(settings->healthy));
  map.at("unhealthy") = Value::raw(std::to_string(settings->unhealthy));
  return map;
}

}  // namespace fusegate::config_file
