// Gives each finding about the settings its place in the file.
#include <fusegate/advice/advice.hpp>

#include "config_file/fill.hpp"
#include "config_file/sections.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace fusegate::config_file {
namespace {

using advice::Finding;
using advice::Section;

/// The scope that holds the settings of a finding's section. Those of routes and upstreams hold
/// what they inherited too, with the place it came from.
const Scope& scope_of(const Draft& draft, Section section, std::size_t index) {
  switch (section) {
    case Section::Global:
      break;
    case Section::Listener:
      return draft.listeners[index];
    case Section::Upstream:
      return draft.upstreams[index];
    case Section::Route:
      return draft.routes[index];
  }
  return draft.root;
}

std::size_t count_of(const Draft& draft, Section section) {
  switch (section) {
    case Section::Global:
      break;
    case Section::Listener:
      return draft.listeners.size();
    case Section::Upstream:
      return draft.upstreams.size();
    case Section::Route:
      return draft.routes.size();
  }
  return 1;
}

/// Where the section itself stands.
Cursor section_place(const Draft& draft, const Cursor& file, Section section, std::size_t index) {
  switch (section) {
    case Section::Global:
      break;
    case Section::Listener:
      return draft.listener_places[index];
    case Section::Upstream:
      return draft.upstream_keys[index];
    case Section::Route:
      return draft.route_places[index];
  }
  return file;
}

std::string section_name(const config::Config& config, Section section, std::size_t index) {
  switch (section) {
    case Section::Global:
      break;
    case Section::Listener:
      return fill("listener {}", quoted(config.listeners[index].name));
    case Section::Upstream:
      return fill("upstream {}", quoted(config.upstreams[index].name));
    case Section::Route:
      return fill("route {}", quoted(config.routes[index].name));
  }
  return {};
}

/// The findings of one kind at one place, told once.
struct Remark {
  Cursor at;
  const Finding* first = nullptr;
  std::size_t others = 0;  ///< Further sections for which the same holds.
};

class Placing {
 public:
  Placing(const Draft& draft, const Cursor& file, const config::Config& config,
          const std::vector<Finding>& findings)
      : draft_(draft), file_(file), config_(config) {
    for (const Finding& finding : findings) {
      place(finding);
    }
  }

  const std::vector<Remark>& remarks() const { return remarks_; }

 private:
  void place(const Finding& finding) {
    const Scope& scope = scope_of(draft_, finding.section, finding.index);
    for (const auto key : finding.keys) {
      const auto set = scope.set.find(key);
      if (set == scope.set.end()) {
        continue;
      }
      if (!finding.dead || (!is_default(finding, key) &&
                            is_dead_everywhere(finding, key, set->second.cursor.node))) {
        add(finding, set->second.cursor);
      }
      return;
    }
    if (finding.keys.empty() || finding.stated) {
      add(finding, section_place(draft_, file_, finding.section, finding.index));
    }
  }

  /// To write out a default is no mistake, whether it has an effect or not.
  bool is_default(const Finding& finding, std::string_view name) const {
    Scope scope;
    if (finding.section == Section::Upstream) {
      scope.upstream = config_.upstreams[finding.index];
    } else if (finding.section == Section::Route) {
      scope.route = config_.routes[finding.index];
      scope.upstream = config_.upstreams[scope.route.upstream];
    } else {
      scope.global = config_;
    }
    const auto key = std::ranges::find(keys(), name, &Key::path);
    if (key == keys().end()) {
      return false;
    }
    Scope defaults = default_scope();
    Value written;
    Value standard;
    written.at("x") = write_field(*key, scope).value_or(Value());
    standard.at("x") = write_field(*key, defaults).value_or(Value());
    return to_yaml(written) == to_yaml(standard);
  }

  /// Counts the sections where the setting is in force until all of them were found dead.
  bool is_dead_everywhere(const Finding& finding, std::string_view key, const Node* node) {
    auto& state = dead_[{finding.code, key, node}];
    if (state.in_force == 0) {
      for (std::size_t i = 0; i < count_of(draft_, finding.section); ++i) {
        const auto& set = scope_of(draft_, finding.section, i).set;
        const auto found = set.find(key);
        state.in_force += found != set.end() && found->second.cursor.node == node ? 1 : 0;
      }
    }
    return ++state.found == state.in_force;
  }

  void add(const Finding& finding, const Cursor& at) {
    // By line: settings that stand side by side and share a fault need one sentence.
    auto& index = told_[{finding.code, at.node->line}];
    if (index == 0) {
      remarks_.push_back({at, &finding, 0});
      index = remarks_.size();
      return;
    }
    Remark& before = remarks_[index - 1];
    before.others += before.first->index != finding.index && before.at.node == at.node ? 1 : 0;
  }

  struct Dead {
    std::size_t in_force = 0;
    std::size_t found = 0;
  };

  const Draft& draft_;
  const Cursor& file_;
  const config::Config& config_;
  std::vector<Remark> remarks_;
  std::map<std::tuple<advice::Code, std::string_view, const Node*>, Dead> dead_;
  std::map<std::pair<advice::Code, int>, std::size_t> told_;  ///< Into `remarks_`, from 1.
};

/// Names the section when the path of the place does not.
std::string for_whom(const Remark& remark, const config::Config& config, const Cursor& home) {
  const Finding& finding = *remark.first;
  const bool at_home = !home.path.empty() && remark.at.path.starts_with(home.path);
  const auto name = at_home ? "" : section_name(config, finding.section, finding.index);
  const auto more = remark.others == 0 ? "" : fill(" and {} more", remark.others);
  return name.empty() && more.empty() ? ""
         : name.empty()               ? fill(" (here{})", more)
                                      : fill(" ({}{})", name, more);
}

}  // namespace

void warn(Reader& reader, const Draft& draft, const Cursor& file, const config::Config& config,
          const advice::Assumptions& given) {
  const auto findings = advice::advise(config, given);
  const Placing placing(draft, file, config, findings);
  for (const Remark& remark : placing.remarks()) {
    const Finding& finding = *remark.first;
    const Cursor home = section_place(draft, file, finding.section, finding.index);
    const auto path = remark.at.path.empty() ? "" : remark.at.path + ": ";
    Diagnostic& diagnostic = reader.warning(
        remark.at, path + finding.message + for_whom(remark, config, home), finding.fix);
    diagnostic.code = advice::word(finding.code);
    for (const auto& number : finding.numbers) {
      diagnostic.numbers.emplace_back(number.name, number.value);
    }
  }
}

}  // namespace fusegate::config_file
