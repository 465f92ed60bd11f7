#pragma once

#include <fusegate/policy/retry.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fusegate::config_file {

struct Problem {
  std::string message;
  std::string suggestion;
};

/// Adds one entry of `retry.on`: a failure class, a status (300 to 599), a range, `5xx`, or
/// `gateway-error`. nullopt = added.
std::optional<Problem> add_retry_condition(std::string_view text, policy::RetryOn& on);

/// The shortest list of entries that reads back as `on`.
std::vector<std::string> retry_conditions(const policy::RetryOn& on);

}  // namespace fusegate::config_file
