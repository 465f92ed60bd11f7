#include "cli/completion.hpp"

namespace fusegate::cli {
namespace {

constexpr std::string_view kZshHead = R"(#compdef fusegate
# Completion of fusegate for zsh, made by "fusegate completion zsh".
_fusegate() {
  local curcontext=$curcontext state line
  local -a options commands
  typeset -A opt_args
)";
// Inside `rest` the words begin with the command, so that a command has its own _arguments.
constexpr std::string_view kZshMiddle = R"(  )
  _arguments -C $options '1:command:->command' '*::argument:->rest' && return
  case $state in
    command) _describe -t commands command commands ;;
    rest)
      case $words[1] in
)";
constexpr std::string_view kZshTail = R"(      esac
      ;;
  esac
}
if [[ $funcstack[1] == _fusegate ]]; then
  _fusegate "$@"
else
  compdef _fusegate fusegate
fi
)";

/// In single quotes.
std::string zsh_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return result + "'";
}

/// The part of an _arguments specification that completes a value: ":what:how".
std::string zsh_value(const Word& word) {
  if (word.takes_file) {
    return ":file:_files";
  }
  return word.choices.empty() ? ":value: " : ":value:(" + joined(word.choices, " ") + ")";
}

std::string specification(const Word& word) {
  const auto text = "[" + escaped(word.text, "[]\\", "\\") + "]";
  const auto all = joined(word.spellings(), " ");
  std::string result;
  for (const std::string& name : word.spellings()) {
    const bool is_long = name.starts_with("--");
    const auto form = !word.takes_value ? name : name + (is_long ? "=" : "+");
    result += (result.empty() ? "" : " ") +
              zsh_quoted("(" + all + ")" + form + text + (word.takes_value ? zsh_value(word) : ""));
  }
  return result;
}

std::string command(const Verb& verb) {
  std::string result = "        " + verb.name + ")\n          _arguments $options";
  for (const Word& word : verb.options) {
    result += " \\\n            " + specification(word);
  }
  for (std::size_t place = 0; place < verb.arguments.size(); ++place) {
    result += " \\\n            " +
              zsh_quoted(std::to_string(place + 1) + zsh_value(verb.arguments[place]));
  }
  return result + "\n          ;;\n";
}

}  // namespace

std::string zsh_completion(const CommandLine& line) {
  std::string result = std::string(kZshHead) + "  commands=(\n";
  for (const Verb& verb : line.verbs) {
    result += "    " + zsh_quoted(verb.name + ":" + escaped(verb.text, ":\\", "\\")) + "\n";
  }
  result += "  )\n  options=(\n";
  for (const Word& word : line.options) {
    result += "    " + specification(word) + "\n";
  }
  result += kZshMiddle;
  for (const Verb& verb : line.verbs) {
    result += command(verb);
  }
  return result + std::string(kZshTail);
}

}  // namespace fusegate::cli
