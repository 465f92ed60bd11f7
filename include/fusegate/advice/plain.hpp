#pragma once

#include <fusegate/base/ratio.hpp>
#include <fusegate/base/time.hpp>
#include <fusegate/config/config.hpp>

#include <bitset>
#include <string>
#include <string_view>
#include <vector>

/// Figures as a person says them: rounded to three digits, in the unit that fits. Not for files:
/// what these print is not meant to be read back.
namespace fusegate::advice {

/// "25ms", "12.5ms", "1.5s", "1m30s", "2h".
std::string plain(Duration value);
/// As a setting: never more, or never less, than `value`, to three digits or a millisecond.
std::string at_most(Duration value);
std::string at_least(Duration value);
/// "20%", "0.5%".
std::string plain(Ratio value);
/// "3", "1.73", "0.333"; "any" when it is infinite.
std::string plain(double value);
/// "256KiB", "1.5MiB".
std::string plain_size(config::Bytes value);
/// "a, b and c"; "no" for an empty list. `last` goes before the last one.
std::string listed(const std::vector<std::string>& words, std::string_view last = "and");
/// `count` and the noun, with an s unless it is one: "1 retry" is spelt by the caller.
std::string count_of(std::uint64_t count, std::string_view one, std::string_view many);
/// Statuses as codes and ranges: {"429", "502-504"}.
std::vector<std::string> statuses(const std::bitset<600>& set);

double milliseconds(Duration value);

}  // namespace fusegate::advice
