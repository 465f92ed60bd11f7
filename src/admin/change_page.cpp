#include "admin/json.hpp"
#include "admin/pages.hpp"

#include <algorithm>
#include <charconv>
#include <expected>

namespace fusegate::admin {
namespace {

/// Chosen: shorter would be over before anybody has looked, longer is meant for good.
constexpr Duration kShortest = std::chrono::seconds{1};
constexpr Duration kLongest = std::chrono::hours{24};
constexpr std::string_view kLengths =
    "`for` is a whole number and s, m or h, from 1s to 24h, such as 90s, 5m or 2h; without it the "
    "word holds until the next";

Response bad_request(std::string_view detail) { return problem(400, "Bad Request", detail); }

/// "90s", "5m", "2h".
std::optional<Duration> parse_length(std::string_view text) {
  std::uint32_t count = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, count);
  if (error != std::errc{} || last - end != 1) {
    return std::nullopt;
  }
  Duration length{};
  switch (*end) {
    case 's':
      length = std::chrono::seconds{count};
      break;
    case 'm':
      length = std::chrono::minutes{count};
      break;
    case 'h':
      length = std::chrono::hours{count};
      break;
    default:
      return std::nullopt;
  }
  return length >= kShortest && length <= kLongest ? std::optional{length} : std::nullopt;
}

/// What stands behind the question mark. A mistyped name must not turn five minutes into for ever,
/// so anything but one `for` is refused.
std::expected<std::optional<Duration>, Response> length_of(const Request& request) {
  const std::size_t mark = request.target.find('?');
  if (mark == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view query = request.target.substr(mark + 1);
  const std::string_view name = query.substr(0, query.find('='));
  if (name != "for" || query.find('&') != std::string_view::npos) {
    return std::unexpected(
        bad_request("the only parameter here is `for`; " + std::string(kLengths)));
  }
  const auto length = parse_length(query.size() > 4 ? query.substr(4) : "");
  if (!length) {
    return std::unexpected(bad_request(kLengths));
  }
  return length;
}

std::optional<policy::Forced> forced_by(std::string_view said) {
  using enum policy::Forced;
  for (const policy::Forced how : {No, Open, Closed}) {
    if (word(how) == said) {
      return how;
    }
  }
  return std::nullopt;
}

Response unknown_upstream(const std::vector<telemetry::UpstreamSnapshot>& upstreams) {
  std::string names;
  for (const telemetry::UpstreamSnapshot& upstream : upstreams) {
    names += names.empty() ? "" : ", ";
    names += upstream.name;
  }
  return not_found("no upstream has this name; there are: " + names);
}

/// `rest` is NAME/breaker/VERB.
Response force_page(std::string_view rest, const Request& request, const Sources& sources) {
  constexpr std::string_view kMiddle = "/breaker/";
  const std::size_t middle = rest.find(kMiddle);
  const std::string name = percent_decoded(rest.substr(0, middle));
  const auto forced = forced_by(rest.substr(middle + kMiddle.size()));
  if (!forced) {
    return not_found("a breaker can be told open, close or auto");
  }
  const auto upstreams = sources.upstreams();
  const auto found = std::ranges::find(upstreams, name, &telemetry::UpstreamSnapshot::name);
  if (found == upstreams.end()) {
    return unknown_upstream(upstreams);
  }
  const auto length = length_of(request);
  if (!length) {
    return length.error();
  }
  if (*forced == policy::Forced::No && *length) {
    return bad_request("auto has no end: leave `for` out");
  }
  const auto index = static_cast<std::size_t>(found - upstreams.begin());
  sources.force_breaker(index, *forced, *length);
  return {.type = Response::kJson, .body = pretty(to_json(sources.upstreams()[index]))};
}

}  // namespace

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size() || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0) {
      return "";
    }
    decoded += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
    i += 2;
  }
  return decoded;
}

Response change_page(const Request& request, const Sources& sources) {
  constexpr std::string_view kUpstreams = "/upstreams/";
  const std::string_view path = request.path();
  if (path.starts_with(kUpstreams)) {
    return force_page(path.substr(kUpstreams.size()), request, sources);
  }
  return problem(501, "Not Implemented", "this change is not supported yet");
}

}  // namespace fusegate::admin
