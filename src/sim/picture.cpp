#include <fusegate/base/fill.hpp>

#include "sim/numbers.hpp"
#include "sim/report.hpp"

#include <algorithm>

namespace fusegate::sim {
namespace {

constexpr double kWidth = 720;
constexpr double kPanel = 150;
constexpr double kLeft = 60;
constexpr double kTop = 48;
constexpr double kGap = 62;

struct Panel {
  double top;
  double most;  ///< Requests a second at its upper edge.
  std::size_t seconds;

  double x(double second) const {
    return kLeft + second / static_cast<double>(seconds) * (kWidth - kLeft - 16);
  }
  double y(double value) const { return top + kPanel * (1 - std::min(value / most, 1.0)); }
};

std::string curve(const Panel& panel, const Outcome& outcome, std::uint32_t Second::* member,
                  std::string_view colour) {
  std::string points;
  for (std::size_t i = 0; i < outcome.seconds.size(); ++i) {
    points += fill("{},{} ", rounded(panel.x(static_cast<double>(i) + 0.5), 1),
                   rounded(panel.y(outcome.seconds[i].*member), 1));
  }
  return fill("<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\" points=\"{}\"/>\n",
              colour, points);
}

std::string text_at(double x, double y, std::string_view text, std::string_view more = "") {
  return fill("<text x=\"{}\" y=\"{}\" {}>{}</text>\n", rounded(x, 1), rounded(y, 1), more, text);
}

std::string_view colour_of(BreakerState state) {
  switch (state) {
    case BreakerState::Closed:
    case BreakerState::Disabled:
      return "#d7ead9";
    case BreakerState::Open:
    case BreakerState::ForcedOpen:
      return "#d9534f";
    case BreakerState::HalfOpen:
      return "#f0ad4e";
    case BreakerState::Ramp:
      return "#f7dfa5";
  }
  return "#ffffff";
}

/// The state of the breaker as a band below the curves.
std::string band(const Panel& panel, const Outcome& outcome) {
  std::string out;
  const double step = panel.x(1) - panel.x(0);
  for (std::size_t i = 0; i < outcome.seconds.size(); ++i) {
    out += fill("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"8\" fill=\"{}\"/>\n",
                rounded(panel.x(static_cast<double>(i)), 1), rounded(panel.top + kPanel + 4, 1),
                rounded(step + 0.2, 1), colour_of(outcome.seconds[i].breaker));
  }
  return out;
}

std::string frame(const Panel& panel, std::string_view title) {
  const auto second = [](Duration time) { return std::chrono::duration<double>(time).count(); };
  const double begin = panel.x(second(kCalm));
  const double end = panel.x(second(kCalm + kFault));
  std::string out =
      fill("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"#f3e3e3\"/>\n",
           rounded(begin, 1), rounded(panel.top, 1), rounded(end - begin, 1), rounded(kPanel, 1));
  out += fill("<path d=\"M{} {}v{}h{}\" fill=\"none\" stroke=\"#888\"/>\n", rounded(kLeft, 1),
              rounded(panel.top, 1), rounded(kPanel, 1), rounded(kWidth - kLeft - 16, 1));
  out += text_at(kLeft, panel.top - 6, title, "font-weight=\"bold\"");
  out += text_at(kLeft - 6, panel.top + 10, rounded(panel.most, 0), "text-anchor=\"end\"");
  out += text_at(kLeft - 6, panel.top + kPanel, "0", "text-anchor=\"end\"");
  for (double at = 0; at <= static_cast<double>(panel.seconds); at += 10) {
    out += text_at(panel.x(at), panel.top + kPanel + 26, rounded(at, 0), "text-anchor=\"middle\"");
  }
  return out;
}

}  // namespace

std::string picture(const std::vector<Outcome>& outcomes, const Scenario& scenario) {
  double most = 1;
  for (const Outcome& outcome : outcomes) {
    for (const Second& second : outcome.seconds) {
      most = std::max<double>(most, std::max(second.attempts, second.offered));
    }
  }
  const double height = kTop + static_cast<double>(outcomes.size()) * (kPanel + kGap);
  std::string out = fill(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" "
      "fill=\"#fff\"/>\n",
      rounded(kWidth, 0), rounded(height, 0));
  out += text_at(kLeft, 18, fill("{}: {}", scenario.name, scenario.meaning));
  out +=
      "<text x=\"720\" y=\"36\" text-anchor=\"end\" dx=\"-16\">requests a second: "
      "<tspan fill=\"#888\">offered</tspan> <tspan fill=\"#c9302c\">attempts</tspan> "
      "<tspan fill=\"#2e7d32\">good</tspan>; below: the breaker</text>\n";
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const Panel panel{kTop + static_cast<double>(i) * (kPanel + kGap) + 8, most * 1.05,
                      outcomes[i].seconds.size()};
    out += frame(panel, outcomes[i].policy);
    out += curve(panel, outcomes[i], &Second::offered, "#888");
    out += curve(panel, outcomes[i], &Second::attempts, "#c9302c");
    out += curve(panel, outcomes[i], &Second::good, "#2e7d32");
    out += band(panel, outcomes[i]);
  }
  return out + "</svg>\n";
}

}  // namespace fusegate::sim
