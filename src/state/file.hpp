#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace fusegate::state {

/// Puts `text` in the place of `path`: whoever reads sees the old file or the new one, whole, also
/// after a crash of the machine. Written beside it as `path` + ".tmp" first. The error says what
/// failed.
std::expected<void, std::string> replace_file(const std::string& path, std::string_view text);

/// The largest file that is read. Chosen: a hundred thousand endpoints fit, and what reads it as
/// JSON before it can look at the checksum stays small, too.
inline constexpr std::size_t kFileMax = 16 * 1024 * 1024;

/// The whole file; nullopt when there is none. The error says why it cannot be read.
std::expected<std::optional<std::string>, std::string> read_file(const std::string& path);

}  // namespace fusegate::state
