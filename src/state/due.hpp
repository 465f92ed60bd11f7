#pragma once

#include "state/snapshot.hpp"

#include <cstdint>
#include <vector>

namespace fusegate::state {

/// What a snapshot tells that an earlier one does not. Time that passed is no news: a snapshot that
/// is read later is aged by the reader.
enum class News : std::uint8_t {
  None,
  Counts,  ///< Attempts, charges, runs of failures.
  Moves,   ///< A breaker moved; an endpoint left or entered the rotation.
};

News news(const std::vector<Section>& before, const std::vector<Section>& after);

/// Nothing but counts: every breaker is at rest and every endpoint in rotation.
bool is_calm(const std::vector<Section>& sections);

/// Should a snapshot be written, `since_last` after the one before? Counts after five seconds,
/// moves after two, because they are few and losing one costs more; and whatever is not calm again
/// after thirty, so that it does not grow too old to be used while nothing changes.
bool is_due(News news, bool calm, Duration since_last);

}  // namespace fusegate::state
