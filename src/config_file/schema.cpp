#include "config_file/config_file.hpp"
#include "config_file/fill.hpp"
#include "config_file/keys.hpp"
#include "config_file/scalars.hpp"

#include <algorithm>

namespace fusegate::config_file {
namespace {

/// Any scalar may be written with variables; what they stand for is only known when it is loaded.
constexpr std::string_view kVariable = R"({"$ref": "#/definitions/variable"})";

std::string any_of(std::string_view first, std::string_view second) {
  return fill(R"({"anyOf": [{}, {}]})", first, second);
}

std::string word_list(std::span<const std::string_view> words) {
  std::string result;
  for (const auto word : words) {
    result += (result.empty() ? "" : ", ") + json_string(word);
  }
  return result;
}

/// The JSON Schema of a field's values.
struct SchemaOf {
  std::string operator()(const DurationField&) const {
    return R"({"$ref": "#/definitions/duration"})";
  }
  std::string operator()(const SizeField&) const { return R"({"$ref": "#/definitions/size"})"; }
  std::string operator()(const PercentField&) const {
    return R"({"$ref": "#/definitions/percentage"})";
  }
  std::string operator()(const TextField&) const { return R"({"type": "string"})"; }
  std::string operator()(const BoolField&) const {
    return any_of(R"({"type": "boolean"})", kVariable);
  }
  std::string operator()(const IntegerField& f) const {
    return any_of(fill(R"({"type": "integer", "minimum": {}, "maximum": {}})", f.min, f.max),
                  kVariable);
  }
  std::string operator()(const NumberField& f) const {
    return any_of(fill(R"({"type": "number", "minimum": {}, "maximum": {}})", format_number(f.min),
                       format_number(f.max)),
                  kVariable);
  }
  std::string operator()(const WordField& f) const {
    return any_of(fill(R"({"enum": [{}]})", word_list(f.words)), kVariable);
  }
  std::string operator()(const CustomField& f) const { return std::string(f.schema); }
  std::string operator()(const SectionField& f) const { return std::string(f.schema); }
};

Value object_schema() {
  Value object;
  object.at("type") = Value::string("object");
  object.at("additionalProperties") = Value::raw("false");
  object.at("patternProperties").entries.emplace_back("^x-", Value::raw("{}"));
  object.at("properties");
  return object;
}

/// The schema of `path` below an object, with the objects on the way.
Value& property(Value& object, std::string_view path) {
  const auto dot = path.find('.');
  Value& properties = object.at("properties");
  const std::string name(path.substr(0, dot));
  const bool known = std::ranges::any_of(properties.entries,
                                         [&](const auto& entry) { return entry.first == name; });
  Value& child = properties.at(name);
  if (dot == std::string_view::npos) {
    return child;
  }
  if (!known) {
    child = object_schema();
  }
  return property(child, path.substr(dot + 1));
}

/// `{"description": ..., "default": ..., <what the field says>}`
Value key_schema(const Key& key) {
  const auto form = std::visit(SchemaOf{}, key.field);
  Value result;
  result.at("description") = Value::string(std::string(key.meaning));
  if (const auto standard = default_text(key); !standard.empty()) {
    result.at("description").text += " Default: " + standard;
  }
  Value forms = Value::list();
  forms.items.push_back(Value::raw(form));
  result.at("allOf") = std::move(forms);
  return result;
}

Value level_schema(Levels levels) {
  Value object = object_schema();
  for (const Key& key : keys()) {
    if (contains(levels, key.level) && key.path != "match") {
      property(object, key.path) = key_schema(key);
    }
  }
  return object;
}

/// A route's match is a path prefix or an object.
Value route_schema() {
  Value route = level_schema(kRouteLevels);
  Value& match = route.at("properties").at("match");
  Value forms = Value::list();
  forms.items.push_back(Value::raw(R"({"type": "string"})"));
  forms.items.push_back(std::move(match));
  match = Value::map();
  match.at("description") = Value::string(std::string(find_key(kRouteLevels, "match")->meaning));
  match.at("anyOf") = std::move(forms);
  route.at("required") = Value::raw(R"(["match", "upstream"])");
  return route;
}

void add_definitions(Value& root) {
  Value& definitions = root.at("definitions");
  const auto text_or_variable = [](std::string_view pattern) {
    return Value::raw(
        any_of(fill(R"({"type": "string", "pattern": {}})", json_string(pattern)), kVariable));
  };
  definitions.at("variable") =
      Value::raw(R"({"type": "string", "pattern": "\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}"})");
  definitions.at("duration") = text_or_variable(R"(^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$)");
  definitions.at("size") = text_or_variable(R"(^[0-9]+(B|KiB|MiB|GiB)$)");
  definitions.at("percentage") = text_or_variable(R"(^[0-9]+(\.[0-9]{1,4})?%$)");
  definitions.at("text") = Value::raw(R"({"type": "string"})");
  definitions.at("texts") = Value::raw(R"({"type": "array", "items": {"type": "string"}})");
  definitions.at("listener") = level_schema(kListenerLevels);
  definitions.at("listener").at("required") = Value::raw(R"(["address"])");
  definitions.at("defaults") = level_schema(kDefaultsLevels);
  definitions.at("upstream") = level_schema(kUpstreamLevels);
  definitions.at("upstream").at("oneOf") =
      Value::raw(R"([{"required": ["url"]}, {"required": ["endpoints"]}])");
  definitions.at("route") = route_schema();
}

}  // namespace

std::string schema() {
  Value root = level_schema(kGlobalLevels);
  root.entries.insert(root.entries.begin(),
                      {"$schema", Value::string("http://json-schema.org/draft-07/schema#")});
  root.entries.insert(root.entries.begin() + 1,
                      {"title", Value::string("Configuration of Fusegate")});
  root.at("required") = Value::raw(R"(["upstreams"])");
  add_definitions(root);
  return to_json(root);
}

}  // namespace fusegate::config_file
