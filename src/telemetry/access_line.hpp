#pragma once

#include <fusegate/config/config.hpp>
#include <fusegate/exchange/report.hpp>

#include "telemetry/line.hpp"

#include <cstddef>

namespace fusegate::telemetry {

/// A path takes at most this many bytes of a line, any other text `kAccessTextMax`; longer ones end
/// in \u2026. A whole line, with every try a request may have, stays below kAccessLineMax.
inline constexpr std::size_t kAccessPathMax = 8 * 1024;
inline constexpr std::size_t kAccessTextMax = 256;
inline constexpr std::size_t kAccessLineMax = 20 * 1024;

/// The JSON line of the contract, with its newline. `config` names listener, route and upstream.
void append_access_json(Line& line, Timestamp& stamp, const exchange::Report& report,
                        const config::Config& config);
/// The same facts in one line for people.
void append_access_text(Line& line, Timestamp& stamp, const exchange::Report& report,
                        const config::Config& config);

}  // namespace fusegate::telemetry
