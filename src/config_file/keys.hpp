#pragma once

#include <fusegate/config/config.hpp>

#include "config_file/document.hpp"
#include "config_file/value.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// The one table of all keys. The loader, the dump, the schema, the suggestions and the tests of
/// the documentation read it, so that they cannot drift apart.
namespace fusegate::config_file {

class Reader;

/// A node and the name of the place where it stands, e.g. "upstreams.orders.retries".
struct Cursor {
  const Node* node = nullptr;
  std::string path;
};

/// What is being filled in. One for the file, one for each listener, upstream and route; an
/// upstream starts as a copy of `defaults`, a route as a copy of its upstream: that is inheritance.
struct Scope {
  config::Config global;
  config::ListenerConfig listener;
  config::UpstreamConfig upstream;
  config::RouteConfig route;  ///< `route.policy` holds the [request] keys at every level.
  std::string route_upstream;
  std::vector<std::pair<std::string, Cursor>> listener_routes;

  struct Setting {
    Cursor cursor;
    int order = 0;  ///< Rises with every setting read; the highest of two was set last.
    bool secret = false;
  };
  std::map<std::string, Setting, std::less<>> set;  ///< By path in the table.
};

/// The built-in defaults.
Scope default_scope();

template <class T>
using Ref = T& (*)(Scope&);

struct DurationField {
  Ref<Duration> at;
  Duration min;
  Duration max;
};
struct SizeField {
  Ref<config::Bytes> at;
  config::Bytes min;
  config::Bytes max;
};
struct IntegerField {
  Ref<std::uint32_t> at;
  std::uint32_t min;
  std::uint32_t max;
};
struct NumberField {
  Ref<double> at;
  double min;
  double max;
};
struct PercentField {
  Ref<Ratio> at;
  Ratio max = Ratio::percent(100);
};
struct BoolField {
  Ref<bool> at;
};
struct TextField {
  Ref<std::string> at;
};
/// One word of a list; `get` and `set` speak of its index.
struct WordField {
  std::span<const std::string_view> words;
  std::size_t (*get)(Scope&);
  void (*set)(Scope&, std::size_t);
};
/// A key with a form of its own.
struct CustomField {
  void (*read)(Reader&, const Cursor&, Scope&);
  std::optional<Value> (*write)(Scope&);  ///< nullopt: the key is left out.
  std::string_view schema;                ///< A JSON Schema fragment.
};
/// A part of the file that the loader walks itself.
struct SectionField {
  std::string_view schema;
};
using Field = std::variant<DurationField, SizeField, IntegerField, NumberField, PercentField,
                           BoolField, TextField, WordField, CustomField, SectionField>;

/// Where a key may stand. Request: defaults, upstreams, routes. Upstream: defaults and upstreams.
enum class Level : std::uint8_t { Global, Listener, Request, Upstream, UpstreamOwn, Route };
using Levels = std::span<const Level>;
inline constexpr Level kGlobalLevels[]{Level::Global};
inline constexpr Level kListenerLevels[]{Level::Listener};
inline constexpr Level kDefaultsLevels[]{Level::Request, Level::Upstream};
inline constexpr Level kUpstreamLevels[]{Level::UpstreamOwn, Level::Request, Level::Upstream};
inline constexpr Level kRouteLevels[]{Level::Route, Level::Request};
bool contains(Levels levels, Level level);

enum class Support : std::uint8_t {
  Built,
  Later,  ///< Anything but the default is refused as "not supported yet".
};

struct Key {
  Level level;
  std::string_view path;  ///< From the root, or from the listener, upstream or route it stands in.
  Field field;
  std::string_view meaning;
  Support support = Support::Built;
};

/// All keys in the order of the contract.
std::span<const Key> keys();
const Key* find_key(Levels levels, std::string_view path);
/// The current value of a key as it is printed; nullopt: it is left out.
std::optional<Value> write_field(const Key& key, Scope& scope);
/// The default as text, e.g. "25ms" or "[GET, HEAD]"; empty when there is none.
std::string default_text(const Key& key);

/// The parts of the table, one file each.
std::vector<Key> global_keys();
std::vector<Key> log_keys();
std::vector<Key> request_keys();
std::vector<Key> upstream_keys();
std::vector<Key> route_keys();

/// `word_field<[](Scope& s) -> Enum& {...}>(words)`: an enumeration whose order is that of `words`.
template <auto At>
WordField word_field(std::span<const std::string_view> words) {
  using Enum = std::remove_reference_t<decltype(At(std::declval<Scope&>()))>;
  return WordField{words, [](Scope& s) { return static_cast<std::size_t>(At(s)); },
                   [](Scope& s, std::size_t index) { At(s) = static_cast<Enum>(index); }};
}

/// The words of policy::Jitter.
constexpr std::string_view kJitters[]{"full", "equal", "none"};

}  // namespace fusegate::config_file
