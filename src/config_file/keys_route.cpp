#include "config_file/custom.hpp"
#include "config_file/keys.hpp"

namespace fusegate::config_file {

std::vector<Key> route_keys() {
  constexpr std::string_view kText = R"({"$ref": "#/definitions/text"})";
  constexpr std::string_view kTexts = R"({"$ref": "#/definitions/texts"})";
  return {
      {Level::Route, "name", TextField{[](Scope& s) -> auto& { return s.route.name; }},
       "The name in logs and metrics; unique. Absent = derived from the match: its methods, its "
       "first host and its path, e.g. `POST payments.local/payments`; a second one like it gets "
       "`#2`."},
      {Level::Route, "match", CustomField{read_match, write_match, kText},
       "Required. A string is a path prefix; a map holds conditions, all of which must hold."},
      {Level::Route, "match.host", CustomField{read_hosts, write_hosts, kTexts},
       "Hosts without port; `*.payments.local` stands for every name below."},
      {Level::Route, "match.path_prefix", CustomField{read_path_prefix, write_path_prefix, kText},
       "Whole segments: `/payments` matches `/payments` and `/payments/x`, not `/paymentsx`."},
      {Level::Route, "match.path", CustomField{read_path_exact, write_path_exact, kText},
       "The exact path, instead of `match.path_prefix`."},
      {Level::Route, "match.path_regex", CustomField{read_path_regex, write_path_regex, kText},
       "An RE2 expression that the whole path matches, instead of `match.path_prefix`."},
      {Level::Route, "match.methods", CustomField{read_methods, write_methods, kTexts},
       "Methods, in the case they are sent in."},
      {Level::Route, "match.headers",
       CustomField{read_headers, write_headers,
                   R"({"type": "object", "additionalProperties": {"type": "string"}})"},
       "Headers and the exact values they must have."},
      {Level::Route, "upstream", TextField{[](Scope& s) -> auto& { return s.route_upstream; }},
       "Required. The name of the upstream that serves the route."},
      {Level::Route, "rewrite.strip_prefix",
       BoolField{[](Scope& s) -> auto& { return s.route.rewrite.strip_prefix; }},
       "Send the path without the prefix that matched."},
      {Level::Route, "rewrite.host", CustomField{read_rewrite_host, write_rewrite_host, kText},
       "The `Host` the upstream sees: `keep` = the client's, `upstream` = the upstream's, or a "
       "name."},
  };
}

}  // namespace fusegate::config_file
