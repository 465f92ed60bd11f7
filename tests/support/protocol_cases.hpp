#pragma once

#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

/// The cases of tests/e2e/protocol, which the end-to-end tests play on the binary; the form of the
/// files is told in tests/e2e/support/cases.py.
namespace fusegate::test {

struct ProtocolCase {
  std::string name;
  std::string request;   ///< Empty = a plain GET.
  std::string response;  ///< Empty in the cases of requests.
  std::string outcome;   ///< "pass", "refuse", ...
  unsigned number = 1;
};

inline std::string unescape(std::string_view text) {
  static constexpr std::string_view kLetters = "rnt0\\";
  static constexpr std::string_view kBytes{"\r\n\t\0\\", 5};
  std::string out;
  while (!text.empty()) {
    const std::size_t plain = text.find('\\');
    out.append(text.substr(0, plain));
    text.remove_prefix(plain == std::string_view::npos ? text.size() : plain);
    if (text.size() < 2) {
      break;
    }
    unsigned byte = 0;
    const bool hex = text[1] == 'x';
    if (hex) {
      std::from_chars(text.data() + 2, text.data() + 4, byte, 16);
    }
    out.push_back(hex ? static_cast<char>(byte) : kBytes[kLetters.find(text[1])]);
    text.remove_prefix(hex ? 4 : 2);
  }
  return out;
}

/// A line that begins with '>' or '<': "> text", ">> text" and ">*9 text".
inline void add_bytes(std::string_view line, ProtocolCase& out) {
  std::string& to = line.front() == '>' ? out.request : out.response;
  const std::size_t marks = line.size() > 1 && line[1] == line[0] ? 2 : 1;
  line.remove_prefix(marks);
  unsigned times = 1;
  if (line.starts_with('*')) {
    std::from_chars(line.data() + 1, line.data() + line.size(), times);
    line.remove_prefix(line.find(' '));
  }
  const std::string text =
      unescape(line.empty() ? line : line.substr(1)) + (marks == 2 ? "" : "\r\n");
  for (unsigned i = 0; i < times; ++i) {
    to += text;
  }
}

inline void add_line(std::string_view line, ProtocolCase& out) {
  if (line.starts_with('>') || line.starts_with('<')) {
    add_bytes(line, out);
    return;
  }
  const std::string_view word = line.substr(0, line.find(' '));
  for (const std::string_view outcome : {"refuse", "break", "stay", "pass", "drop", "cut"}) {
    if (word == outcome) {
      out.outcome = outcome;
      line.remove_prefix(std::min(word.size() + 1, line.size()));
      std::from_chars(line.data(), line.data() + line.size(), out.number);
    }
  }
}

/// `kind` is "requests" or "responses".
inline std::vector<ProtocolCase> protocol_cases(std::string_view kind) {
  std::vector<ProtocolCase> cases;
  const std::filesystem::path folder =
      std::filesystem::path{FUSEGATE_SOURCE_DIR} / "tests/e2e/protocol" / kind;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    std::ifstream file{entry.path()};
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("== ")) {
        cases.push_back({.name = line.substr(3)});
      } else if (!line.empty() && !line.starts_with('#')) {
        add_line(line, cases.back());
      }
    }
  }
  return cases;
}

}  // namespace fusegate::test
