#pragma once

#include "admin/message.hpp"
#include "admin/sources.hpp"

namespace fusegate::admin {

/// What the status listener answers: health and metrics, nothing that tells about the inside.
Response status_page(const Request& request, const Sources& sources);

/// What a POST to a changing path answers; `path` without the query.
Response change_page(const Request& request, const Sources& sources);

/// A name as it stands in a path; empty when an escape is broken.
std::string percent_decoded(std::string_view text);

/// What the admin listener answers, foreign requests (see gate.hpp) refused.
Response admin_page(const Request& request, const Sources& sources);

}  // namespace fusegate::admin
