#pragma once

#include <fusegate/base/time.hpp>
#include <fusegate/config/config.hpp>
#include <fusegate/exchange/endpoint_state.hpp>

#include "net/stream.hpp"
#include "telemetry/counters.hpp"
#include "upstream/upstream.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace fusegate::upstream {

/// The idle connections of one worker to the endpoints of one upstream.
///
/// Last in, first out, so that warm connections stay warm and the rest ages out. Every idle
/// connection has its read armed: the moment it turns readable or ends it is closed, because
/// nothing that arrives without a request may reach one.
class Pool final : private net::StreamOwner {
 public:
  /// `idle` counts the connections kept here.
  Pool(net::EventLoop& loop, Upstream& upstream, telemetry::Gauge& idle)
      : loop_(loop), upstream_(upstream), settings_(upstream.settings()), idle_(idle) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() { close_all(); }

  /// An idle connection to the endpoint, or null. When a mistake would be expensive (`cautious`:
  /// the request cannot be repeated), the connection rested for a while, or an event of it has been
  /// fetched and not been told, it is looked at once more.
  net::StreamPtr take(const exchange::EndpointState& endpoint, bool cautious, Instant now);

  /// Starts a new connection, with TLS where the upstream asks for it; `net::Stream::connected`
  /// tells its end. The error is an errno.
  net::StreamPtr connect(const exchange::EndpointState& endpoint, int& error);

  /// Keeps a connection for later, or closes it when none is kept or the endpoint is gone. More
  /// than `max_idle` may be kept until expire(): a burst comes back together and leaves together.
  void give_back(const exchange::EndpointState& endpoint, net::StreamPtr stream, Instant now);

  /// Closes what has been idle too long, or for a second beyond `max_idle`; about once a second.
  void expire(Instant now);
  void close_all();

 private:
  struct Idle {
    net::StreamPtr stream;
    Instant since;
  };
  struct Slot {
    std::uint32_t epoch = 0;
    std::expected<net::SocketAddress, std::string> address;
    std::string server_name;   ///< What a TLS server must prove to be.
    net::TlsMemoryPtr memory;  ///< Null in plain text.
    std::vector<Idle> idle;
  };

  void on_readable(net::Stream& stream) override;
  void on_writable(net::Stream&) override {}
  Slot& slot_of(const exchange::EndpointState& endpoint);
  /// Of an endpoint that is new, or another one than the slot had. Rare, and never inside
  /// slot_of().
  [[gnu::noinline]] void fill_slot(const exchange::EndpointState& endpoint);
  void drop(Slot& slot);

  net::EventLoop& loop_;
  Upstream& upstream_;
  const config::UpstreamConfig& settings_;
  std::vector<Slot> slots_;
  telemetry::Gauge& idle_;
};

}  // namespace fusegate::upstream
