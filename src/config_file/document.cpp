#include "config_file/document.hpp"

#include "config_file/fill.hpp"
#include "config_file/plain_text.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

namespace fusegate::config_file {
namespace {

/// Thrown through the parser to stop it; never leaves this file.
struct Stop {
  int line;
  int column;
  std::string message;
};

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Document& document) : document_(document) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      throw Stop{mark.line, mark.column,
                 "a second document begins here; a configuration is one document"};
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(make(Node::Kind::Null, mark, anchor));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node& node = make(Node::Kind::Scalar, mark, anchor);
    node.plain = tag != "!";
    node.text = value;
    node.bytes = value.size();
    refuse_tag(mark, tag);
    add(node);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    const bool open =
        found == anchors_.end() || std::ranges::find(open_, found->second) != open_.end();
    if (open) {
      throw Stop{mark.line, mark.column, "this alias stands inside the value it names"};
    }
    alias_mark_ = mark;
    add(*found->second);
    alias_mark_.reset();
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(make(Node::Kind::List, mark, anchor));
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(make(Node::Kind::Map, mark, anchor));
  }
  void OnMapEnd() override { close(); }

 private:
  Node& make(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    Node& node = document_.nodes.emplace_back();
    node.kind = kind;
    node.line = mark.line;
    node.column = mark.column;
    if (anchor != 0) {
      anchors_[anchor] = &node;
    }
    return node;
  }

  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Stop{mark.line, mark.column, "tags such as !!str are not part of the configuration"};
    }
  }

  void open(Node& node) {
    if (open_.size() >= kDepthMax) {
      throw Stop{node.line, node.column, fill("nested more than {} levels deep", kDepthMax)};
    }
    open_.push_back(&node);
    keys_.push_back(nullptr);
  }

  void close() {
    Node& node = *open_.back();
    open_.pop_back();
    keys_.pop_back();
    add(node);
  }

  void add(const Node& node) {
    if (open_.empty()) {
      document_.root = &node;
      return;
    }
    Node& parent = *open_.back();
    parent.size += node.size;
    parent.bytes += node.bytes;
    if (parent.size > kNodesMax) {
      stop_at(node, fill("more than {} values, with every alias written out", kNodesMax));
    }
    if (parent.bytes > kTextBytesMax) {
      stop_at(node, "more than 4 MiB of text, with every alias written out");
    }
    if (parent.kind == Node::Kind::List) {
      parent.items.push_back(&node);
      return;
    }
    if (keys_.back() == nullptr) {
      if (node.text.size() > kKeyBytesMax) {
        stop_at(node, fill("a key is longer than {} bytes", kKeyBytesMax));
      }
      keys_.back() = &node;
      return;
    }
    parent.entries.emplace_back(keys_.back(), &node);
    keys_.back() = nullptr;
  }

  /// Where the value stands that the parser reads now: an alias, or the node itself.
  [[noreturn]] void stop_at(const Node& node, std::string message) const {
    throw Stop{alias_mark_ ? alias_mark_->line : node.line,
               alias_mark_ ? alias_mark_->column : node.column, std::move(message)};
  }

  Document& document_;
  std::map<YAML::anchor_t, Node*> anchors_;
  std::vector<Node*> open_;
  std::vector<const Node*> keys_;  ///< For each open map: the key that waits for its value.
  std::optional<YAML::Mark> alias_mark_;
  int documents_ = 0;
};

std::vector<Diagnostic> failure(const SourceText& source, int line, int column,
                                std::string message) {
  Diagnostic diagnostic = source.at(Severity::Error, std::max(line, 0), std::max(column, 0), 1);
  diagnostic.message = std::move(message);
  return {diagnostic};
}

}  // namespace

std::expected<Document, std::vector<Diagnostic>> parse_document(const SourceText& source,
                                                                const std::string& text) {
  if (text.size() > kFileBytesMax) {
    return std::unexpected(failure(source, 0, 0, "the file is larger than 1 MiB"));
  }
  if (const auto flaw = find_not_text(text)) {
    return std::unexpected(failure(source, flaw->line, flaw->column, std::string(flaw->why)));
  }
  Document document;
  TreeBuilder builder(document);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop& stop) {
    return std::unexpected(failure(source, stop.line, stop.column, stop.message));
  } catch (const YAML::Exception& error) {
    return std::unexpected(
        failure(source, error.mark.line, error.mark.column, "not valid YAML: " + error.msg));
  }
  if (document.root == nullptr || document.root->kind == Node::Kind::Null) {
    return std::unexpected(
        failure(source, 0, 0, "the file is empty; it needs at least upstreams with one upstream"));
  }
  return document;
}

const Node* find(const Node& map, std::string_view key) {
  const auto found = std::ranges::find_if(
      map.entries, [key](const auto& entry) { return entry.first->text == key; });
  return found == map.entries.end() ? nullptr : found->second;
}

}  // namespace fusegate::config_file
