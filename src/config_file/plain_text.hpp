#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace fusegate::config_file {

/// The first byte of a file that is no text, counted from 0.
struct NotText {
  int line = 0;
  int column = 0;  ///< In bytes.
  std::string_view why;
};

/// Bytes of the well-formed UTF-8 sequence at the front of `text`, which must not be empty; 0 when
/// there is none.
std::size_t utf8_sequence(std::string_view text);

/// A configuration is UTF-8 without control characters other than tab and line ends. Anything else
/// is a wrong file (UTF-16, a binary) or an attempt to show a reader other text than the parser
/// gets: the YAML library would replace what it cannot read and go on.
std::optional<NotText> find_not_text(std::string_view text);

}  // namespace fusegate::config_file
