#include "cli/completion.hpp"

namespace fusegate::cli {
namespace {

/// In single quotes.
std::string fish_quoted(std::string_view text) { return "'" + escaped(text, "'\\", "\\") + "'"; }

/// How the value of an option or an argument is completed.
std::string fish_value(const Word& word) {
  if (word.takes_file) {
    return " -r -F";
  }
  return word.choices.empty() ? " -x" : " -x -a " + fish_quoted(joined(word.choices, " "));
}

std::string option(const std::string& when, const Word& word) {
  std::string result = "complete -c fusegate" + when;
  for (const std::string& name : word.short_names) {
    result += " -s " + name;
  }
  for (const std::string& name : word.long_names) {
    result += " -l " + name;
  }
  return result + (word.takes_value ? fish_value(word) : "") + " -d " + fish_quoted(word.text) +
         "\n";
}

}  // namespace

std::string fish_completion(const CommandLine& line) {
  std::vector<std::string> verbs;
  for (const Verb& verb : line.verbs) {
    verbs.push_back(verb.name);
  }
  const auto none = " -n 'not __fish_seen_subcommand_from " + joined(verbs, " ") + "'";
  std::string result =
      "# Completion of fusegate for fish, made by \"fusegate completion fish\".\n"
      "complete -c fusegate -f\n";
  for (const Word& word : line.options) {
    result += option("", word);
  }
  for (const Verb& verb : line.verbs) {
    result +=
        "complete -c fusegate" + none + " -a " + verb.name + " -d " + fish_quoted(verb.text) + "\n";
    const auto when = " -n '__fish_seen_subcommand_from " + verb.name + "'";
    for (const Word& word : verb.options) {
      result += option(when, word);
    }
    for (const Word& word : verb.arguments) {
      result += "complete -c fusegate" + when + fish_value(word) + "\n";
    }
  }
  return result;
}

}  // namespace fusegate::cli
