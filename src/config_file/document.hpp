#pragma once

#include "config_file/diagnostic.hpp"

#include <cstddef>
#include <deque>
#include <expected>
#include <string>
#include <utility>
#include <vector>

/// A YAML document as a tree whose every node knows its place. document.cpp is the only file that
/// sees the YAML library.
namespace fusegate::config_file {

inline constexpr std::size_t kFileBytesMax = 1024 * 1024;
/// Values of a document with every alias written out. Reading one costs microseconds; a bound keeps
/// an alias bomb ("billion laughs") from costing hours.
inline constexpr std::size_t kNodesMax = 100'000;
/// The same for text: an alias to a long one costs a few bytes of the file each time.
inline constexpr std::size_t kTextBytesMax = 4 * kFileBytesMax;
inline constexpr std::size_t kDepthMax = 64;
/// A key stands in the path of everything below it, so a long one costs its length many times.
inline constexpr std::size_t kKeyBytesMax = 256;

struct Node {
  enum class Kind { Null, Scalar, List, Map };

  Kind kind = Kind::Null;
  bool plain = true;      ///< A scalar without quotes.
  int line = 0;           ///< From 0.
  int column = 0;         ///< From 0, in bytes.
  std::size_t size = 1;   ///< Nodes below and including this one, aliases written out.
  std::size_t bytes = 0;  ///< Of text in them.
  std::string text;       ///< Of a scalar, as in the file.
  std::vector<const Node*> items;
  std::vector<std::pair<const Node*, const Node*>> entries;
};

/// Owns its nodes; an alias is a second pointer to the node it names.
struct Document {
  std::deque<Node> nodes;
  const Node* root = nullptr;
};

/// Parses exactly one document. Errors: no text, syntax, no or a second document, explicit tags,
/// and what is over one of the bounds above.
std::expected<Document, std::vector<Diagnostic>> parse_document(const SourceText& source,
                                                                const std::string& text);

/// The value of `key` in a map, or nullptr. The first one when a key stands twice.
const Node* find(const Node& map, std::string_view key);

}  // namespace fusegate::config_file
