#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fusegate::config_file {

enum class Severity { Error, Warning };

/// One finding in a configuration. `line` and `column` count from 1, in characters; line 0 means
/// that the finding has no place in the file (a variable of the environment, an empty file).
struct Diagnostic {
  Severity severity = Severity::Error;
  std::string file;
  int line = 0;
  int column = 0;
  int length = 1;
  std::string path;        ///< The key, e.g. "upstreams.payments.retries"; empty for syntax errors.
  std::string message;     ///< One line: what is wrong and what was expected.
  std::string suggestion;  ///< What to write instead; may be empty.
  std::string excerpt;     ///< The line of the file, made printable and at most 160 bytes long.
  int excerpt_column = 0;  ///< Where in the excerpt the finding begins, from 0.
  std::string code;  ///< Of a warning: its section in docs/warnings.md, e.g. "route-shadowed".
  std::vector<std::pair<std::string, double>> numbers;  ///< The figures of a warning by name.

  bool operator==(const Diagnostic&) const = default;
};

/// The block a person reads: `file:line:column: error: message`, the line of the file, and a marker
/// with the suggestion under it. A warning
/// ends with its [code]. Ends with a newline. `color` adds terminal colours.
std::string format(const Diagnostic& diagnostic, bool color = false);

/// `text` in double quotes for a message: control characters replaced, cut after 64 bytes.
std::string quoted(std::string_view text);

/// The lines of a file, for places and excerpts. Holds a view: the text must outlive it.
class SourceText {
 public:
  SourceText(std::string_view file, std::string_view text);

  /// A diagnostic at `line` and byte `column` (both from 0) that covers `length` bytes.
  Diagnostic at(Severity severity, int line, int column, int length) const;
  std::string_view line(int number) const;
  std::string_view file() const { return file_; }

 private:
  std::string_view file_;
  std::vector<std::string_view> lines_;
};

}  // namespace fusegate::config_file
