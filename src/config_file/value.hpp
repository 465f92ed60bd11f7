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

  // Not defaulted here: the pairs in `entries` ask whether a Value can be made, and the answer must
  // not need those pairs.
  Value();

  static Value raw(std::string text);
  static Value word(std::string_view text);
  static Value string(std::string text);
  static Value list();
  static Value map();

  /// The value at `path` ("retry.backoff.kind") below this map; maps on the way are made.
  Value& at(std::string_view path);

 private:
  Value(Kind kind_of, std::string text_of);
};

/// YAML that the loader reads back to the same values: `$` is doubled. Ends with a newline.
std::string to_yaml(const Value& value);
/// JSON with two spaces of indentation. Ends with a newline.
std::string to_json(const Value& value);
/// `text` as a JSON string with its quotes.
std::string json_string(std::string_view text);

}  // namespace fusegate::config_file
