// The rules of ARCHITECTURE.md and CONTRIBUTING.md that a program can hold. Every finding names the
// file, the line and the rule, and says what to do instead.
#include "tidy/rules.hpp"
#include "tidy/tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <string>

namespace fusegate::tidy {
namespace {

bool is_product(const Source& source) { return !source.folder.empty(); }

void report(const Source& source, std::size_t line, const std::string& rule) {
  ADD_FAILURE() << source.path << ":" << line << ": " << rule;
}

/// The folder of this project that an include names, or nothing for a library.
std::string included_folder(const std::string& name) {
  const std::string inside = name.starts_with("fusegate/") ? name.substr(9) : name;
  const std::string folder = inside.substr(0, inside.find('/'));
  return kMayInclude.contains(folder) && folder != inside ? folder : std::string();
}

std::string joined(const Names& names) {
  std::string text;
  for (const auto& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text.empty() ? "no other folder" : text;
}

TEST(Tidy, TheTreeIsWhereWeLook) { EXPECT_GT(std::ranges::count_if(tree(), is_product), 20); }

TEST(Tidy, EveryFolderHasARowInTheTable) {
  for (const auto& source : tree()) {
    if (is_product(source) && !kMayInclude.contains(source.folder)) {
      report(source, 1, "folder \"" + source.folder + "\" has no row in kMayInclude");
    }
  }
}

TEST(Tidy, FoldersIncludeOnlyWhatTheTableAllows) {
  for (const auto& source : tree()) {
    const auto row = kMayInclude.find(source.folder);
    if (row == kMayInclude.end()) {
      continue;
    }
    each_include(source, [&](std::size_t line, const std::string& name) {
      const std::string target = included_folder(name);
      if (!target.empty() && target != source.folder && !row->second.contains(target)) {
        report(source, line,
               "includes " + name + ", but " + source.folder + " may include " +
                   joined(row->second) + "; move the code, or pass the value in");
      }
    });
  }
}

TEST(Tidy, PublicHeadersDoNotIncludePrivateOnes) {
  for (const auto& source : tree()) {
    each_include(source, [&](std::size_t line, const std::string& name) {
      const bool ours = !included_folder(name).empty();
      if (source.path.starts_with("include/") && ours && !name.starts_with("fusegate/")) {
        report(source, line, "a header under include/ includes the private " + name);
      }
    });
  }
}

TEST(Tidy, EachLibraryHasOneHome) {
  for (const auto& source : tree()) {
    if (!is_product(source)) {
      continue;
    }
    each_include(source, [&](std::size_t line, const std::string& name) {
      const auto rule = std::ranges::find_if(
          kConfined, [&](const Confinement& entry) { return name.starts_with(entry.prefix); });
      if (rule != kConfined.end() && !rule->homes.contains(source.folder)) {
        report(source, line,
               "includes " + name + ", which belongs to " + joined(rule->homes) +
                   "; use the interface of that folder");
      }
    });
  }
}

TEST(Tidy, PureCodeKnowsNoWorld) {
  static const std::regex words(
      R"(\b(system_clock|steady_clock|high_resolution_clock)::now|::clock_gettime|\bgettimeofday\s*\(|)"
      R"(\bstd::(jthread|thread|mutex|shared_mutex|condition_variable|random_device)\b|)"
      R"(\bstd::(cout|cerr|clog)\b|\bgetenv\s*\()");
  for (const auto& source : tree()) {
    if (!kPure.contains(source.folder) && !source.path.starts_with("include/")) {
      continue;
    }
    each_include(source, [&](std::size_t line, const std::string& name) {
      if (std::regex_match(name, kWorldlyHeader)) {
        report(source, line, "pure code includes <" + name + ">; take the value as an argument");
      }
    });
    for (std::size_t i = 0; i < source.code.size(); ++i) {
      if (std::smatch match; std::regex_search(source.code[i], match, words)) {
        report(source, i + 1, "pure code uses " + match.str() + "; take the value as an argument");
      }
    }
  }
}

TEST(Tidy, NoBannedWords) {
  for (const auto& source : tree()) {
    for (const auto& rule : kBanned) {
      if (std::regex_match(source.path, rule.allowed_in)) {
        continue;
      }
      for (std::size_t i = 0; i < source.code.size(); ++i) {
        if (std::regex_search(source.code[i], rule.pattern)) {
          report(source, i + 1, "`" + rule.name + "` is not used here: " + rule.instead);
        }
      }
    }
  }
}

TEST(Tidy, NoUnfinishedBusiness) {
  // Spelled apart so that this file does not find itself.
  static const std::regex words(
      "\\b(FIX"
      "ME|TO"
      "DO|XX"
      "X)\\b");
  for (const auto& source : tree()) {
    for (std::size_t i = 0; i < source.raw.size(); ++i) {
      if (std::smatch match; std::regex_search(source.raw[i], match, words)) {
        report(source, i + 1,
               match.str() + " is not merged: do it, or open an issue and delete it");
      }
    }
  }
}

TEST(Tidy, FilesAreShort) {
  for (const auto& source : tree()) {
    const auto frozen = kTooLong.find(source.path);
    const std::size_t limit = frozen == kTooLong.end() ? kMaxLines : frozen->second;
    if (source.raw.size() > limit) {
      report(source, source.raw.size(),
             "more than " + std::to_string(limit) + " lines; give each mechanism its own file");
    }
    if (frozen != kTooLong.end() && source.raw.size() <= kMaxLines) {
      report(source, 1, "is short again; take it out of kTooLong");
    }
  }
}

TEST(Tidy, HeadersBeginWithPragmaOnce) {
  for (const auto& source : tree()) {
    if (source.path.ends_with(".hpp") &&
        std::ranges::find(source.raw, "#pragma once") == source.raw.end()) {
      report(source, 1, "a header without #pragma once");
    }
  }
}

TEST(Tidy, TestNamesAreSentences) {
  static const std::regex name(R"(^\s*TEST(?:_F|_P)?\((\w+),\s*(\w+)\).*)");
  for (const auto& source : tree()) {
    for (std::size_t i = 0; i < source.raw.size(); ++i) {
      std::smatch match;
      if (std::regex_match(source.raw[i], match, name) &&
          match[2].str().find('_') != std::string::npos) {
        report(source, i + 1, match[2].str() + ": test names are PascalCase sentences");
      }
    }
  }
}

TEST(Tidy, ProseIsBlankedButLinesStay) {
  const std::string text =
      "a; // x::now()\nb(\"\\\"::now(\", '\"'); /* ::now(\n */ c::now(10'000);\n";
  const std::string code = without_prose(text);
  EXPECT_EQ(std::ranges::count(code, '\n'), 3);
  EXPECT_EQ(code.find("::now("), code.rfind("::now("));
  EXPECT_EQ(lines_of(code)[2], "    c::now(10'000);");
}

}  // namespace
}  // namespace fusegate::tidy
