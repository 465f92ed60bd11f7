#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fusegate::config_file {

/// A tree to print, with its keys in order.
struct Value {
  enum class Kind {
    Raw,   ///< A number, true or false, or (JSON only) a finished fragment.
    Word,  ///< Text that needs no quotes in YAML: 5s, 20%, exponential.
    Text,  ///< Any text; quoted in YAML where it would be read as something else.
    List,
    Map,
  };

  Kind kind = Kind::Map;
  std::string text;
  std::vector<Value> items;
  std::vector<std::pair<std::string, Value>> entries;

  static Value raw(std::string text) { return Value{Kind::Raw, std::move(text), {}, {}}; }
  static Value word(std::string_view text) { return Value{Kind::Word, std::string(text), {}, {}}; }
  static Value string(std::string text) { return Value{Kind::Text, std::move(text), {}, {}}; }
  static Value list() { return Value{Kind::List, {}, {}, {}}; }
  static Value map() { return Value{}; }

  /// The value at `path` ("retry.backoff.kind") below this map; maps on the way are made.
  Value& at(std::string_view path);
};

/// YAML that the loader reads back to the same values: `$` is doubled. Ends with a newline.
std::string to_yaml(const Value& value);
/// JSON with two spaces of indentation. Ends with a newline.
std::string to_json(const Value& value);
/// `text` as a JSON string with its quotes.
std::string json_string(std::string_view text);

}  // namespace fusegate::config_file
