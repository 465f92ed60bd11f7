#include "admin/message.hpp"

#include "admin/json.hpp"

namespace fusegate::admin {

std::string_view Request::query(std::string_view name) const {
  const std::size_t mark = target.find('?');
  std::string_view rest = mark == std::string_view::npos ? "" : target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name) {
      return equals == std::string_view::npos ? "1" : pair.substr(equals + 1);
    }
  }
  return "";
}

Response problem(unsigned status, std::string_view title, std::string_view detail) {
  const boost::json::object body{
      {"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", detail}};
  return {.status = status, .type = Response::kProblem, .body = pretty(body), .allow = {}};
}

Response not_found(std::string_view detail) { return problem(404, "Not Found", detail); }

Response method_not_allowed(std::string_view allow) {
  const std::string detail = "this path answers " + std::string(allow) + " only";
  Response response = problem(405, "Method Not Allowed", detail);
  response.allow = allow;
  return response;
}

}  // namespace fusegate::admin
