#include "advice/explain.hpp"

#include <array>

namespace fusegate::advice {
namespace {

struct Chapter {
  std::string_view title;
  Sentences (*write)(const Subject& subject, Explanation& out);
};

constexpr std::array<Chapter, 13> kChapters{{{"Matches", explain_match},
                                             {"Upstream", explain_target},
                                             {"Time", explain_time},
                                             {"Retries", explain_retries},
                                             {"Waits", explain_waits},
                                             {"Load", explain_load},
                                             {"Breaker", explain_breaker},
                                             {"Ejection", explain_ejection},
                                             {"Checks", explain_checks},
                                             {"Limits", explain_limits},
                                             {"Hedging", explain_hedging},
                                             {"Fallback", explain_fallback},
                                             {"Faults", explain_faults}}};

/// Appends `sentence` word by word, in lines of at most `width` columns.
void wrap(std::string& out, std::string_view sentence, std::size_t indent, std::size_t width) {
  std::size_t column = indent;
  while (!sentence.empty()) {
    const auto blank = sentence.find(' ');
    const auto word = sentence.substr(0, blank);
    sentence.remove_prefix(blank == std::string_view::npos ? sentence.size() : blank + 1);
    if (column > indent && column + 1 + word.size() > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    }
    out += column > indent ? " " : "";
    column += word.size() + (column > indent ? 1 : 0);
    out += word;
  }
  out += "\n";
}

}  // namespace

Explanation explain(const config::Config& config, std::uint16_t route, const Assumptions& given) {
  const config::RouteConfig& chosen = config.routes[route];
  const config::UpstreamConfig& upstream = config.upstreams[chosen.upstream];
  const auto own = given.rates.find(upstream.name);
  const Subject subject{config,
                        given,
                        route,
                        chosen,
                        chosen.policy,
                        upstream,
                        own == given.rates.end() ? given.rate : own->second};
  Explanation result{.route = chosen.name, .upstream = upstream.name};
  for (const Chapter& chapter : kChapters) {
    auto sentences = chapter.write(subject, result);
    if (!sentences.empty()) {
      result.topics.push_back({chapter.title, std::move(sentences)});
    }
  }
  return result;
}

std::string text(const Explanation& explanation, std::size_t width) {
  constexpr std::size_t kIndent = 12;
  std::string out = fill("Route \"{}\"\n", explanation.route);
  for (const Topic& topic : explanation.topics) {
    std::string margin = "  " + std::string(topic.title);
    for (const std::string& sentence : topic.sentences) {
      margin.resize(kIndent, ' ');
      out += margin;
      wrap(out, sentence, kIndent, width);
      margin.clear();
    }
  }
  return out;
}

}  // namespace fusegate::advice
