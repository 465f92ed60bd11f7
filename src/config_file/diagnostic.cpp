#include "config_file/diagnostic.hpp"

#include "config_file/fill.hpp"
#include "config_file/plain_text.hpp"

#include <algorithm>

namespace fusegate::config_file {
namespace {

constexpr std::size_t kExcerptMax = 160;
constexpr std::size_t kQuotedMax = 64;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

int characters(std::string_view bytes) {
  return static_cast<int>(std::ranges::count_if(bytes, [](char c) { return !is_continuation(c); }));
}

/// Terminals act on control characters, and JSON is UTF-8; a configuration must not be able to
/// drive the one or break the other. Each byte that cannot be shown becomes another single one.
std::string printable(std::string_view text) {
  std::string result(text);
  for (std::size_t at = 0; at < result.size();) {
    const std::size_t length = utf8_sequence(std::string_view(result).substr(at));
    char& c = result[at];
    if (length == 0) {
      c = '?';
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      c = ' ';
    }
    at += std::max<std::size_t>(length, 1);
  }
  return result;
}

}  // namespace

std::string quoted(std::string_view text) {
  if (text.size() <= kQuotedMax) {
    return "\"" + printable(text) + "\"";
  }
  std::size_t end = kQuotedMax;
  while (end > 0 && is_continuation(text[end])) {
    --end;
  }
  return "\"" + printable(text.substr(0, end)) + "...\"";
}

SourceText::SourceText(std::string_view file, std::string_view text) : file_(file) {
  while (true) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    lines_.push_back(line);
    if (end == std::string_view::npos) {
      return;
    }
    text.remove_prefix(end + 1);
  }
}

std::string_view SourceText::line(int number) const {
  const auto index = static_cast<std::size_t>(number);
  return number >= 0 && index < lines_.size() ? lines_[index] : std::string_view{};
}

Diagnostic SourceText::at(Severity severity, int line_number, int column, int length) const {
  Diagnostic result;
  result.severity = severity;
  result.file = file_;
  const auto text = line(line_number);
  const auto start = std::min(static_cast<std::size_t>(std::max(column, 0)), text.size());
  const auto covered = text.substr(start, static_cast<std::size_t>(std::max(length, 1)));
  result.line = line_number + 1;
  result.column = characters(text.substr(0, start)) + 1;
  result.length = std::max(1, characters(covered));

  std::size_t from =
      start > kExcerptMax / 2 && text.size() > kExcerptMax ? start - kExcerptMax / 2 : 0;
  while (from > 0 && is_continuation(text[from])) {
    --from;
  }
  auto shown = text.substr(from, kExcerptMax);
  while (!shown.empty() && from + shown.size() < text.size() &&
         is_continuation(text[from + shown.size()])) {
    shown.remove_suffix(1);
  }
  result.excerpt = printable(shown);
  result.excerpt_column = characters(text.substr(from, start - from));
  result.length = std::min(result.length, std::max(1, characters(shown) - result.excerpt_column));
  return result;
}

std::string format(const Diagnostic& diagnostic, bool color) {
  const bool error = diagnostic.severity == Severity::Error;
  const std::string_view kind = error ? "error" : "warning";
  const std::string_view tint = !color ? "" : error ? "\033[1;31m" : "\033[1;35m";
  const std::string_view reset = color ? "\033[0m" : "";
  const auto hint = diagnostic.suggestion.empty() ? "" : " " + diagnostic.suggestion;
  const auto code = diagnostic.code.empty() ? "" : " [" + diagnostic.code + "]";
  if (diagnostic.line == 0) {
    return fill("{}: {}{}{}: {}{}{}{}\n", diagnostic.file, tint, kind, reset, diagnostic.message,
                hint.empty() ? "" : ";", hint, code);
  }
  const auto head = fill("{}:{}:{}: {}{}{}: {}{}\n", diagnostic.file, diagnostic.line,
                         diagnostic.column, tint, kind, reset, diagnostic.message, code);
  const auto number = std::to_string(diagnostic.line);
  const std::string pad(number.size() < 5 ? 5 - number.size() : 0, ' ');
  const std::string indent(static_cast<std::size_t>(diagnostic.excerpt_column), ' ');
  const std::string tail(static_cast<std::size_t>(std::max(0, diagnostic.length - 1)), '~');
  return fill("{}{}{} | {}\n      | {}{}^{}{}{}\n", head, pad, number, diagnostic.excerpt, indent,
              tint, tail, reset, hint);
}

}  // namespace fusegate::config_file
