#include "tidy/tree.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

namespace fusegate::tidy {
namespace {

namespace fs = std::filesystem;

bool is_word(char letter) {
  return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
         (letter >= 'A' && letter <= 'Z') || letter == '_';
}

/// One past the end of the literal whose opening quote is at `at`; escapes are skipped.
std::size_t end_of_quoted(const std::string& text, std::size_t at) {
  const char quote = text[at];
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == quote || text[i] == '\n') {
      return i + 1;
    }
  }
  return text.size();
}

/// One past the end of the raw string whose opening quote is at `at`.
std::size_t end_of_raw(const std::string& text, std::size_t at) {
  const std::size_t open = text.find('(', at);
  if (open == std::string::npos) {
    return text.size();
  }
  const std::string close = ")" + text.substr(at + 1, open - at - 1) + "\"";
  const std::size_t end = text.find(close, open);
  return end == std::string::npos ? text.size() : end + close.size();
}

/// One past the end of the comment or literal that begins at `at`; `at` when none does. A quote
/// after a digit separates digits (10'000) and begins nothing.
std::size_t end_of_prose(const std::string& text, std::size_t at) {
  if (text.compare(at, 2, "//") == 0) {
    return std::min(text.find('\n', at), text.size());
  }
  if (text.compare(at, 2, "/*") == 0) {
    const std::size_t end = text.find("*/", at + 2);
    return end == std::string::npos ? text.size() : end + 2;
  }
  const bool after_word = at > 0 && is_word(text[at - 1]);
  if (text[at] == '"') {
    return after_word && text[at - 1] == 'R' ? end_of_raw(text, at) : end_of_quoted(text, at);
  }
  return text[at] == '\'' && !after_word ? end_of_quoted(text, at) : at;
}

std::string folder_of(const std::string& path) {
  static const std::regex pattern(R"(^(?:src|include/fusegate)/([^/]+)/.*)");
  std::smatch match;
  return std::regex_match(path, match, pattern) ? match[1].str() : std::string();
}

Source read(const fs::path& file, const fs::path& root) {
  std::ifstream stream(file);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const std::string path = fs::relative(file, root).generic_string();
  return {.path = path,
          .folder = folder_of(path),
          .raw = lines_of(text),
          .code = lines_of(without_prose(text))};
}

std::vector<Source> read_tree() {
  const fs::path root = FUSEGATE_SOURCE_DIR;
  std::vector<Source> sources;
  for (const char* top : {"include", "src", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const auto extension = entry.path().extension();
      if (entry.is_regular_file() && (extension == ".hpp" || extension == ".cpp")) {
        sources.push_back(read(entry.path(), root));
      }
    }
  }
  std::ranges::sort(sources, {}, &Source::path);
  return sources;
}

}  // namespace

const std::vector<Source>& tree() {
  static const std::vector<Source> sources = read_tree();
  return sources;
}

std::string without_prose(const std::string& text) {
  std::string result = text;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = end_of_prose(text, at);
    for (std::size_t i = at; i < end; ++i) {
      result[i] = text[i] == '\n' ? '\n' : ' ';
    }
    at = std::max(end, at + 1);
  }
  return result;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

void each_include(const Source& source,
                  const std::function<void(std::size_t, const std::string&)>& visit) {
  static const std::regex pattern(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"].*)");
  for (std::size_t i = 0; i < source.raw.size(); ++i) {
    std::smatch match;
    if (source.raw[i].size() < 200 && std::regex_match(source.raw[i], match, pattern)) {
      visit(i + 1, match[1].str());
    }
  }
}

}  // namespace fusegate::tidy
