#include "config_file/reader.hpp"

#include <fusegate/route/expression.hpp>

#include "config_file/config_file.hpp"
#include "config_file/fill.hpp"
#include "config_file/scalars.hpp"
#include "config_file/suggest.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace fusegate::config_file {
namespace {

/// What is peeked at is a name.
constexpr std::size_t kPeekedMax = 1024;

std::string_view kind_name(const Node& node) {
  switch (node.kind) {
    case Node::Kind::Null:
      return "nothing";
    case Node::Kind::Scalar:
      return "a single value";
    case Node::Kind::List:
      return "a list";
    case Node::Kind::Map:
      return "a map of keys";
  }
  return "";
}

std::string words_of(std::span<const std::string_view> words) {
  std::string result;
  for (std::size_t i = 0; i < words.size(); ++i) {
    result += i == 0 ? "" : i + 1 == words.size() ? " or " : ", ";
    result += words[i];
  }
  return result;
}

std::string prefixed(const std::string& path, std::string_view message) {
  return path.empty() ? std::string(message) : fill("{}: {}", path, message);
}

}  // namespace

int Reader::length_of(const Node& node) const {
  if (node.kind != Node::Kind::Scalar) {
    return 1;
  }
  if (node.plain) {
    return std::max(1, static_cast<int>(node.text.size()));
  }
  // A quoted scalar: up to its closing quote, or to the end of the line for a longer one.
  const auto line = source_.line(node.line);
  const auto start = static_cast<std::size_t>(std::max(0, node.column));
  if (start >= line.size()) {
    return 1;
  }
  const auto end = line.find(line[start], start + 1);
  return static_cast<int>((end == std::string_view::npos ? line.size() : end + 1) - start);
}

Diagnostic& Reader::report(Severity severity, const Cursor& at, std::string message,
                           std::string suggestion) {
  failed_ = failed_ || severity == Severity::Error;
  // More than are shown, because some are found again and again, as in what upstreams inherit.
  if (found_.size() >= 10 * kDiagnosticsMax) {
    return dropped_ = Diagnostic{};
  }
  Diagnostic diagnostic = source_.at(severity, at.node->line, at.node->column, length_of(*at.node));
  diagnostic.path = at.path;
  diagnostic.message = std::move(message);
  diagnostic.suggestion = std::move(suggestion);
  found_.push_back(std::move(diagnostic));
  return found_.back();
}

void Reader::error(const Cursor& at, std::string message, std::string suggestion) {
  report(Severity::Error, at, std::move(message), std::move(suggestion));
}

Diagnostic& Reader::warning(const Cursor& at, std::string message, std::string suggestion) {
  return report(Severity::Warning, at, std::move(message), std::move(suggestion));
}

void Reader::wrong_kind(const Cursor& at, std::string_view expected) {
  error(at, prefixed(at.path, fill("expected {}, got {}", expected, kind_name(*at.node))));
}

std::optional<Reader::Scalar> Reader::scalar(const Cursor& at, std::string_view expected) {
  if (at.node->kind != Node::Kind::Scalar) {
    wrong_kind(at, expected);
    return std::nullopt;
  }
  // Nothing is asked of the environment any more once the bound was met.
  const bool exhausted = substituted_bytes_ > kTextBytesMax && at.node->text.contains("${");
  auto value =
      exhausted ? std::unexpected(std::string(kTooMuchText)) : substitute(at.node->text, env_);
  if (!value) {
    error(at, prefixed(at.path, value.error()));
    return std::nullopt;
  }
  substituted_bytes_ += value->bytes;
  if (substituted_bytes_ > kTextBytesMax) {
    error(at, prefixed(at.path, kTooMuchText));
    return std::nullopt;
  }
  secret_ = secret_ || value->secret;
  return Scalar{std::move(value->text), at.node->plain, value->secret};
}

std::optional<std::string> Reader::text(const Cursor& at) {
  auto value = text_or_empty(at);
  if (value && value->empty()) {
    error(at, prefixed(at.path, "must not be empty"));
    return std::nullopt;
  }
  return value;
}

std::optional<std::string> Reader::text_or_empty(const Cursor& at) {
  auto value = scalar(at, "text");
  if (!value) {
    return std::nullopt;
  }
  if (value->plain && look_of(value->text) != PlainLook::Text) {
    const auto shown = value->secret ? at.node->text : value->text;
    error(at,
          prefixed(at.path, fill("expected text; without quotes {} can be read as something else",
                                 quoted(shown))),
          fill("write \"{}\" with the quotes", at.node->text));
    return std::nullopt;
  }
  return std::move(value->text);
}

std::optional<std::size_t> Reader::word(const Cursor& at, std::span<const std::string_view> words) {
  const auto expected = words_of(words);
  const auto value = scalar(at, expected);
  if (!value) {
    return std::nullopt;
  }
  const auto found = std::ranges::find(words, value->text);
  if (found != words.end()) {
    return static_cast<std::size_t>(found - words.begin());
  }
  const auto near = meant(value->text, words);
  const auto shown = value->secret ? at.node->text : value->text;
  error(at, prefixed(at.path, fill("expected {}, got {}", expected, quoted(shown))),
        near.empty() ? "" : fill("did you mean {}?", quoted(near)));
  return std::nullopt;
}

