#include "cli/completion.hpp"

#include <algorithm>
#include <iterator>

namespace fusegate::cli {
namespace {

// The line is split at blanks and not taken from COMP_WORDS, which bash also splits at : and =.
constexpr std::string_view kBashHead =
    R"(# Completion of fusegate for bash, made by "fusegate completion bash".
_fusegate() {
  local current command="" option="" place=0 word choices=""
  local -a words
  COMPREPLY=()
  read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
  [[ ${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && words+=("")
  ((${#words[@]} > 1)) || return
  current=${words[-1]}
  for word in "${words[@]:1:${#words[@]}-2}"; do
    if [[ -n $option ]]; then
      option=""
      continue
    fi
    case $word in
)";
constexpr std::string_view kBashMiddle = R"(      -*) ;;
      *)
        if [[ -z $command ]]; then
          command=$word
        else
          ((++place))
        fi
        ;;
    esac
  done
  if [[ -z $option && $current == --*=* ]]; then
    option=${current%%=*}
    current=${current#*=}
  fi
  if [[ -n $option ]]; then
    case "$command $option" in
)";
constexpr std::string_view kFile = R"(compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
)";
constexpr std::string_view kOptions = R"(      *) return ;;
    esac
  elif [[ $current == -* ]]; then
    case $command in
)";
constexpr std::string_view kPlaces = R"(    esac
  else
    case "$command $place" in
)";
constexpr std::string_view kBashTail = R"(    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
}
complete -F _fusegate fusegate
)";

/// The names of all options that are followed by a value, as a pattern of `case`.
std::string valued(const CommandLine& line) {
  std::vector<Word> words = line.options;
  for (const Verb& verb : line.verbs) {
    words.insert(words.end(), verb.options.begin(), verb.options.end());
  }
  std::erase_if(words, [](const Word& word) { return !word.takes_value; });
  std::vector<std::string> names;
  for (const Word& word : words) {
    std::ranges::copy_if(word.spellings(), std::back_inserter(names), [&](const auto& spelling) {
      return std::ranges::find(names, spelling) == names.end();
    });
  }
  return joined(names, " | ");
}

std::string choose(const std::string& pattern, const std::string& choices) {
  return "      " + pattern + ") choices=\"" + choices + "\" ;;\n";
}

/// What completes the value of each option; `command` is a pattern, * for any.
std::string values(const std::string& command, const std::vector<Word>& options) {
  std::string result;
  for (const Word& word : options) {
    if (!word.takes_file && word.choices.empty()) {
      continue;
    }
    std::vector<std::string> patterns;
    for (const std::string& spelling : word.spellings()) {
      patterns.push_back(command + "\" " + spelling + "\"");
    }
    const auto pattern = joined(patterns, " | ");
    result += word.takes_file ? "      " + pattern + ")\n        " + std::string(kFile)
                              : choose(pattern, joined(word.choices, " "));
  }
  return result;
}

std::string names(const std::vector<Word>& options) {
  std::string result;
  for (const Word& word : options) {
    result += (result.empty() ? "" : " ") + joined(word.spellings(), " ");
  }
  return result;
}

std::string arguments(const Verb& verb) {
  std::string result;
  for (std::size_t place = 0; place < verb.arguments.size(); ++place) {
    const Word& word = verb.arguments[place];
    const auto pattern = "\"" + verb.name + " " + std::to_string(place) + "\"";
    if (word.takes_file) {
      result += "      " + pattern + ")\n        " + std::string(kFile);
    } else if (!word.choices.empty()) {
      result += choose(pattern, joined(word.choices, " "));
    }
  }
  return result;
}

}  // namespace

std::string bash_completion(const CommandLine& line) {
  std::vector<std::string> verbs;
  std::string of_values = values("*", line.options);
  std::string of_options = choose("\"\"", names(line.options));
  std::string of_places;
  for (const Verb& verb : line.verbs) {
    verbs.push_back(verb.name);
    of_values += values(verb.name, verb.options);
    auto all = verb.options;
    all.insert(all.end(), line.options.begin(), line.options.end());
    of_options += choose(verb.name, names(all));
    of_places += arguments(verb);
  }
  return std::string(kBashHead) + "      " + valued(line) + ") option=$word ;;\n" +
         std::string(kBashMiddle) + of_values + std::string(kOptions) + of_options +
         std::string(kPlaces) + choose("\" 0\"", joined(verbs, " ")) + of_places +
         std::string(kBashTail);
}

}  // namespace fusegate::cli
