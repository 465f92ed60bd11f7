#pragma once

#include "admin/message.hpp"
#include "admin/sources.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace fusegate::admin {

/// The paths that both listeners have: /livez, /healthz, /readyz and /metrics. Empty for others.
std::optional<Response> probe_page(const Request& request, const Sources& sources);

/// 200 and `yes`, or 503 and `no`.
Response word_page(bool good, std::string_view yes, std::string_view no);

/// 200 when every check is ok; else 503 and the names of those that are not.
Response ready_page(const std::vector<Check>& checks, bool verbose);

}  // namespace fusegate::admin
