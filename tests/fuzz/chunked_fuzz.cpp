// Bytes as a chunked body: how they are cut must not change what comes out.
#include "http/chunked.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace fusegate;

struct Outcome {
  std::string payload;
  std::string trailers;
  std::size_t consumed = 0;
  bool done = false;
  bool failed = false;
  bool operator==(const Outcome&) const = default;
};

/// `step` bytes at a time.
Outcome decode(std::string_view text, std::size_t step) {
  http::ChunkDecoder decoder;
  Outcome outcome;
  while (!text.empty() && !outcome.done && !outcome.failed) {
    const std::string piece{text.substr(0, step)};
    text.remove_prefix(piece.size());
    for (std::string_view left = piece; !left.empty() && !outcome.done && !outcome.failed;) {
      const auto taken = decoder.next(left);
      if (taken.consumed == 0 && !taken.done && !taken.failed) {
        std::abort();  // It would never end.
      }
      outcome.payload += taken.data;
      outcome.done = taken.done;
      outcome.failed = taken.failed;
      outcome.consumed += taken.consumed;
      left.remove_prefix(taken.consumed);
    }
  }
  outcome.trailers = outcome.done ? decoder.trailers() : std::string_view{};
  if (outcome.failed) {
    // Where the fault is seen, and how much came out before it, may depend on the cut.
    outcome = {};
    outcome.failed = true;
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  const Outcome whole = decode(text, text.size());
  if (whole != decode(text, 1) || whole != decode(text, 1 + data[0] % text.size())) {
    std::abort();
  }
  return 0;
}
