#include "telemetry/access_line.hpp"

#include <algorithm>

namespace fusegate::telemetry {
namespace {

using exchange::kClientGoneStatus;
using exchange::Report;
using exchange::TryReport;

struct Facts {
  std::string_view listener, route, upstream, path, reason;
  std::uint16_t status;
  Duration overhead;
};

template <class Named>
std::string_view name_of(const std::vector<Named>& all, std::uint16_t index) {
  return index < all.size() ? std::string_view(all[index].name) : std::string_view{};
}

std::string_view reason_of(const Report& report) {
  switch (report.result) {
    case RequestResult::Ok:
      return "";
    case RequestResult::Failed:
      return report.denied ? word(*report.denied) : "";
    case RequestResult::Rejected:
      return word(report.reason);
    case RequestResult::Cut:
      return report.denied ? word(*report.denied) : word(report.reason);
    case RequestResult::ClientGone:
      return "client_gone";
  }
  return "";
}

Facts facts_of(const Report& report, const config::Config& config) {
  return {
      .listener = name_of(config.listeners, report.listener),
      .route = name_of(config.routes, report.route),
      .upstream = name_of(config.upstreams, report.upstream),
      // Query strings carry tokens and names of people.
      .path = report.path.substr(0, report.path.find('?')),
      .reason = reason_of(report),
      .status = report.result == RequestResult::ClientGone ? kClientGoneStatus : report.status,
      .overhead = std::max(report.duration - report.upstream_time, Duration{}),
  };
}

void text_member(Line& line, std::string_view key, std::string_view value,
                 std::size_t max = kAccessTextMax) {
  line.raw(key);
  line.quoted(value, max);
}

void number_member(Line& line, std::string_view key, std::uint64_t value) {
  line.raw(key);
  line.integer(static_cast<std::int64_t>(value));
}

void time_member(Line& line, std::string_view key, Duration value) {
  line.raw(key);
  line.milliseconds(value);
}

std::string_view endpoint_of(const TryReport& attempt) {
  return attempt.endpoint == nullptr ? std::string_view{} : attempt.endpoint->name;
}

void append_try(Line& line, const TryReport& attempt) {
  text_member(line, R"({"endpoint":)", endpoint_of(attempt));
  if (attempt.status != 0) {
    number_member(line, R"(,"status":)", attempt.status);
  } else {
    line.raw(R"(,"result":")");
    line.raw(word(attempt.result));
    line.raw('"');
  }
  time_member(line, R"(,"ms":)", attempt.duration);
  if (attempt.wait > Duration{}) {
    time_member(line, R"(,"wait_ms":)", attempt.wait);
  }
  if (attempt.kind == AttemptKind::Hedge) {
    line.raw(R"(,"hedge":true)");
  }
  if (attempt.injected) {
    line.raw(R"(,"injected":true)");
  }
  line.raw(attempt.reused ? R"(,"reused":true})" : "}");
}

std::size_t tries_of(const Report& report) {
  return std::min<std::size_t>(report.try_count, Report::kTriesMax);
}

void append_try_words(Line& line, const TryReport& attempt) {
  line.word(endpoint_of(attempt), kAccessTextMax);
  line.raw(':');
  if (attempt.status != 0) {
    line.integer(attempt.status);
  } else {
    line.raw(word(attempt.result));
  }
  line.raw(':');
  line.milliseconds(attempt.duration);
  line.raw(attempt.injected ? "ms:injected" : "ms");
}

}  // namespace

void append_access_json(Line& line, Timestamp& stamp, const Report& report,
                        const config::Config& config) {
  const Facts facts = facts_of(report, config);
  line.raw(R"({"ts":")");
  stamp.append(line, report.started_wall);
  text_member(line, R"(","kind":"access","request_id":)", report.request_id);
  text_member(line, R"(,"trace_id":)", report.trace_id);
  text_member(line, R"(,"listener":)", facts.listener);
  text_member(line, R"(,"route":)", facts.route);
  text_member(line, R"(,"method":)", report.method);
  text_member(line, R"(,"host":)", report.host);
  text_member(line, R"(,"path":)", facts.path, kAccessPathMax);
  text_member(line, R"(,"protocol":)", report.protocol);
  number_member(line, R"(,"status":)", facts.status);
  text_member(line, R"(,"result":)", word(report.result));
  text_member(line, R"(,"reason":)", facts.reason);
  time_member(line, R"(,"duration_ms":)", report.duration);
  time_member(line, R"(,"overhead_ms":)", facts.overhead);
  number_member(line, R"(,"bytes_in":)", report.bytes_in);
  number_member(line, R"(,"bytes_out":)", report.bytes_out);
  text_member(line, R"(,"client":)", report.client);
  text_member(line, R"(,"upstream":)", facts.upstream);
  number_member(line, R"(,"attempts":)", report.attempts);
  line.raw(R"(,"tries":[)");
  for (std::size_t i = 0; i < tries_of(report); ++i) {
    if (i > 0) {
      line.raw(',');
    }
    append_try(line, report.tries[i]);
  }
  line.raw("]}\n");
}

void append_access_text(Line& line, Timestamp& stamp, const Report& report,
                        const config::Config& config) {
  const Facts facts = facts_of(report, config);
  stamp.append(line, report.started_wall);
  line.raw(' ');
  line.integer(facts.status);
  line.raw(' ');
  line.word(report.method, kAccessTextMax);
  line.raw(' ');
  line.word(report.host, kAccessTextMax);
  line.raw(' ');
  line.word(facts.path, kAccessPathMax);
  line.raw(' ');
  line.milliseconds(report.duration);
  line.raw("ms ");
  line.raw(word(report.result));
  if (!facts.reason.empty()) {
    line.raw('/');
    line.raw(facts.reason);
  }
  line.raw(" route=");
  line.word(facts.route, kAccessTextMax);
  line.raw(" attempts=");
  line.integer(report.attempts);
  line.raw(" client=");
  line.word(report.client, kAccessTextMax);
  line.raw(" id=");
  line.word(report.request_id, kAccessTextMax);
  if (report.try_count > 0) {
    line.raw(" tries=");
  }
  for (std::size_t i = 0; i < tries_of(report); ++i) {
    if (i > 0) {
      line.raw(',');
    }
    append_try_words(line, report.tries[i]);
  }
  line.raw('\n');
}

}  // namespace fusegate::telemetry
