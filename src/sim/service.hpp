#pragma once

#include <fusegate/base/rng.hpp>

#include "sim/scenario.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace fusegate::sim {

/// One endpoint of the service: some slots and a queue in order of arrival. Work goes on for
/// callers that have left: that is what drowns an overloaded service.
class Server {
 public:
  using Job = std::uint64_t;

  Server(const Model& model, std::uint64_t seed) : model_(model), rng_(seed) {}

  enum class Taken : std::uint8_t { Works, Queues, Refused };
  /// A request arrives. With Works it is done at `done`.
  Taken arrive(Job job, double slower, Instant now, Instant& done);
  struct Next {
    Job job = 0;
    Instant done;
  };
  /// A request is done; the next one of the queue begins.
  std::optional<Next> finish(double slower, Instant now);

  std::uint32_t busy() const { return busy_; }
  std::size_t waiting() const { return queue_.size() - head_; }

 private:
  Duration work(double slower);

  const Model& model_;
  Rng rng_;
  std::uint32_t busy_ = 0;
  std::size_t head_ = 0;
  std::vector<Job> queue_;  ///< From `head_` on; storage is kept.
};

}  // namespace fusegate::sim
