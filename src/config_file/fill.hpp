#pragma once

#include <fusegate/base/fill.hpp>

namespace fusegate::config_file {

using fusegate::fill;

}  // namespace fusegate::config_file
