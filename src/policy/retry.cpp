#include <fusegate/policy/retry.hpp>

#include <algorithm>
#include <array>

namespace fusegate::policy {
namespace {

bool listed(const RetryOn& on, FailureClass failure) {
  switch (failure) {
    case FailureClass::NeverSent:
      return on.never_sent;
    case FailureClass::StaleReuse:
      return on.stale_reuse;
    case FailureClass::NoResponse:
      return on.no_response;
    case FailureClass::BadResponse:
      break;
  }
  // A response is only given this class when its status or a header of it is listed.
  return true;
}

/// May the request have been applied already, so that a second delivery needs permission?
bool may_have_been_applied(FailureClass failure, const RetryContext& context) {
  switch (failure) {
    case FailureClass::NeverSent:
      return false;
    case FailureClass::StaleReuse:
      return !context.nothing_written;
    case FailureClass::NoResponse:
    case FailureClass::BadResponse:
      break;
  }
  return true;
}

}  // namespace

bool is_idempotent_method(std::string_view method) {
  static constexpr std::array<std::string_view, 6> kIdempotent{"GET",   "HEAD", "OPTIONS",
                                                               "TRACE", "PUT",  "DELETE"};
  return std::ranges::find(kIdempotent, method) != kIdempotent.end();
}

std::optional<DenyReason> retry_forbidden(const RetrySettings& settings, FailureClass failure,
                                          const RetryContext& context) {
  if (context.coordinated && failure != FailureClass::NeverSent) {
    return DenyReason::Coordinated;
  }
  if (!listed(settings.on, failure)) {
    return DenyReason::NotRetryable;
  }
  if (!context.repeatable && may_have_been_applied(failure, context)) {
    return DenyReason::NotIdempotent;
  }
  if (!context.replayable) {
    return DenyReason::NotReplayable;
  }
  return std::nullopt;
}

}  // namespace fusegate::policy
