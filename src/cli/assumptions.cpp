#include "cli/assumptions.hpp"

#include <fusegate/base/fill.hpp>

#include "config_file/diagnostic.hpp"
#include "config_file/scalars.hpp"
#include "config_file/suggest.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

namespace fusegate::cli {
namespace {

constexpr unsigned kLayersMax = 10;

/// "5/s", "300/m", "20/h"; zero or nothing that is not a rate gives nullopt.
std::optional<double> parse_rate(std::string_view text) {
  const auto slash = text.find('/');
  const auto unit = slash == std::string_view::npos ? "" : text.substr(slash + 1);
  const double seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  const auto count = config_file::parse_number(text.substr(0, slash));
  return seconds > 0 && count && *count > 0 ? std::optional(*count / seconds) : std::nullopt;
}

}  // namespace

void add_assumptions(CLI::App& command, Options& options) {
  command
      .add_option("--rate", options.rates,
                  "Assume so many requests: 5/s, 300/m or 20/h to each upstream, or NAME=5/s")
      ->type_name("RATE")
      ->allow_extra_args(false);
  command
      .add_option("--layers", options.layers,
                  "Assume so many services in a row that retry alike, this one included")
      ->check(CLI::Range(1U, kLayersMax))
      ->type_name("N");
}

std::expected<advice::Assumptions, std::string> assumptions_of(const Options& options) {
  advice::Assumptions given;
  given.layers = options.layers;
  for (const std::string& text : options.rates) {
    const auto equals = text.find('=');
    const bool named = equals != std::string::npos;
    const auto rate = parse_rate(std::string_view(text).substr(named ? equals + 1 : 0));
    if (!rate) {
      return std::unexpected(
          fill("--rate: expected a rate such as 5/s, 300/m or orders=20/h, got {}",
               config_file::quoted(text)));
    }
    if (named) {
      given.rates[text.substr(0, equals)] = *rate;
    } else {
      given.rate = rate;
    }
  }
  if (!options.grace.empty()) {
    const auto grace = config_file::parse_duration(options.grace);
    if (!grace) {
      return std::unexpected("--grace: " + grace.error());
    }
    given.grace = *grace;
    given.grace_stated = true;
  }
  return given;
}

std::string unknown_upstream(const advice::Assumptions& given, const config::Config& config) {
  std::vector<std::string_view> names;
  for (const auto& upstream : config.upstreams) {
    names.push_back(upstream.name);
  }
  for (const auto& rate : given.rates) {
    if (std::ranges::find(names, rate.first) == names.end()) {
      const auto near = config_file::nearest(rate.first, names);
      return fill("--rate: there is no upstream {}{}", config_file::quoted(rate.first),
                  near.empty() ? "" : fill("; did you mean {}?", config_file::quoted(near)));
    }
  }
  return {};
}

}  // namespace fusegate::cli
