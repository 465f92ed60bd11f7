#pragma once

#include "config_file/diagnostic.hpp"
#include "config_file/document.hpp"
#include "config_file/keys.hpp"
#include "config_file/variables.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fusegate::config_file {

/// Findings that get a suggestion. Looking for one costs more than all the rest.
inline constexpr std::size_t kSuggestionsMax = 50;
/// For lists that upstreams and routes inherit: each of them gets a copy.
inline constexpr std::size_t kShortListMax = 64;

/// Reads nodes as typed values and collects what is wrong with them. Every reading function
/// returns nullopt after it has reported an error, so that reading goes on to find the next one.
class Reader {
 public:
  Reader(const SourceText& source, const Environment& env) : source_(source), env_(env) {}

  void error(const Cursor& at, std::string message, std::string suggestion = {});
  /// Returns the finding, to be completed before the next one.
  Diagnostic& warning(const Cursor& at, std::string message, std::string suggestion = {});

  /// A scalar after substitution. `expected` completes "expected ...", e.g. "a duration".
  struct Scalar {
    std::string text;
    bool plain = true;
    bool secret = false;
  };
  std::optional<Scalar> scalar(const Cursor& at, std::string_view expected);
  std::optional<std::string> text(const Cursor& at);
  /// As `text`, but an empty one in quotes is fine.
  std::optional<std::string> text_or_empty(const Cursor& at);
  std::optional<std::size_t> word(const Cursor& at, std::span<const std::string_view> words);
  std::optional<Duration> duration(const Cursor& at, Duration min, Duration max);
  std::optional<std::uint64_t> integer(const Cursor& at, std::uint64_t min, std::uint64_t max);
  std::optional<bool> boolean(const Cursor& at);

  /// The items of a list; empty after an error, as when there are more than `most`.
  std::vector<Cursor> list(const Cursor& at, std::string_view expected,
                           std::size_t most = kNodesMax);

  struct Entry {
    std::string name;
    Cursor key;    ///< Its path is that of the map.
    Cursor value;  ///< Its path ends with the key.
  };
  /// The entries of a map without the `x-*` keys (unless `keep_x`); duplicates are reported, and
  /// so are more than `most`.
  std::vector<Entry> map(const Cursor& at, std::string_view expected, bool keep_x = false,
                         std::size_t most = kNodesMax);

  /// Reads a map of keys of the table at `levels` whose paths begin with `prefix` ("" or "match.").
  void settings(const Cursor& at, std::string_view prefix, Levels levels, Scope& scope);
  /// Reads the value of one key.
  void field(const Key& key, const Cursor& at, Scope& scope);

  /// The text of a scalar after substitution, or an empty one; reports nothing.
  std::string peek(const Node& node) const;

  /// Adds the size of a compiled expression. False when all of them have become too large.
  bool takes_expression(std::size_t size);

  bool failed() const { return failed_; }
  /// The nearest of `names`, or nothing when there is none, or after
  /// `kSuggestionsMax` findings.
  std::string meant(std::string_view name, std::span<const std::string_view> names) const;
  /// Everything found, in the order of the file, each once.
  std::vector<Diagnostic> take();

 private:
  Diagnostic& report(Severity severity, const Cursor& at, std::string message,
                     std::string suggestion);
  void wrong_kind(const Cursor& at, std::string_view expected);
  void unknown_key(const Entry& entry, std::string_view prefix, Levels levels);
  int length_of(const Node& node) const;

  const SourceText& source_;
  const Environment& env_;
  std::vector<Diagnostic> found_;
  Diagnostic dropped_;  ///< Takes what is found when too much has been found before.
  std::size_t substituted_bytes_ = 0;
  std::size_t expressions_size_ = 0;
  bool failed_ = false;
  bool secret_ = false;  ///< A secret variable was read since the current field began.
  int order_ = 0;
};

}  // namespace fusegate::config_file
