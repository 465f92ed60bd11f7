#pragma once

#include "admin/sources.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string>

namespace fusegate::admin {

/// Indented by two, with a newline at the end and numbers as people write them: these pages are
/// read with curl as often as by programs.
std::string pretty(const boost::json::value& value);

/// RFC 3339 in UTC with milliseconds.
std::string rfc3339(WallTime at);

boost::json::object to_json(const telemetry::UpstreamSnapshot& upstream);
boost::json::object to_json(const telemetry::RouteSnapshot& route);
boost::json::object to_json(const telemetry::EventSnapshot& event);
boost::json::object to_json(const ServerInfo& info, WallTime now);

}  // namespace fusegate::admin
