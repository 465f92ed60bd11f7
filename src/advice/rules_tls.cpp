// TLS that protects less than it seems to.
#include "advice/rules.hpp"

#include <utility>

namespace fusegate::advice {
namespace {

/// The settings that are not at their defaults.
Keys settings_of(const config::Tls& tls) {
  Keys set;
  for (const auto& [key, value] :
       {std::pair{"tls.ca_file", &tls.ca_file}, std::pair{"tls.certificate", &tls.certificate},
        std::pair{"tls.key", &tls.key}, std::pair{"tls.server_name", &tls.server_name}}) {
    if (!value->empty()) {
      set.emplace_back(key);
    }
  }
  if (!tls.verify) {
    set.emplace_back("tls.verify");
  }
  return set;
}

}  // namespace

void study_tls(const Study& study, const UpstreamView& view) {
  const auto& upstream = view.upstream;
  if (!upstream.uses_tls()) {
    for (const auto key : settings_of(upstream.tls)) {
      study.dead(Code::TlsSettingUnused, Section::Upstream, view.index, key,
                 "the upstream is spoken to in plain text",
                 "write https:// in its url or endpoints, or leave it out");
    }
    return;
  }
  if (upstream.tls.verify) {
    return;
  }
  study.add(Code::TlsNotVerified, Section::Upstream, view.index, {"tls.verify"},
            "whoever answers is believed to be the server, so that anybody on the way can read and "
            "change everything",
            "name the file of its authority in ca_file instead");
  if (!upstream.tls.ca_file.empty()) {
    study.dead(Code::TlsSettingUnused, Section::Upstream, view.index, "tls.ca_file",
               "nothing is verified, so no authority is needed", "leave it out, or verify");
  }
}

}  // namespace fusegate::advice
