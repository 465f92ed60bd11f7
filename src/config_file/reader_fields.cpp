#include "config_file/fill.hpp"
#include "config_file/reader.hpp"
#include "config_file/scalars.hpp"
#include "config_file/suggest.hpp"

#include <algorithm>
#include <set>

namespace fusegate::config_file {
namespace {

/// Reads a value of each kind into the scope. False after an error.
struct FieldReader {
  Reader& reader;
  const Cursor& at;
  Scope& scope;

  bool operator()(const DurationField& f) const {
    const auto value = reader.duration(at, f.min, f.max);
    return value && (f.at(scope) = *value, true);
  }
  bool operator()(const IntegerField& f) const {
    const auto value = reader.integer(at, f.min, f.max);
    return value && (f.at(scope) = static_cast<std::uint32_t>(*value), true);
  }
  bool operator()(const BoolField& f) const {
    const auto value = reader.boolean(at);
    return value && (f.at(scope) = *value, true);
  }
  bool operator()(const TextField& f) const {
    auto value = reader.text_or_empty(at);
    return value && (f.at(scope) = std::move(*value), true);
  }
  bool operator()(const SizeField& f) const {
    return bounded(f, "a size such as 512B, 64KiB or 1MiB", parse_size, format_size);
  }
  bool operator()(const NumberField& f) const {
    return bounded(f, "a number", parse_number, format_number);
  }
  bool operator()(const PercentField& f) const {
    struct Bounds {
      Ref<Ratio> at;
      Ratio min;
      Ratio max;
    };
    return bounded(Bounds{f.at, Ratio{}, f.max}, "a percentage such as 20%", parse_percent,
                   format_percent);
  }
  bool operator()(const WordField& f) const {
    const auto index = reader.word(at, f.words);
    if (!index) {
      return false;
    }
    f.set(scope, *index);
    return true;
  }
  bool operator()(const CustomField& f) const {
    f.read(reader, at, scope);
    return true;
  }
  bool operator()(const SectionField&) const { return true; }

