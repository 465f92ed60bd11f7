#include <fusegate/base/fill.hpp>

#include "sim/numbers.hpp"
#include "sim/report.hpp"

#include <algorithm>
#include <array>

namespace fusegate::sim {
namespace {

/// Seconds of one line of the table.
constexpr std::size_t kSlice = 5;
constexpr std::array<std::size_t, 9> kWidths{8, 9, 10, 8, 8, 9, 8, 9, 0};

std::string line(const std::array<std::string, 9>& cells) {
  std::string out = " ";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::size_t width = kWidths[i];
    out += std::string(width > cells[i].size() ? width - cells[i].size() : 0, ' ');
    out += (width == 0 ? "  " : "") + cells[i];
  }
  return out + "\n";
}

struct Slice {
  Second sum;
  float p99_ms = 0;
};

Slice slice_of(const Outcome& outcome, std::size_t begin, std::size_t end) {
  Slice slice;
  for (std::size_t i = begin; i < end; ++i) {
    const Second& second = outcome.seconds[i];
    slice.sum.offered += second.offered;
    slice.sum.attempts += second.attempts;
    slice.sum.good += second.good;
    slice.sum.bad += second.bad;
    slice.sum.refused += second.refused;
    slice.sum.late += second.late;
    slice.p99_ms = std::max(slice.p99_ms, second.p99_ms);
    slice.sum.breaker = second.breaker;
  }
  return slice;
}

std::string padded(std::string text, std::size_t width) {
  text.insert(0, text.size() < width ? width - text.size() : 0, ' ');
  return text;
}

}  // namespace

std::string time_table(const Outcome& outcome, const Scenario& scenario, const Model& model) {
  std::string out = fill("{}: {}\n", scenario.name, scenario.meaning);
  out += line(
      {"second", "offered", "attempts", "good", "bad", "refused", "late", "p99 ms", "breaker"});
  for (std::size_t begin = 0; begin < outcome.seconds.size(); begin += kSlice) {
    const std::size_t end = std::min(begin + kSlice, outcome.seconds.size());
    const Slice slice = slice_of(outcome, begin, end);
    const auto number = [](std::uint32_t value) { return std::to_string(value); };
    out += line({fill("{}-{}", begin, end), number(slice.sum.offered), number(slice.sum.attempts),
                 number(slice.sum.good), number(slice.sum.bad), number(slice.sum.refused),
                 number(slice.sum.late), rounded(slice.p99_ms, 0),
                 std::string(word(slice.sum.breaker))});
  }
  out += "\n";
  for (const std::string& sentence : words(judge(outcome, scenario, model), scenario)) {
    out += "  " + sentence + "\n";
  }
  return out;
}

std::string summary_head(bool by_scenario) {
  return fill("{} attempts/request     worst  of the possible    p99 ms  recovery      lost\n",
              by_scenario ? "scenario        " : "policy          ");
}

std::string summary_line(std::string_view name, const Verdict& verdict) {
  std::string out(name);
  out.resize(std::max<std::size_t>(out.size(), 16), ' ');
  out += padded(rounded(verdict.amplification, 2), 17);
  out += padded(rounded(verdict.worst_second, 2), 10);
  out += padded(verdict.possible > 0 ? rounded(verdict.fault_goodput * 100, 1) + " %" : "-", 17);
  out += padded(rounded(verdict.p99_ms, 0), 10);
  out += padded(verdict.recovery_s < 0 ? "never" : fill("{} s", verdict.recovery_s), 10);
  out += padded(std::to_string(verdict.lost), 10);
  return out + "\n";
}

}  // namespace fusegate::sim
