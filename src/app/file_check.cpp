#include "app/file_check.hpp"

#include <fusegate/base/fill.hpp>

#include "net/tls_context.hpp"

namespace fusegate::app {
namespace {

void add(advice::Section section, std::size_t index, const std::vector<net::TlsProblem>& found,
         std::vector<config_file::FileProblem>& all) {
  for (const net::TlsProblem& problem : found) {
    all.push_back({section, index, fill("tls.{}", problem.key), problem.message, problem.warning});
  }
}

}  // namespace

std::vector<config_file::FileProblem> check_files(const config::Config& config) {
  std::vector<config_file::FileProblem> all;
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    if (config.listeners[i].uses_tls()) {
      add(advice::Section::Listener, i,
          net::TlsContext::for_listener(config.listeners[i].tls).problems, all);
    }
  }
  for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
    if (config.upstreams[i].uses_tls()) {
      add(advice::Section::Upstream, i,
          net::TlsContext::for_upstream(config.upstreams[i].tls).problems, all);
    }
  }
  return all;
}

}  // namespace fusegate::app
