#pragma once

#include <functional>
#include <string>
#include <vector>

/// The C++ files of the repository as text, for rules about them.
namespace fusegate::tidy {

struct Source {
  std::string path;               ///< Relative to the top of the repository.
  std::string folder;             ///< src/net/x.cpp and include/fusegate/net/x.hpp: "net".
  std::vector<std::string> raw;   ///< Lines as they are.
  std::vector<std::string> code;  ///< The same lines with comments and literals blanked.
};

/// Every .hpp and .cpp under include, src and tests, sorted by path; read once.
const std::vector<Source>& tree();

/// Blanks comments and the inside of string and character literals, and keeps every line in its
/// place, so that a rule about code does not fire on prose.
std::string without_prose(const std::string& text);

std::vector<std::string> lines_of(const std::string& text);

/// Calls `visit(line number, text between the brackets)` for each include of a file.
void each_include(const Source& source,
                  const std::function<void(std::size_t, const std::string&)>& visit);

}  // namespace fusegate::tidy
