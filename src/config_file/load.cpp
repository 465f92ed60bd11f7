#include "config_file/config_file.hpp"
#include "config_file/fill.hpp"
#include "config_file/hash.hpp"
#include "config_file/print.hpp"
#include "config_file/sections.hpp"

#include <memory>

namespace fusegate::config_file {
namespace {

/// Reads the overrides like any other scalar; their errors name the source instead of a line.
void apply_overrides(std::span<const Override> overrides, Scope& root,
                     std::vector<Diagnostic>& errors) {
  for (const Override& item : overrides) {
    const Key* const key = find_key(kGlobalLevels, item.path);
    if (key == nullptr) {
      continue;
    }
    Node node;
    node.kind = Node::Kind::Scalar;
    node.text = item.value;
    const SourceText source(item.source, item.value);
    const Environment none;
    Reader reader(source, none);
    reader.field(*key, Cursor{&node, item.path}, root);
    // The node dies here; nothing may point to it later.
    root.set.erase(item.path);
    for (Diagnostic& diagnostic : reader.take()) {
      diagnostic.line = 0;
      errors.push_back(std::move(diagnostic));
    }
  }
}

void note_secrets(const Scope& scope, Levels levels, const std::string& prefix,
                  std::vector<std::string>& redacted) {
  for (const auto& [path, setting] : scope.set) {
    if (setting.secret && find_key(levels, path) != nullptr) {
      redacted.push_back(prefix + path);
    }
  }
}

/// The finished value. Only called without errors, so every reference holds.
config::ConfigPtr assemble(Draft& draft) {
  config::Config result = std::move(draft.root.global);
  note_secrets(draft.root, kGlobalLevels, "", result.redacted);
  for (Scope& scope : draft.upstreams) {
    note_secrets(scope, kUpstreamLevels, fill("upstreams.{}.", scope.upstream.name),
                 result.redacted);
    result.upstreams.push_back(std::move(scope.upstream));
  }
  for (std::size_t i = 0; i < draft.routes.size(); ++i) {
    note_secrets(draft.routes[i], kRouteLevels, fill("routes[{}].", i), result.redacted);
    result.routes.push_back(std::move(draft.routes[i].route));
  }
  for (std::size_t i = 0; i < draft.listeners.size(); ++i) {
    note_secrets(draft.listeners[i], kListenerLevels, fill("listeners[{}].", i), result.redacted);
    result.listeners.push_back(std::move(draft.listeners[i].listener));
  }
  result.hash = sha256_hex(to_yaml(print(result, Secrets::Show)));
  return std::make_shared<const config::Config>(std::move(result));
}

/// Gives each problem of a file the place of the setting that names it.
void tell_files(Reader& reader, const Draft& draft, const std::vector<FileProblem>& problems) {
  for (const FileProblem& problem : problems) {
    const bool of_listener = problem.section == advice::Section::Listener;
    const Scope& scope = (of_listener ? draft.listeners : draft.upstreams)[problem.index];
    const auto setting = scope.set.find(problem.key);
    if (setting == scope.set.end()) {
      continue;
    }
    const Cursor& at = setting->second.cursor;
    const auto message = fill("{}: {}", at.path, problem.message);
    if (problem.warning) {
      reader.warning(at, message).code = kFileWarning;
    } else {
      reader.error(at, message);
    }
  }
}

void append(std::vector<Diagnostic>& all, std::vector<Diagnostic> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

std::expected<Loaded, std::vector<Diagnostic>> load(const std::string& text,
                                                    const std::string& filename,
                                                    const Environment& env,
                                                    std::span<const Override> overrides,
                                                    const advice::Assumptions& given,
                                                    const FileCheck& check_files) {
  const SourceText source(filename, text);
  const auto document = parse_document(source, text);
  if (!document) {
    return std::unexpected(document.error());
  }
  Reader reader(source, env);
  Draft draft;
  const Cursor file{document->root, ""};
  reader.settings(file, "", kGlobalLevels, draft.root);
  std::vector<Diagnostic> found;
  apply_overrides(overrides, draft.root, found);
  const bool overrides_failed = !found.empty();

  if (const auto section = draft.root.set.find("defaults"); section != draft.root.set.end()) {
    const Cursor at = section->second.cursor;
    reader.settings(at, "", kDefaultsLevels, draft.root);
  }
  if (file.node->kind == Node::Kind::Map) {
    read_upstreams(reader, file, draft);
    read_routes(reader, file, draft);
    read_listeners(reader, file, draft);
    check_relations(reader, draft);
  }
  const bool unfinished = reader.failed() || overrides_failed;
  const auto config = unfinished ? nullptr : assemble(draft);
  if (config != nullptr) {
    warn(reader, draft, file, *config, given);
  }
  if (config != nullptr && check_files) {
    tell_files(reader, draft, check_files(*config));
  }
  const bool failed = reader.failed() || overrides_failed;
  append(found, reader.take());
  if (found.size() > kDiagnosticsMax) {
    found.resize(kDiagnosticsMax);
  }
  if (failed) {
    return std::unexpected(std::move(found));
  }
  return Loaded{config, std::move(found)};
}

}  // namespace fusegate::config_file
