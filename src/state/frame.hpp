#pragma once

#include <boost/json/object.hpp>

#include <expected>
#include <string>
#include <string_view>

namespace fusegate::state {

/// The body of a state file, if what is around it is whole. The error says what is wrong. What the
/// JSON library throws is the caller's.
std::expected<boost::json::object, std::string> open_frame(std::string_view text);

}  // namespace fusegate::state
