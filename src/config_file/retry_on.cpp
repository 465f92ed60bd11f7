#include "config_file/retry_on.hpp"

#include "config_file/diagnostic.hpp"
#include "config_file/fill.hpp"
#include "config_file/scalars.hpp"
#include "config_file/suggest.hpp"

#include <array>

namespace fusegate::config_file {
namespace {

// A 1xx is no final answer and a 2xx is a success: neither can be retried.
constexpr std::size_t kStatusMin = 300;
constexpr std::size_t kStatusMax = 599;
constexpr std::size_t kRangeMin = 4;  // Shorter runs of statuses are printed one by one.

std::optional<std::size_t> status_of_text(std::string_view text) {
  const auto value = text.size() == 3 ? parse_integer(text) : Parsed<std::uint64_t>(0);
  return value && *value >= kStatusMin && *value <= kStatusMax ? std::optional<std::size_t>(*value)
                                                               : std::nullopt;
}

bool add_range(std::size_t first, std::size_t last, policy::RetryOn& on) {
  for (std::size_t status = first; status <= last; ++status) {
    on.statuses.set(status);
  }
  return first <= last;
}

bool add_statuses(std::string_view text, policy::RetryOn& on) {
  if (text == "gateway-error") {
    return add_range(502, 504, on);
  }
  const bool family =
      text.size() == 3 && text.substr(1) == "xx" && text[0] >= '3' && text[0] <= '5';
  if (family) {
    const auto first = static_cast<std::size_t>(text[0] - '0') * 100;
    return add_range(first, first + 99, on);
  }
  const auto dash = text.find('-');
  const auto first = status_of_text(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : status_of_text(text.substr(dash + 1));
  return first && last && add_range(*first, *last, on);
}

}  // namespace

std::optional<Problem> add_retry_condition(std::string_view text, policy::RetryOn& on) {
  static constexpr std::array<std::string_view, 4> kWords{"never_sent", "stale_reuse",
                                                          "no_response", "gateway-error"};
  if (text == kWords[0]) {
    on.never_sent = true;
  } else if (text == kWords[1]) {
    on.stale_reuse = true;
  } else if (text == kWords[2]) {
    on.no_response = true;
  } else if (text == "bad_response") {
    return Problem{"bad_response stands for the statuses of this list",
                   "name the statuses, e.g. 503"};
  } else if (!add_statuses(text, on)) {
    const auto near = nearest(text, kWords);
    return Problem{
        fill("expected never_sent, stale_reuse, no_response, gateway-error, a status from {} to "
             "{}, a range such as \"520-530\" or 5xx, got {}",
             kStatusMin, kStatusMax, quoted(text)),
        near.empty() ? "" : fill("did you mean {}?", quoted(near))};
  }
  return std::nullopt;
}

std::vector<std::string> retry_conditions(const policy::RetryOn& on) {
  std::vector<std::string> result;
  const auto add_class = [&](bool listed, std::string_view word) {
    if (listed) {
      result.emplace_back(word);
    }
  };
  add_class(on.never_sent, "never_sent");
  add_class(on.stale_reuse, "stale_reuse");
  add_class(on.no_response, "no_response");
  for (std::size_t first = kStatusMin; first <= kStatusMax; ++first) {
    std::size_t end = first;
    while (end <= kStatusMax && on.statuses.test(end)) {
      ++end;
    }
    const bool family = first % 100 == 0 && end >= first + 100;
    if (family) {
      result.push_back(fill("{}xx", first / 100));
      first += 99;
    } else if (end >= first + kRangeMin) {
      // A whole family inside the run is better named as one.
      const std::size_t next_family = (first / 100 + 1) * 100;
      const std::size_t last = end >= next_family + 100 ? next_family - 1 : end - 1;
      result.push_back(fill("{}-{}", first, last));
      first = last;
    } else if (end > first) {
      result.push_back(fill("{}", first));
    }
  }
  return result;
}

}  // namespace fusegate::config_file
