#include "config_file/value.hpp"

#include "config_file/fill.hpp"
#include "config_file/scalars.hpp"

#include <algorithm>

namespace fusegate::config_file {
namespace {

bool is_safe(char c) {
  constexpr std::string_view kSafe = "_-./+*^|()=";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kSafe.find(c) != std::string_view::npos;
}

/// A name or text without quotes, where YAML reads it as just that text.
bool is_plain(std::string_view text) {
  const auto letter_or_slash = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/' || (c >= '0' && c <= '9');
  };
  return !text.empty() && letter_or_slash(text[0]) && std::ranges::all_of(text, is_safe) &&
         look_of(text) == PlainLook::Text;
}

std::string yaml_key(const std::string& key) { return is_plain(key) ? key : json_string(key); }

std::string yaml_scalar(const Value& value) {
  if (value.kind != Value::Kind::Text || is_plain(value.text)) {
    return value.text;
  }
  std::string doubled;
  for (const char c : value.text) {
    doubled.append(c == '$' ? 2 : 1, c);
  }
  return json_string(doubled);
}

bool is_scalar(const Value& value) {
  return value.kind != Value::Kind::List && value.kind != Value::Kind::Map;
}

void write_yaml(const Value& value, std::size_t indent, std::string& out);

void write_yaml_map(const Value& value, std::size_t indent, bool first_inline, std::string& out) {
  bool first = first_inline;
  for (const auto& [key, child] : value.entries) {
    out.append(first ? 0 : indent, ' ');
    first = false;
    out += yaml_key(key) + ":";
    write_yaml(child, indent + 2, out);
  }
}

/// Writes what follows `key:`, with its line break.
void write_yaml(const Value& value, std::size_t indent, std::string& out) {
  if (is_scalar(value)) {
    out += " " + yaml_scalar(value) + "\n";
    return;
  }
  if (value.kind == Value::Kind::Map) {
    out += value.entries.empty() ? " {}\n" : "\n";
    write_yaml_map(value, indent, false, out);
    return;
  }
  if (std::ranges::all_of(value.items, is_scalar)) {
    std::string line;
    for (const Value& item : value.items) {
      line += (line.empty() ? "" : ", ") + yaml_scalar(item);
    }
    out += " [" + line + "]\n";
    return;
  }
  out += "\n";
  for (const Value& item : value.items) {
    out += std::string(indent, ' ') + "- ";
    write_yaml_map(item, indent + 2, true, out);
  }
}

void write_json(const Value& value, std::size_t indent, std::string& out) {
  if (is_scalar(value)) {
    out += value.kind == Value::Kind::Raw ? value.text : json_string(value.text);
    return;
  }
  const bool map = value.kind == Value::Kind::Map;
  const std::string pad(indent + 2, ' ');
  std::string_view separator = "\n";
  out += map ? "{" : "[";
  for (const auto& [key, child] : value.entries) {
    out += fill("{}{}{}: ", separator, pad, json_string(key));
    separator = ",\n";
    write_json(child, indent + 2, out);
  }
  for (const Value& child : value.items) {
    out += fill("{}{}", separator, pad);
    separator = ",\n";
    write_json(child, indent + 2, out);
  }
  if (separator != "\n") {
    out += "\n" + std::string(indent, ' ');
  }
  out += map ? "}" : "]";
}

}  // namespace

Value::Value() = default;
Value::Value(Kind kind_of, std::string text_of) : kind(kind_of), text(std::move(text_of)) {}

Value Value::raw(std::string text) { return {Kind::Raw, std::move(text)}; }
Value Value::word(std::string_view text) { return {Kind::Word, std::string(text)}; }
Value Value::string(std::string text) { return {Kind::Text, std::move(text)}; }
Value Value::list() { return {Kind::List, {}}; }
Value Value::map() { return {}; }

Value& Value::at(std::string_view path) {
  const auto dot = path.find('.');
  const auto name = path.substr(0, dot);
  auto found = std::ranges::find(entries, name, &std::pair<std::string, Value>::first);
  if (found == entries.end()) {
    entries.emplace_back(std::string(name), Value{});
    found = entries.end() - 1;
  }
  return dot == std::string_view::npos ? found->second : found->second.at(path.substr(dot + 1));
}

std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      result += "\\u00";
      result += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4U];
      result += "0123456789abcdef"[static_cast<unsigned char>(c) & 0xFU];
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string to_yaml(const Value& value) {
  std::string out;
  write_yaml_map(value, 0, false, out);
  return out;
}

std::string to_json(const Value& value) {
  std::string out;
  write_json(value, 0, out);
  return out + "\n";
}

}  // namespace fusegate::config_file
