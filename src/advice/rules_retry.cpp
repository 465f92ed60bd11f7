// What is retried, and what is not although the file reads as if it were.
#include "advice/rules.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace fusegate::advice {
namespace {

using policy::Idempotency;

constexpr std::size_t kThrottled = 429;

/// 4xx that another try may well answer otherwise: timeouts, conflicts, misdirection, locks, too
/// early, too many.
constexpr std::array<std::size_t, 6> kPassing{408, 409, 421, 423, 425, kThrottled};

/// Statuses below 500 that say something about the request, so that a copy of it gets the same.
std::bitset<600> permanent(const std::bitset<600>& listed) {
  std::bitset<600> result;
  for (std::size_t status = 300; status < 500; ++status) {
    const bool passing = std::ranges::find(kPassing, status) != kPassing.end();
    result.set(status, listed.test(status) && !passing);
  }
  return result;
}

/// Is something retried that the upstream may have applied already?
bool may_repeat_work(const policy::RetrySettings& retry) {
  return retry.on.no_response || retry.on.stale_reuse || retry.on.statuses.any() ||
         !retry.response_headers.empty();
}

void vouching(const Study& study, const RouteView& view) {
  const auto& policy = view.policy;
  if (policy.idempotent != Idempotency::Always || !may_repeat_work(policy.retry)) {
    return;
  }
  std::vector<std::string> methods;
  for (const auto& method : view.route.match.methods) {
    if (!policy::is_idempotent_method(method)) {
      methods.push_back(method);
    }
  }
  const bool any = view.route.match.methods.empty();
  if (methods.empty() && !any) {
    return;
  }
  study.add(
      Code::RetriesNotIdempotent, Section::Route, view.index, {"idempotent"},
      fill("{} may be applied up to {} times: a request whose answer got lost is sent again",
           any ? "every method, POST and PATCH with it," : listed(methods), policy.retries + 1),
      "leave it at auto and send an Idempotency-Key; or, if the upstream tells copies "
      "apart, check --allow retries-not-idempotent",
      {{"deliveries", policy.retries + 1}});
}

void unreachable_conditions(const Study& study, const RouteView& view) {
  const auto& retry = view.policy.retry;
  if (view.policy.idempotent != Idempotency::Never) {
    return;
  }
  const auto unreachable = [&](std::string_view key, std::string_view what) {
    study.dead(Code::RetryOnUnreachable, Section::Route, view.index, key,
               fill("{} never retried here: idempotent is false, so only what never reached the "
                    "application is sent again",
                    what),
               "leave them out, or write idempotent: auto");
  };
  if (retry.on.no_response || retry.on.statuses.any()) {
    unreachable("retry.on", "statuses and lost responses are");
  }
  if (!retry.response_headers.empty()) {
    unreachable("retry.response_headers", "a response with these headers is");
  }
}

void conditions(const Study& study, const RouteView& view) {
  const auto& retry = view.policy.retry;
  const auto& on = retry.on;
  const bool nothing = !on.never_sent && !on.stale_reuse && !on.no_response && on.statuses.none() &&
                       retry.response_headers.empty();
  if (nothing) {
    study.add(Code::RetryOnNothing, Section::Route, view.index, {"retry.on"},
              fill("nothing is listed, so none of the {} is ever made",
                   count_of(view.policy.retries, "retry", "retries")),
              "list never_sent at least, or write retries: 0", {{"retries", view.policy.retries}});
  }
  if (const auto useless = permanent(on.statuses); useless.any()) {
    study.add(Code::RetryOnPermanentStatus, Section::Route, view.index, {"retry.on"},
              fill("{} speaks about the request: a copy of it gets the same answer",
                   listed(statuses(useless))),
              "list statuses that pass: 429, 502, 503, 504", {{"statuses", useless.count()}});
  }
  const bool asked = on.statuses.test(kThrottled) || on.statuses.test(503);
  if (!retry.retry_after.honor && asked) {
    study.add(Code::RetryOnThrottling, Section::Route, view.index, {"retry.retry_after.honor"},
              fill("an upstream that asks for time with Retry-After is asked again after {} on "
                   "average",
                   plain(waits(view.policy).front().mean)),
              "write honor: true");
  }
  if (retry.retry_after.honor && retry.retry_after.max < std::chrono::seconds{1}) {
    study.add(Code::RetryAfterUnreachable, Section::Route, view.index, {"retry.retry_after.max"},
              fill("Retry-After counts whole seconds, and nothing over {} is honoured",
                   plain(retry.retry_after.max)),
              "write max: 1s or more, or honor: false",
              {{"max_ms", milliseconds(retry.retry_after.max)}});
  }
}

void without_retries(const Study& study, const RouteView& view) {
  for (const std::string_view key :
       {"retry.on", "retry.response_headers", "retry.backoff.kind", "retry.backoff.initial",
        "retry.backoff.max", "retry.backoff.factor", "retry.backoff.jitter", "retry.adaptive",
        "retry.retry_after.honor", "retry.retry_after.max"}) {
    study.dead(Code::RetrySettingUnused, Section::Route, view.index, key,
               "it speaks about retries, but retries is 0", "leave it out, or allow retries");
  }
}

}  // namespace

