#pragma once

#include <fusegate/advice/advice.hpp>
#include <fusegate/config/config.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The effective policy of a route in words, with what it adds up to.
namespace fusegate::advice {

struct Topic {
  std::string_view title;  ///< "Matches", "Retries": one word, capital first.
  std::vector<std::string> sentences;
};

struct Explanation {
  std::string route;
  std::string upstream;
  std::vector<Topic> topics;  ///< In the order of a request's life.
  std::vector<Number> numbers;
  /// A figure for each try or each retry.
  std::vector<std::pair<std::string_view, std::vector<double>>> series;
};

/// Explains Config::routes[route]. `given` adds what its rate and its layers lead to.
Explanation explain(const config::Config& config, std::uint16_t route, const Assumptions& given);

/// For people: a heading, then each topic with its sentences, one a line or wrapped at `width`
/// columns. Ends with a newline.
std::string text(const Explanation& explanation, std::size_t width = 100);

}  // namespace fusegate::advice
