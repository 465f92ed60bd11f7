#include "admin/json.hpp"
#include "telemetry/line.hpp"

#include <boost/json/serialize.hpp>

#include <array>
#include <charconv>
#include <cmath>

namespace fusegate::admin {
namespace {

namespace json = boost::json;

void indent(std::string& out, unsigned depth) {
  out += '\n';
  out.append(std::size_t{2} * depth, ' ');
}

void append(std::string& out, const json::value& value, unsigned depth);

void append(std::string& out, const json::object& object, unsigned depth) {
  out += '{';
  bool first = true;
  for (const auto& member : object) {
    out += first ? "" : ",";
    first = false;
    indent(out, depth + 1);
    out += json::serialize(member.key()) + ": ";
    append(out, member.value(), depth + 1);
  }
  if (!first) {
    indent(out, depth);
  }
  out += '}';
}

void append(std::string& out, const json::array& array, unsigned depth) {
  // Lists of plain words stay on one line.
  bool flat = true;
  for (const json::value& item : array) {
    flat = flat && !item.is_structured();
  }
  out += '[';
  for (std::size_t i = 0; i < array.size(); ++i) {
    out += i == 0 ? "" : flat ? ", " : ",";
    if (!flat) {
      indent(out, depth + 1);
    }
    append(out, array[i], depth + 1);
  }
  if (!flat) {
    indent(out, depth);
  }
  out += ']';
}

void append(std::string& out, const json::value& value, unsigned depth) {
  if (value.is_object()) {
    return append(out, value.get_object(), depth);
  }
  if (value.is_array()) {
    return append(out, value.get_array(), depth);
  }
  if (!value.is_double()) {
    out += json::serialize(value);
    return;
  }
  std::array<char, 32> digits;
  const double number = value.get_double();
  const auto end = std::to_chars(digits.begin(), digits.end(), number).ptr;
  out += std::isfinite(number) ? std::string(digits.begin(), end) : "null";
}

}  // namespace

std::string pretty(const json::value& value) {
  std::string out;
  append(out, value, 0);
  out += '\n';
  return out;
}

std::string rfc3339(WallTime at) {
  std::array<char, 32> buffer;
  telemetry::Line line(buffer.data(), buffer.size());
  telemetry::Timestamp().append(line, at);
  return std::string(line.text());
}

}  // namespace fusegate::admin