void study_retries(const Study& study, const RouteView& view) {
  if (view.policy.retries == 0) {
    without_retries(study, view);
    return;
  }
  vouching(study, view);
  unreachable_conditions(study, view);
  conditions(study, view);
}

void study_replay(const Study& study, const RouteView& view) {
  const auto& limits = study.config.limits;
  const config::Bytes kept = view.policy.retry.max_body_replay;
  const config::Bytes longest = limits.request_body;
  if (view.policy.retries == 0 || kept == 0) {
    return;
  }
  if (longest > 0 && kept > longest) {
    study.add(Code::BodyReplayUnused, Section::Route, view.index, {"retry.max_body_replay"},
              fill("bodies up to {} would be kept, but limits.request_body refuses all over {}",
                   plain_size(kept), plain_size(longest)),
              fill("write max_body_replay: {}", plain_size(longest)),
              {{"max_body_replay_bytes", kept}, {"request_body_bytes", longest}});
  }
  const auto has_body = [](const std::string& method) {
    return method != "GET" && method != "HEAD" && method != "OPTIONS" && method != "TRACE";
  };
  const auto& methods = view.route.match.methods;
  const bool bodies = methods.empty() || std::ranges::any_of(methods, has_body);
  if (longest > kept && bodies && view.policy.idempotent != Idempotency::Never) {
    study.add(Code::BodyReplayShort, Section::Route, view.index,
              {"retry.max_body_replay", "limits.request_body"},
              fill("bodies may have {} (limits.request_body), but only the first {} are kept: "
                   "longer ones are not retried once they were sent",
                   plain_size(longest), plain_size(kept)),
              fill("write max_body_replay: {}, with replay_memory for as many as are sent at once",
                   plain_size(longest)),
              {{"request_body_bytes", longest}, {"max_body_replay_bytes", kept}});
  }
  const config::Bytes each = longest > 0 ? std::min(kept, longest) : kept;
  const config::Bytes fit = limits.replay_memory / each;
  if (fit < kReplaysMin) {
    study.add(Code::ReplayMemorySmall, Section::Route, view.index,
              {"retry.max_body_replay", "limits.replay_memory"},
              fill("{} of replay memory {} of {}: the bodies of further requests are not kept, so "
                   "these are not retried",
                   plain_size(limits.replay_memory),
                   fit == 0 ? "cannot hold one body" : "holds " + count_of(fit, "body", "bodies"),
                   plain_size(each)),
              fill("write replay_memory: {} or more, or a smaller max_body_replay",
                   plain_size(each * kReplaysMin)),
              {{"replay_memory_bytes", limits.replay_memory},
               {"max_body_replay_bytes", each},
               {"bodies", fit}});
  }
}

void study_hedge(const Study& study, const RouteView& view) {
  const auto& hedge = view.policy.hedge;
  const auto& methods = view.route.match.methods;
  if (!hedge.enabled) {
    return;
  }
  const auto never = [&](Keys keys, std::string message, std::string fix) {
    study.add(Code::HedgeNeverFires, Section::Route, view.index, std::move(keys),
              std::move(message), std::move(fix));
  };
  const bool hedged = methods.empty() || std::ranges::any_of(methods, [&](const auto& method) {
                        return std::ranges::find(hedge.methods, method) != hedge.methods.end();
                      });
  if (!hedged) {
    never({"hedge.methods", "hedge.enabled"},
          fill("the route takes {}, of which hedge.methods ({}) names none", listed(methods, "or"),
               listed(hedge.methods)),
          "name a method of the route, or write hedge: { enabled: false }");
  }
  if (hedge.max_percent.millionths == 0) {
    never({"hedge.max_percent"}, "a share of 0% allows no second request", "write 5%");
  }
  if (hedge.after && *hedge.after >= longest_try(view.policy)) {
    never({"hedge.after"},
          fill("a second request after {} comes too late: a try ends after {} at the latest",
               plain(*hedge.after), plain(longest_try(view.policy))),
          "write after: p95");
  }
}

void study_faults(const Study& study, const RouteView& view) {
  const auto& fault = view.policy.fault;
  std::vector<std::string> parts;
  const auto part = [&](Ratio share, std::string_view what) {
    if (share.millionths > 0) {
      parts.push_back(fill("{} of the attempts are {}", plain(share), what));
    }
  };
  part(fault.abort_percent, "answered with an error");
  part(fault.delay_percent, "delayed");
  part(fault.reset_percent, "cut off");
  if (!fault.enabled || parts.empty()) {
    return;
  }
  study.add(Code::FaultsInjected, Section::Route, view.index, {"fault.enabled"},
            fill("{} on purpose", listed(parts)), "write enabled: false outside of tests",
            {{"abort_percent", fault.abort_percent.value() * 100},
             {"delay_percent", fault.delay_percent.value() * 100},
             {"reset_percent", fault.reset_percent.value() * 100}});
}

}  // namespace fusegate::advice
