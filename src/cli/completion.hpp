#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Completion scripts, made from the same description of the command line that parses it.
namespace fusegate::cli {

/// An option, or an argument without a name.
struct Word {
  std::vector<std::string> short_names;  ///< Without the dash.
  std::vector<std::string> long_names;   ///< Without the dashes.
  std::string text;
  bool takes_value = false;
  bool takes_file = false;           ///< Complete its value with files.
  std::vector<std::string> choices;  ///< All values it may have; empty = any.

  /// As they are typed: {"-c", "--config"}.
  std::vector<std::string> spellings() const;
};

struct Verb {
  std::string name;
  std::string text;
  std::vector<Word> options;    ///< Its own; the global ones may follow it too.
  std::vector<Word> arguments;  ///< In the order of their places.
};

struct CommandLine {
  std::vector<Word> options;  ///< The global ones.
  std::vector<Verb> verbs;
};

std::string bash_completion(const CommandLine& line);
std::string zsh_completion(const CommandLine& line);
std::string fish_completion(const CommandLine& line);

/// The texts with `separator` between them.
std::string joined(const std::vector<std::string>& texts, std::string_view separator);
/// `text` with `escape` before each character that is one of `special`.
std::string escaped(std::string_view text, std::string_view special, std::string_view escape);

}  // namespace fusegate::cli
