#include "upstream/pool.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace fusegate::upstream {
namespace {

/// A connection that rested longer than this is looked at before use. Its armed read has normally
/// told already; the look closes the gap between the last poll and now. Chosen: much longer than
/// the pause between requests under load, where the extra system call would be felt.
constexpr Duration kRested = std::chrono::milliseconds{10};

/// A connection more than max_idle is closed when nobody took it for so long. At once would close
/// and open again whatever the answers of one turn of the loop give back before the next requests
/// take it. Chosen: many round trips, and too short for a server to mind. HAProxy's
/// pool-purge-delay is five seconds.
constexpr Duration kSpare = std::chrono::seconds{1};

}  // namespace

Pool::Slot& Pool::slot_of(const exchange::EndpointState& endpoint) {
  const bool known = endpoint.slot < slots_.size() && slots_[endpoint.slot].epoch == endpoint.epoch;
  if (!known) [[unlikely]] {
    fill_slot(endpoint);
  }
  return slots_[endpoint.slot];
}

void Pool::fill_slot(const exchange::EndpointState& endpoint) {
  slots_.resize(std::max<std::size_t>(slots_.size(), endpoint.slot + 1));
  Slot& slot = slots_[endpoint.slot];
  drop(slot);
  slot.epoch = endpoint.epoch;
  slot.address = net::parse_address(endpoint.name);
  if (upstream_.tls() != nullptr) {
    slot.server_name = upstream_.server_name_of(endpoint.name);
    slot.memory = new net::TlsMemory;
  }
}

net::StreamPtr Pool::take(const exchange::EndpointState& endpoint, bool cautious, Instant now) {
  Slot& slot = slot_of(endpoint);
  while (!slot.idle.empty()) {
    Idle idle = std::move(slot.idle.back());
    slot.idle.pop_back();
    idle_.add(-1);
    // What has come out of turn in this very turn, before our event or behind it, is told later.
    const bool look = cautious || now - idle.since > kRested || idle.stream->may_be_readable();
    if (idle.stream->is_open() && (!look || idle.stream->is_quiet())) {
      return std::move(idle.stream);
    }
    idle.stream->close();
  }
  return nullptr;
}

net::StreamPtr Pool::connect(const exchange::EndpointState& endpoint, int& error) {
  const Slot& slot = slot_of(endpoint);
  if (!slot.address) {
    error = EADDRNOTAVAIL;
    return nullptr;
  }
  net::StreamPtr stream = net::start_connect(loop_, *slot.address, error);
  const net::TlsSource* const tls = upstream_.tls();
  if (stream && tls != nullptr &&
      !stream->connect_tls(tls->context(), slot.server_name, slot.memory)) {
    error = ENOMEM;
    return nullptr;
  }
  return stream;
}

void Pool::give_back(const exchange::EndpointState& endpoint, net::StreamPtr stream, Instant now) {
  Slot& slot = slot_of(endpoint);
  const bool retired = endpoint.retired.load(std::memory_order_relaxed);
  // While nobody takes kept ones, each request gives one back that it has opened.
  const bool distrusted = now < endpoint.reuse_from.load(std::memory_order_relaxed);
  const std::size_t max_idle = settings_.connections.max_idle;
  if (retired || max_idle == 0 || (distrusted && slot.idle.size() >= max_idle)) {
    stream->close();
    return;
  }
  stream->set_owner(this);
  stream->message_ended();
  stream->arm_read();
  slot.idle.push_back({std::move(stream), now});
  idle_.add(1);
}

void Pool::on_readable(net::Stream& stream) {
  if (stream.is_quiet()) {
    stream.arm_read();  // The edge was that of the last response.
    return;
  }
  for (Slot& slot : slots_) {
    for (auto it = slot.idle.begin(); it != slot.idle.end(); ++it) {
      if (it->stream.get() == &stream) {
        const net::StreamPtr keep = std::move(it->stream);
        slot.idle.erase(it);
        idle_.add(-1);
        keep->close();
        return;
      }
    }
  }
}

void Pool::expire(Instant now) {
  const auto& [max_per_endpoint, max_idle, idle_timeout] = settings_.connections;
  for (Slot& slot : slots_) {
    std::size_t old = 0;  // The longest idle are in front.
    while (old < slot.idle.size()) {
      const Duration rested = now - slot.idle[old].since;
      const bool spare = slot.idle.size() - old > max_idle && rested >= kSpare;
      if (!spare && rested < idle_timeout) {
        break;
      }
      slot.idle[old].stream->close();
      ++old;
    }
    slot.idle.erase(slot.idle.begin(), slot.idle.begin() + static_cast<std::ptrdiff_t>(old));
    idle_.add(-static_cast<std::int64_t>(old));
  }
}

void Pool::drop(Slot& slot) {
  for (Idle& idle : slot.idle) {
    idle.stream->close();
  }
  idle_.add(-static_cast<std::int64_t>(slot.idle.size()));
  slot.idle.clear();
}

void Pool::close_all() {
  for (Slot& slot : slots_) {
    drop(slot);
  }
}

}  // namespace fusegate::upstream
