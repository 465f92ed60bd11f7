#include "app/state_keeping.hpp"

#include "config_file/config_file.hpp"
#include "net/clock.hpp"
#include "state/codec.hpp"
#include "state/file.hpp"

#include <algorithm>
#include <utility>

namespace fusegate::app {

StateKeeping::StateKeeping(const config::Config& config, DataPlane& plane, telemetry::Logger& log)
    : path_(config.state_file), plane_(plane), log_(log) {
  if (path_.empty()) {
    return;
  }
  for (const auto& upstream : config.upstreams) {
    hashes_.push_back(config_file::settings_hash(upstream));
  }
  keeper_ = std::make_unique<state::Keeper>(path_, [this] { return snapshot(); }, log_);
}

void StateKeeping::restore() {
  if (path_.empty()) {
    return;
  }
  const std::string_view file = path_;
  const auto text = state::read_file(path_);
  if (!text) {
    log_.warn("state file ignored", {{"file", file}, {"reason", std::string_view{text.error()}}});
    return;
  }
  if (!*text) {
    log_.info("no state file yet", {{"file", file}});
    return;
  }
  const Instant now = net::now();
  auto found = state::decode(**text, now, net::wall_now());
  if (!found) {
    log_.warn("state file ignored", {{"file", file}, {"reason", std::string_view{found.error()}}});
    return;
  }
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - found->taken);
  log_.info("state file read", {{"file", file}, {"age_ms", age.count()}});
  const Instant expires = after(found->taken, state::kAgeMax);
  for (state::Section& section : found->sections) {
    restore_section(std::move(section), expires, now);
  }
}

void StateKeeping::restore_section(state::Section section, Instant expires, Instant now) {
  const std::string_view name = section.upstream;
  const auto ignored = [&](std::string_view reason) {
    log_.warn("state of an upstream ignored", {{"upstream", name}, {"reason", reason}});
  };
  const auto& upstreams = plane_.upstreams();
  const auto found = std::ranges::find_if(
      upstreams, [&](const auto& upstream) { return upstream->settings().name == name; });
  if (found == upstreams.end()) {
    ignored("the configuration does not have it any more");
    return;
  }
  if (hashes_[static_cast<std::size_t>(found - upstreams.begin())] != section.settings) {
    ignored("its settings have changed");
    return;
  }
  const std::size_t endpoints = section.memory.endpoints.size();
  const bool done = (*found)->with([&](exchange::UpstreamState& state) {
    return state.restore(std::move(section.memory), expires, now);
  });
  if (!done) {
    ignored("it is damaged: no upstream of these settings can be in that state");
    return;
  }
  const BreakerState breaker = (*found)->with([&](exchange::UpstreamState& state) {
    state.tick(now);
    return state.breaker().state();
  });
  log_.info("state of an upstream restored",
            {{"upstream", name}, {"breaker", word(breaker)}, {"endpoints", endpoints}});
}

void StateKeeping::start() {
  if (keeper_) {
    keeper_->start();
  }
}

void StateKeeping::stop() {
  if (keeper_) {
    keeper_->stop();
  }
}

state::Snapshot StateKeeping::snapshot() {
  state::Snapshot all{.taken = net::now(), .written = net::wall_now(), .sections = {}};
  const auto& upstreams = plane_.upstreams();
  for (std::size_t i = 0; i < upstreams.size(); ++i) {
    all.sections.push_back({.upstream = upstreams[i]->settings().name,
                            .settings = hashes_[i],
                            .memory = upstreams[i]->with([&](exchange::UpstreamState& state) {
                              return state.memory(net::now());
                            })});
  }
  return all;
}

}  // namespace fusegate::app
