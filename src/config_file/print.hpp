#pragma once

#include <fusegate/config/config.hpp>

#include "config_file/value.hpp"

namespace fusegate::config_file {

enum class Secrets { Hide, Show };

/// A resolved configuration as a tree in the shape of a file: listeners, upstreams and routes with
/// every key written out, and no `defaults`, because nothing is inherited any more.
Value print(const config::Config& config, Secrets secrets);

}  // namespace fusegate::config_file
