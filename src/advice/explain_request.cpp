// Which requests, where to, and how much time they have.
#include "advice/explain.hpp"

#include <algorithm>

namespace fusegate::advice {
namespace {

using config::PathMatch;

std::string path_of(const config::RouteMatch& match) {
  switch (match.path_kind) {
    case PathMatch::Prefix:
      return match.path == "/" ? "" : fill(" at or below {}", match.path);
    case PathMatch::Exact:
      return fill(" for exactly {}", match.path);
    case PathMatch::Regex:
      return fill(" whose path matches {}", match.path);
  }
  return {};
}

std::string listeners_of(const Subject& subject) {
  std::vector<std::string> names;
  bool all = true;
  for (const auto& listener : subject.config.listeners) {
    const bool serves = listener.routes.empty() ||
                        std::ranges::find(listener.routes, subject.index) != listener.routes.end();
    all = all && serves;
    if (serves) {
      names.push_back(listener.name);
    }
  }
  return all ? "" : fill(" on listener {}", listed(names));
}

std::string_view chosen_by(config::Balance balance) {
  switch (balance) {
    case config::Balance::PowerOfTwo:
      return "the less busy of two drawn at random";
    case config::Balance::LeastRequests:
      return "the one with the fewest requests";
    case config::Balance::RoundRobin:
      return "one after the other";
  }
  return "";
}

std::string address(const config::Endpoint& endpoint) {
  return endpoint.path.empty() ? endpoint.authority : "unix:" + endpoint.path;
}

}  // namespace

Sentences explain_match(const Subject& subject, Explanation& /*out*/) {
  const auto& match = subject.route.match;
  const bool any = match.methods.empty() && match.hosts.empty() && match.headers.empty() &&
                   match.path_kind == PathMatch::Prefix && match.path == "/";
  std::string what = any                     ? "Every request"
                     : match.methods.empty() ? "Requests"
                                             : listed(match.methods) + " requests";
  what += path_of(match);
  what += match.hosts.empty() ? "" : fill(", host {}", listed(match.hosts, "or"));
  for (const auto& header : match.headers) {
    what += fill(", with {}", header.name);  // A value may be a secret.
  }
  what += listeners_of(subject);
  const std::size_t before = subject.index;
  what += before == 0 ? "."
                      : fill(" that {} did not take.",
                             before == 1 ? std::string("the route before it")
                                         : fill("the {} routes before it", before));
  Sentences result{what};
  const auto& rewrite = subject.route.rewrite;
  if (rewrite.strip_prefix) {
    result.push_back(fill("The upstream sees the path without {}.", match.path));
  }
  if (rewrite.host != config::HostRewrite::Keep) {
    const bool own = rewrite.host == config::HostRewrite::Upstream;
    result.push_back(
        fill("Its Host is {}.", own ? std::string("the upstream's own") : rewrite.host_name));
  }
  return result;
}

Sentences explain_target(const Subject& subject, Explanation& out) {
  constexpr std::size_t kNamed = 4;
  const auto& upstream = subject.upstream;
  const auto count = listed_endpoints(upstream);
  if (count) {
    out.numbers.emplace_back("endpoints", *count);
  }
  if (!count) {
    return {fill("\"{}\": every address of {}, looked up again every {}; of these {}.",
                 upstream.name, address(upstream.endpoints[0]), plain(upstream.dns.refresh),
                 chosen_by(upstream.balance))};
  }
  Sentences names;
  for (const auto& endpoint : upstream.endpoints) {
    names.push_back(address(endpoint));
  }
  if (names.size() > kNamed) {
    names.resize(kNamed - 1);
    names.push_back(fill("{} more", *count - (kNamed - 1)));
  }
  return {*count == 1 ? fill("\"{}\": one endpoint, {}.", upstream.name, names.front())
                      : fill("\"{}\": {} endpoints, {}; of these {}.", upstream.name, *count,
                             listed(names), chosen_by(upstream.balance))};
}

Sentences explain_time(const Subject& subject, Explanation& out) {
  const auto& policy = subject.policy;
  out.numbers.emplace_back("timeout_ms", milliseconds(policy.timeout));
  out.numbers.emplace_back("worst_time_ms", milliseconds(policy.timeout));
  out.numbers.emplace_back("connect_timeout_ms", milliseconds(subject.upstream.connect_timeout));
  Sentences result{
      fill("The client has its answer, head and body, within {} at worst: queue, tries "
           "and waits together; then it gets 504.",
           plain(policy.timeout))};
  const auto shares = try_times(policy, true);
  std::vector<std::string> words;
  std::vector<double> figures;
  for (const Duration share : shares) {
    words.push_back(plain(share));
    figures.push_back(milliseconds(share));
  }
  out.series.emplace_back("tries_ms", std::move(figures));
  if (policy.per_try_timeout) {
    result.push_back(fill("A try may take {}.", plain(longest_try(policy))));
    const unsigned tries = policy.retries + 1;
    if (retries_timeouts(policy) && shares.size() < tries) {
      result.push_back(
          fill("When they all take that long, {} of {} tries start.", shares.size(), tries));
    }
  } else if (retries_timeouts(policy)) {
    result.push_back(
        fill("Tries share it: when each uses up its part, they have {}.", listed(words)));
    result.push_back("A request that must not be sent twice has all of it for its first try.");
  } else {
    result.push_back("A try may take all of it, because what timed out is not sent again.");
  }
  result.push_back(fill("Connecting may take {} of a try.",
                        plain(std::min(subject.upstream.connect_timeout, longest_try(policy)))));
  return result;
}

}  // namespace fusegate::advice