  template <class Bounds, class Parse, class Format>
  bool bounded(const Bounds& f, std::string_view expected, Parse parse, Format format) const {
    const auto value = reader.scalar(at, expected);
    if (!value) {
      return false;
    }
    const auto parsed = parse(value->text);
    if (!parsed) {
      reader.error(at, fill("{}: {}", at.path,
                            value->secret ? fill("expected {}", expected) : parsed.error()));
      return false;
    }
    if (*parsed < f.min || *parsed > f.max) {
      reader.error(at, fill("{}: {} is out of range; allowed are {} to {}", at.path,
                            format(*parsed), format(f.min), format(f.max)));
      return false;
    }
    f.at(scope) = *parsed;
    return true;
  }
};

/// Does some key of `levels` begin with `path` and a dot?
bool is_section(Levels levels, std::string_view path) {
  return std::ranges::any_of(keys(), [&](const Key& key) {
    return contains(levels, key.level) && key.path.size() > path.size() &&
           key.path.starts_with(path) && key.path[path.size()] == '.';
  });
}

/// The names that may follow `prefix`.
std::vector<std::string_view> names_at(Levels levels, std::string_view prefix) {
  std::vector<std::string_view> names;
  for (const Key& key : keys()) {
    if (!contains(levels, key.level) || !key.path.starts_with(prefix)) {
      continue;
    }
    const auto rest = key.path.substr(prefix.size());
    const auto name = rest.substr(0, rest.find('.'));
    if (std::ranges::find(names, name) == names.end()) {
      names.push_back(name);
    }
  }
  return names;
}

std::string_view last_part(std::string_view path) {
  const auto dot = path.rfind('.');
  return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

std::string_view home_of(Level level) {
  switch (level) {
    case Level::Global:
      return "the top level of the file";
    case Level::Listener:
      return "an entry of listeners";
    case Level::Request:
      return "defaults, an upstream or a route";
    case Level::Upstream:
      return "defaults or an upstream";
    case Level::UpstreamOwn:
      return "an upstream";
    case Level::Route:
      return "a route";
  }
  return "";
}

/// The nearest name after `prefix`, first among those that take a map, or a single value, as the
/// unknown key does: `retrys: 3` means retries, not retry.
std::string nearest_at(std::string_view name, bool is_map, std::string_view prefix, Levels levels) {
  auto names = names_at(levels, prefix);
  const auto all = names;
  std::erase_if(names, [&](std::string_view candidate) {
    return is_section(levels, std::string(prefix) + std::string(candidate)) != is_map;
  });
  const auto first = nearest(name, names);
  return first.empty() ? nearest(name, all) : first;
}

/// A hint for a key that is unknown here, from the nearest place outwards.
std::string hint_for(const Reader::Entry& entry, std::string_view prefix, Levels levels) {
  const std::string_view name = entry.name;
  const bool is_map = entry.value.node->kind == Node::Kind::Map;
  if (name == "<<") {
    return "merge keys are not part of the configuration; use an alias for a whole value, or "
           "defaults";
  }
  if (const auto here = nearest_at(name, is_map, prefix, levels); !here.empty()) {
    return fill("did you mean {}?", quoted(here));
  }
  if (!prefix.empty()) {
    const auto up = prefix.substr(0, prefix.rfind('.', prefix.size() - 2) + 1);
    const auto above = nearest(name, names_at(levels, up == prefix ? "" : up));
    if (!above.empty()) {
      return fill("did you mean {}, one level up?", quoted(above));
    }
  }
  for (const Key& key : keys()) {
    const std::string_view last[]{last_part(key.path)};
    if (contains(levels, key.level) && !nearest(name, last).empty() && key.path != last[0]) {
      return fill("did you mean {}?", quoted(key.path));
    }
  }
  for (const Key& key : keys()) {
    const std::string_view first[]{key.path.substr(0, key.path.find('.'))};
    if (!contains(levels, key.level) && !nearest(name, first).empty()) {
      return fill("{} belongs into {}", quoted(first[0]), home_of(key.level));
    }
  }
  return {};
}

}  // namespace

void Reader::unknown_key(const Entry& entry, std::string_view prefix, Levels levels) {
  const auto where = entry.key.path.empty() ? "" : " in " + entry.key.path;
  error(entry.key, fill("unknown key {}{}", quoted(entry.name), where),
        found_.size() < kSuggestionsMax ? hint_for(entry, prefix, levels) : std::string());
}

void Reader::field(const Key& key, const Cursor& at, Scope& scope) {
  secret_ = false;
  const bool failed_before = failed_;
  failed_ = false;
  const bool read = std::visit(FieldReader{*this, at, scope}, key.field) && !failed_;
  failed_ = failed_ || failed_before;
  if (!read) {
    return;
  }
  scope.set.insert_or_assign(std::string(key.path), Scope::Setting{at, ++order_, secret_});
  if (key.support != Support::Later) {
    return;
  }
  Scope defaults = default_scope();
  const auto value = write_field(key, scope);
  const auto standard = write_field(key, defaults);
  if (value && standard && value->text != standard->text) {
    const auto shown = standard->text.empty() ? "\"\"" : standard->text;
    error(at, fill("{}: not supported yet; only {} is accepted", at.path, shown));
  }
}

void Reader::settings(const Cursor& at, std::string_view prefix, Levels levels, Scope& scope) {
  const auto names = names_at(levels, prefix);
  for (const Entry& entry : map(at, "a map of keys")) {
    const auto path = std::string(prefix) + entry.name;
    if (const Key* key = find_key(levels, path)) {
      field(*key, entry.value, scope);
    } else if (std::ranges::find(names, entry.name) != names.end()) {
      settings(entry.value, path + ".", levels, scope);
    } else {
      unknown_key(entry, prefix, levels);
    }
  }
}

}  // namespace fusegate::config_file
