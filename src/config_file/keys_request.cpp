#include "config_file/custom.hpp"
#include "config_file/keys.hpp"

namespace fusegate::config_file {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kKinds[]{"exponential", "constant", "linear", "fibonacci",
                                    "decorrelated"};
constexpr std::string_view kFallbackSchema =
    R"({"anyOf": [{"const": "off"}, )"
    R"({"type": "object", "additionalProperties": false, "required": ["upstream"], )"
    R"("properties": {"upstream": {"type": "string"}}}, )"
    R"({"type": "object", "additionalProperties": false, "required": ["status"], "properties": )"
    R"({"status": {"type": "integer"}, "body": {"type": "string"}, "headers": )"
    R"({"type": "object", "additionalProperties": {"type": "string"}}}}]})";
constexpr config::Bytes kReplayMax = 1024 * 1024 * 1024;

std::vector<Key> attempt_keys() {
  return {
      {Level::Request, "timeout",
       DurationField{[](Scope& s) -> auto& { return s.route.policy.timeout; }, 1ms, 24h},
       "All attempts and waits together, with the response head and body."},
      {Level::Request, "per_try_timeout",
       CustomField{read_per_try_timeout, write_per_try_timeout,
                   R"({"anyOf": [{"const": "auto"}, {"$ref": "#/definitions/duration"}]})"},
       "`auto` = a fair share of what is left of `timeout`, the last try gets all of it; or a "
       "duration below `timeout`."},
      {Level::Request, "retries",
       IntegerField{[](Scope& s) -> auto& { return s.route.policy.retries; }, 0,
                    config::kRetriesMax},
       "Tries after the first; 0 = never."},
      {Level::Request, "idempotent",
       CustomField{read_idempotent, write_idempotent, R"({"enum": ["auto", true, false]})"},
       "May a request be applied twice? `auto` = by its method, or an `Idempotency-Key` header; "
       "`true` = the operator vouches for it; `false` = never."},
      {Level::Request, "retry.on",
       CustomField{read_retry_on, write_retry_on,
                   R"({"type": "array", "items": {"type": ["string", "integer"]}})"},
       "What is retried: the failure classes `never_sent`, `stale_reuse` and `no_response`, status "
       "codes from 300 to 599, ranges such as \"520-530\", `5xx` and its like, and `gateway-error` "
       "(502, 503, 504)."},
      {Level::Request, "retry.response_headers",
       CustomField{read_response_headers, write_response_headers,
                   R"({"type": "object", "additionalProperties": {"type": "string"}})"},
       "Also retry when a response header has this value, e.g. `{ x-retry: \"true\" }`."},
  };
}

std::vector<Key> wait_keys() {
  return {
      {Level::Request, "retry.backoff.kind",
       word_field<[](Scope& s) -> auto& { return s.route.policy.retry.backoff.kind; }>(kKinds),
       "How the wait grows: `exponential`, `constant`, `linear`, `fibonacci` or `decorrelated`."},
      {Level::Request, "retry.backoff.initial",
       DurationField{[](Scope& s) -> auto& { return s.route.policy.retry.backoff.initial; }, 0s,
                     1h},
       "The wait before the first retry, before jitter."},
      {Level::Request, "retry.backoff.max",
       DurationField{[](Scope& s) -> auto& { return s.route.policy.retry.backoff.max; }, 0s, 1h},
       "No wait is longer."},
      {Level::Request, "retry.backoff.factor",
       NumberField{[](Scope& s) -> auto& { return s.route.policy.retry.backoff.factor; }, 1, 10},
       "Growth of an exponential wait from retry to retry."},
      {Level::Request, "retry.backoff.jitter",
       word_field<[](Scope& s) -> auto& { return s.route.policy.retry.backoff.jitter; }>(kJitters),
       "`full` = anything from 0 to the wait, `equal` = from half of it, `none` = exactly it."},
      {Level::Request, "retry.adaptive",
       BoolField{[](Scope& s) -> auto& { return s.route.policy.retry.adaptive; }},
       "Lengthen the wait with the upstream's failure rate, up to twice."},
      {Level::Request, "retry.retry_after.honor",
       BoolField{[](Scope& s) -> auto& { return s.route.policy.retry.retry_after.honor; }},
       "Wait as long as `Retry-After` of a response asks."},
      {Level::Request, "retry.retry_after.max",
       DurationField{[](Scope& s) -> auto& { return s.route.policy.retry.retry_after.max; }, 0s,
                     24h},
       "A response that asks for more is retried after the ordinary wait."},
  };
}

std::vector<Key> replay_keys() {
  return {
      {Level::Request, "retry.max_body_replay",
       SizeField{[](Scope& s) -> auto& { return s.route.policy.retry.max_body_replay; }, 0,
                 kReplayMax},
       "A longer request body is streamed once and not retried; counted and logged, never silent."},
  };
}

std::vector<Key> later_keys() {
  return {
      {Level::Request, "hedge.enabled",
       BoolField{[](Scope& s) -> auto& { return s.route.policy.hedge.enabled; }},
       "Make a second attempt beside one that is slow; requests without a body only."},
      {Level::Request, "hedge.after",
       CustomField{read_hedge_after, write_hedge_after, R"({"$ref": "#/definitions/text"})"},
       "When the second is sent: a live quantile (`p1` to `p99`) or a duration."},
      {Level::Request, "hedge.methods",
       CustomField{read_hedge_methods, write_hedge_methods, R"({"$ref": "#/definitions/texts"})"},
       "Methods that may be hedged."},
      {Level::Request, "hedge.max_percent",
       PercentField{[](Scope& s) -> auto& { return s.route.policy.hedge.max_percent; }},
       "The most hedges, as a share of requests."},
      {Level::Request, "fallback", CustomField{read_fallback, write_fallback, kFallbackSchema},
       "When the upstream has failed a request: `off`, a reply `{ status: 200, headers: {}, body: "
       "\"\" }`, or `{ upstream: other }` for the attempts that are left, at least one."},
      {Level::Request, "fault.enabled",
       BoolField{[](Scope& s) -> auto& { return s.route.policy.fault.enabled; }},
       "Test faults, injected below the retry layer; a trusted peer may ask for them with "
       "`x-envoy-fault-abort-request` and `x-envoy-fault-delay-request`."},
      {Level::Request, "fault.abort.percent",
       PercentField{[](Scope& s) -> auto& { return s.route.policy.fault.abort_percent; }},
       "The share of attempts answered with `fault.abort.status`."},
      {Level::Request, "fault.abort.status",
       IntegerField{[](Scope& s) -> auto& { return s.route.policy.fault.abort_status; }, 200, 599},
       "The status of such an answer."},
      {Level::Request, "fault.delay.percent",
       PercentField{[](Scope& s) -> auto& { return s.route.policy.fault.delay_percent; }},
       "The share of attempts delayed by `fault.delay.duration`."},
      {Level::Request, "fault.delay.duration",
       DurationField{[](Scope& s) -> auto& { return s.route.policy.fault.delay; }, 0s, 1h},
       "The length of the delay."},
      {Level::Request, "fault.reset.percent",
       PercentField{[](Scope& s) -> auto& { return s.route.policy.fault.reset_percent; }},
       "The share of attempts whose connection is reset."},
  };
}

}  // namespace

std::vector<Key> request_keys() {
  auto all = attempt_keys();
  for (const auto& more : {wait_keys(), replay_keys(), later_keys()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace fusegate::config_file
