// Bytes as the script of clients, servers and the clock around real sessions, attempts and relays:
// nobody gets what is another's, nothing is applied twice, and nothing is left behind.
#include "property/proxy/world.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  GTEST_FLAG_SET(break_on_failure, true);
  // Only what libFuzzer knows as a crash has its input written down.
  std::signal(SIGTRAP, [](int) { std::abort(); });
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fusegate::test;
  if (size > 2048) {
    return 0;
  }
  WireWorld world{Dice{std::span{data, size}}, 1};
  while (!world.used_up()) {
    world.step();
  }
  world.finish();
  return 0;
}
