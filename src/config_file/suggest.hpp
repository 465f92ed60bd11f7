#pragma once

#include <span>
#include <string>
#include <string_view>

namespace fusegate::config_file {

/// The candidate a person most likely meant by `name`: the same word in another spelling
/// (`maxPercent`, `max-percent`), else the nearest within about a third of its length in edits
/// (insert, delete, replace, swap neighbours). Empty when nothing is near.
std::string nearest(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace fusegate::config_file
