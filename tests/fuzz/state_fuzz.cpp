// Bytes as a state file, as they are and as the body behind a right checksum; what can be read is
// restored and used.
#include <fusegate/exchange/upstream_state.hpp>

#include "state/codec.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace fusegate;
using namespace std::chrono_literals;

constexpr WallTime kNow{std::chrono::milliseconds{1'790'000'000'000}};

void use(const exchange::UpstreamMemory& memory) {
  constexpr Instant kStart{5000s};
  config::UpstreamConfig settings;
  settings.health_check.emplace();
  exchange::UpstreamState state{settings, 1, kStart};
  state.set_endpoints({"10.0.0.1:80", "[fd00::7]:80"}, kStart);
  if (!state.restore(memory, kStart + 60s, kStart)) {
    return;
  }
  for (Duration t{}; t < 200s; t += 5s) {
    const auto picked = state.pick(nullptr, 0, true, 1s, kStart + t);
    if (picked.pick != exchange::UpstreamState::Pick::Found) {
      std::abort();  // No restored state may leave requests without an endpoint.
    }
    state.settle(*picked.endpoint, picked.permit,
                 state.breaker().admit(true, 1s, state.rng(), kStart + t).permit,
                 policy::Verdict::Success, 1ms, std::nullopt, kStart + t);
    (void)state.memory(kStart + t);
  }
}

void try_text(std::string_view text) {
  if (const auto read = state::decode(text, Instant{5000s}, kNow)) {
    for (const state::Section& section : read->sections) {
      use(section.memory);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text{reinterpret_cast<const char*>(data), size};
  try_text(text);
  try_text(R"({"fusegate_state":1,"checksum":")" + state::checksum(text) + R"(","body":)" + text +
           "}");
  return 0;
}
