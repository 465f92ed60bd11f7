#include "cli/completion.hpp"

#include "cli/command.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>

namespace fusegate::cli {

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
  std::string result;
  for (const std::string& text : texts) {
    result += result.empty() ? "" : separator;
    result += text;
  }
  return result;
}

std::string escaped(std::string_view text, std::string_view special, std::string_view escape) {
  std::string result;
  for (const char c : text) {
    if (special.contains(c)) {
      result += escape;
    }
    result += c;
  }
  return result;
}

std::vector<std::string> Word::spellings() const {
  std::vector<std::string> result;
  for (const std::string& name : short_names) {
    result.push_back("-" + name);
  }
  for (const std::string& name : long_names) {
    result.push_back("--" + name);
  }
  return result;
}

namespace {

/// What the help shows in braces is all that the value may be: "TEXT:{text,json}".
std::vector<std::string> choices_in(const std::string& type) {
  const auto open = type.find('{');
  const auto close = type.find('}', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) {
    return {};
  }
  return CLI::detail::split(type.substr(open + 1, close - open - 1), ',');
}

Word word_of(const CLI::Option& option) {
  Word word;
  word.short_names = option.get_snames();
  word.long_names = option.get_lnames();
  word.text = option.get_description();
  word.takes_value = option.get_items_expected_max() > 0;
  if (word.takes_value) {
    word.choices = choices_in(option.get_type_name());
    word.takes_file = option.get_type_name().starts_with("FILE");
  }
  return word;
}

std::vector<Word> options_of(const CLI::App& app) {
  std::vector<Word> result;
  for (const CLI::Option* option :
       app.get_options([](const CLI::Option* o) { return o->nonpositional(); })) {
    result.push_back(word_of(*option));
  }
  return result;
}

Verb verb_of(const CLI::App& app, const std::vector<Word>& global) {
  Verb verb{app.get_name(), app.get_description(), options_of(app), {}};
  // Each command has a --help of its own, which reads the same everywhere.
  std::erase_if(verb.options, [&](const Word& word) {
    return std::ranges::any_of(
        global, [&](const Word& other) { return other.long_names == word.long_names; });
  });
  for (const CLI::Option* option :
       app.get_options([](const CLI::Option* o) { return o->get_positional(); })) {
    verb.arguments.push_back(word_of(*option));
  }
  return verb;
}

CommandLine command_line() {
  Options ignored;
  CLI::App app;
  describe(app, ignored);
  CommandLine line{options_of(app), {}};
  for (const CLI::App* sub : std::as_const(app).get_subcommands(nullptr)) {
    if (sub->get_group() != kLaterGroup) {
      line.verbs.push_back(verb_of(*sub, line.options));
    }
  }
  return line;
}

void add_completion_options(CLI::App& command, Options& options) {
  command.add_option("SHELL", options.shell, "The shell to make it for")
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>{"bash", "zsh", "fish"}));
}

int completion(const Options& options) {
  const auto line = command_line();
  if (options.shell == "bash") {
    std::cout << bash_completion(line);
  } else if (options.shell == "zsh") {
    std::cout << zsh_completion(line);
  } else {
    std::cout << fish_completion(line);
  }
  return kOk;
}

}  // namespace

constexpr Command kCompletion{
    "completion", "Print a completion script for bash, zsh or fish.",
    "Examples:\n"
    "  fusegate completion bash > /usr/share/bash-completion/completions/fusegate\n"
    "  fusegate completion zsh > /usr/local/share/zsh/site-functions/_fusegate\n"
    "  fusegate completion fish > ~/.config/fish/completions/fusegate.fish",
    add_completion_options, completion};

}  // namespace fusegate::cli
