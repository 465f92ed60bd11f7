#pragma once

#include <string>
#include <string_view>

namespace fusegate::admin {

/// A request as far as the pages care. Views of the server's buffer.
struct Request {
  std::string_view method;
  std::string_view target;  ///< Origin form, e.g. "/readyz?verbose".
  std::string_view host;
  std::string_view origin;
  std::string_view fetch_site;  ///< Sec-Fetch-Site
  bool over_unix = false;       ///< Came in over a unix socket.

  std::string_view path() const { return target.substr(0, target.find('?')); }
  /// The value of `name` in the query; "1" when it stands without a value, empty when absent.
  std::string_view query(std::string_view name) const;
};

struct Response {
  unsigned status = 200;
  std::string_view type = kText;
  std::string body;
  std::string_view allow;  ///< Value of Allow, with 405.

  static constexpr std::string_view kText = "text/plain; charset=utf-8";
  static constexpr std::string_view kJson = "application/json";
  static constexpr std::string_view kProblem = "application/problem+json";
};

/// A reply that says in words what is wrong.
Response problem(unsigned status, std::string_view title, std::string_view detail);
Response not_found(std::string_view detail);
Response method_not_allowed(std::string_view allow);

}  // namespace fusegate::admin