std::optional<Duration> Reader::duration(const Cursor& at, Duration min, Duration max) {
  const auto value = scalar(at, "a duration such as 250ms, 1.5s or 1m30s");
  if (!value) {
    return std::nullopt;
  }
  const auto parsed = parse_duration(value->text);
  if (!parsed) {
    error(at, prefixed(at.path, value->secret ? "not a duration" : parsed.error()));
    return std::nullopt;
  }
  if (*parsed < min || *parsed > max) {
    error(at, prefixed(at.path,
                       fill("{} is out of range; allowed are {} to {}", format_duration(*parsed),
                            format_duration(min), format_duration(max))));
    return std::nullopt;
  }
  return *parsed;
}

std::optional<std::uint64_t> Reader::integer(const Cursor& at, std::uint64_t min,
                                             std::uint64_t max) {
  const auto value = scalar(at, "a whole number");
  if (!value) {
    return std::nullopt;
  }
  const auto parsed = parse_integer(value->text);
  if (!parsed || !value->plain) {
    error(at, prefixed(at.path, value->secret || parsed ? "expected a whole number without quotes"
                                                        : parsed.error()));
    return std::nullopt;
  }
  if (*parsed < min || *parsed > max) {
    error(at,
          prefixed(at.path, fill("{} is out of range; allowed are {} to {}", *parsed, min, max)));
    return std::nullopt;
  }
  return *parsed;
}

std::optional<bool> Reader::boolean(const Cursor& at) {
  const auto value = scalar(at, "true or false");
  if (!value) {
    return std::nullopt;
  }
  if (value->plain && (value->text == "true" || value->text == "false")) {
    return value->text == "true";
  }
  const auto look = look_of(value->text);
  const bool guess = look == PlainLook::Switch || look == PlainLook::Boolean;
  const auto lower = guess ? static_cast<char>(value->text.back() | 0x20) : ' ';
  const bool yes = (look == PlainLook::Boolean && value->text.size() == 4) ||
                   (look == PlainLook::Switch &&
                    (lower == 's' || lower == 'y' || (lower == 'n' && value->text.size() == 2)));
  const auto shown = value->secret ? at.node->text : value->text;
  error(at, prefixed(at.path, fill("expected true or false, got {}", quoted(shown))),
        guess ? fill("write {}", yes ? "true" : "false") : "");
  return std::nullopt;
}

std::vector<Cursor> Reader::list(const Cursor& at, std::string_view expected, std::size_t most) {
  std::vector<Cursor> result;
  if (at.node->kind != Node::Kind::List) {
    wrong_kind(at, expected);
    return result;
  }
  if (at.node->items.size() > most) {
    error(at, prefixed(at.path, fill("at most {} items, got {}", most, at.node->items.size())));
    return result;
  }
  for (std::size_t i = 0; i < at.node->items.size(); ++i) {
    result.push_back(Cursor{at.node->items[i], fill("{}[{}]", at.path, i)});
  }
  return result;
}

std::vector<Reader::Entry> Reader::map(const Cursor& at, std::string_view expected, bool keep_x,
                                       std::size_t most) {
  std::vector<Entry> result;
  std::unordered_map<std::string_view, int> lines;
  if (at.node->kind != Node::Kind::Map) {
    wrong_kind(at, expected);
    return result;
  }
  if (at.node->entries.size() > most) {
    error(at, prefixed(at.path, fill("at most {} keys, got {}", most, at.node->entries.size())));
    return result;
  }
  for (const auto& [key, value] : at.node->entries) {
    const Cursor key_cursor{key, at.path};
    if (key->kind != Node::Kind::Scalar) {
      error(key_cursor, prefixed(at.path, "a key is a single name"));
      continue;
    }
    if (key->text.starts_with("x-") && !keep_x) {
      continue;
    }
    const auto [same, is_new] = lines.try_emplace(key->text, key->line);
    if (!is_new) {
      const auto where = at.path.empty() ? "" : " in " + at.path;
      error(key_cursor, fill("duplicate key {}{}", quoted(key->text), where),
            fill("it already stands in line {}", same->second + 1));
      continue;
    }
    const auto path = at.path.empty() ? key->text : at.path + "." + key->text;
    result.push_back(Entry{key->text, key_cursor, Cursor{value, path}});
  }
  return result;
}

bool Reader::takes_expression(std::size_t size) {
  expressions_size_ += size;
  return expressions_size_ <= route::kExpressionsSizeMax;
}

std::string Reader::meant(std::string_view name, std::span<const std::string_view> names) const {
  return found_.size() < kSuggestionsMax ? nearest(name, names) : std::string();
}

std::string Reader::peek(const Node& node) const {
  const auto value = substitute(node.text, env_, kPeekedMax);
  return value ? value->text : std::string();
}

std::vector<Diagnostic> Reader::take() {
  const auto place = [](const Diagnostic& d) { return std::tie(d.line, d.column, d.message); };
  std::ranges::stable_sort(found_, {}, place);
  const auto same = [&](const Diagnostic& a, const Diagnostic& b) { return place(a) == place(b); };
  found_.erase(std::unique(found_.begin(), found_.end(), same), found_.end());
  return std::move(found_);
}

}  // namespace fusegate::config_file
