#pragma once

#include "state/snapshot.hpp"

#include <expected>
#include <string>
#include <string_view>

/// The text of a state file (docs/adr/0007-state-file.md): JSON with a version and a checksum;
/// times as nanoseconds from the moment of writing.
namespace fusegate::state {

std::string encode(const Snapshot& snapshot);

/// The snapshot with its times on the time line of `now`, which is the same moment as `wall_now`.
/// The error says why `text` is not used: it is damaged, of another version, too old, or from the
/// future. Any bytes may be given.
std::expected<Snapshot, std::string> decode(std::string_view text, Instant now, WallTime wall_now);

/// FNV-1a of 64 bits, as hexadecimal digits. It finds damage, not malice: whoever may write the
/// file may write anything into it.
std::string checksum(std::string_view text);

}  // namespace fusegate::state
