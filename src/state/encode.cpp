#include <fusegate/base/vocabulary.hpp>

#include "state/codec.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace fusegate::state {
namespace {

namespace json = boost::json;

class Encoder {
 public:
  explicit Encoder(Instant taken) : taken_(taken) {}

  json::object upstream(const Section& section) const {
    json::array endpoints;
    for (const exchange::EndpointMemory& endpoint : section.memory.endpoints) {
      endpoints.push_back(json::object{{"name", endpoint.name},
                                       {"ejected", endpoint.ejected},
                                       {"returning", endpoint.returning},
                                       {"down", endpoint.down},
                                       {"machine", machine(endpoint.machine)},
                                       {"last", move(endpoint.last)}});
    }
    return {{"name", section.upstream},
            {"settings", section.settings},
            {"breaker", machine(section.memory.breaker)},
            {"last", move(section.memory.last)},
            {"budget", window(section.memory.budget)},
            {"endpoints", std::move(endpoints)}};
  }

 private:
  std::int64_t time(Instant at) const { return (at - taken_).count(); }

  /// The epoch stands for "none" in the core.
  json::value optional_time(Instant at) const {
    return at == Instant{} ? json::value(nullptr) : json::value(time(at));
  }

  json::object window(const policy::RollingWindow::Snapshot& window) const {
    json::array slots;
    for (const auto& slot : window.slots) {
      slots.push_back(json::array{slot.total, slot.failed, slot.slow});
    }
    return {{"slot", window.slot_length.count()},
            {"end", time(window.newest_end)},
            {"slots", std::move(slots)}};
  }

  json::object machine(const policy::Breaker::Snapshot& machine) const {
    return {{"state", word(machine.state)},
            {"since", time(machine.since)},
            {"until", optional_time(machine.open_until)},
            {"hold", optional_time(machine.hold_until)},
            {"run", machine.run},
            {"ended_run", machine.ended_run},
            {"opened", machine.opened},
            {"successes", machine.successes},
            {"forced", word(machine.forced)},
            {"forced_until", machine.forced_until == kNever ? json::value(nullptr)
                                                            : optional_time(machine.forced_until)},
            {"shed", optional_time(machine.last_shed)},
            {"window", window(machine.window)},
            {"throttle", throttle(machine.throttle)}};
  }

  json::value throttle(const std::optional<policy::Throttle::Snapshot>& throttle) const {
    if (!throttle) {
      return nullptr;
    }
    return json::object{{"admitted", optional_time(throttle->last_admitted)},
                        {"window", window(throttle->window)}};
  }

  json::value move(const std::optional<policy::Transition>& moved) const {
    if (!moved) {
      return nullptr;
    }
    return json::object{{"from", word(moved->from)},
                        {"to", word(moved->to)},
                        {"reason", word(moved->reason)},
                        {"at", time(moved->at)}};
  }

  Instant taken_;
};

}  // namespace

std::string encode(const Snapshot& snapshot) {
  const Encoder encoder{snapshot.taken};
  json::array upstreams;
  for (const Section& section : snapshot.sections) {
    upstreams.push_back(encoder.upstream(section));
  }
  const json::object body{{"written_ms", snapshot.written.time_since_epoch().count()},
                          {"upstreams", std::move(upstreams)}};
  const std::string text = json::serialize(body);
  return R"({"fusegate_state":1,"checksum":")" + checksum(text) + R"(","body":)" + text + "}\n";
}

}  // namespace fusegate::state
