#pragma once

#include <fusegate/base/ratio.hpp>
#include <fusegate/base/time.hpp>
#include <fusegate/config/config.hpp>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

/// The scalars of the configuration language, both ways. An error is a sentence for a person,
/// without a place; every `format_*` gives a text that parses to the same value.
namespace fusegate::config_file {

template <class T>
using Parsed = std::expected<T, std::string>;

/// `250ms`, `1.5s`, `1m30s`: parts with falling units h, m, s, ms; only the last may have a
/// fraction.
Parsed<Duration> parse_duration(std::string_view text);
/// `512B`, `64KiB`, `1MiB`, `2GiB`: a whole number and a binary unit.
Parsed<config::Bytes> parse_size(std::string_view text);
/// `20%`, `0.5%`: at most four digits after the point.
Parsed<Ratio> parse_percent(std::string_view text);
/// Decimal digits without a sign or a leading zero.
Parsed<std::uint64_t> parse_integer(std::string_view text);
/// A decimal number such as `2` or `1.5`.
Parsed<double> parse_number(std::string_view text);

std::string format_duration(Duration value);
std::string format_size(config::Bytes value);
std::string format_percent(Ratio value);
std::string format_number(double value);

/// What YAML makes of a scalar without quotes. `Switch` is yes, no, on, off, y and n, which
/// YAML 1.1 reads as booleans and 1.2 as text; `Octal` is a number with a leading zero or a 0x, 0o
/// prefix.
enum class PlainLook { Text, Number, Octal, Boolean, Switch, Null };
PlainLook look_of(std::string_view text);

}  // namespace fusegate::config_file
