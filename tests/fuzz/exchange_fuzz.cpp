// Bytes as choices in a random world of requests, answers, faults and departures: every order of
// events that the exchange allows, with its invariants checked after each.
#include "property/exchange/world.hpp"

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
  World world{Dice{std::span{data, size}}, 1};
  while (!world.used_up()) {
    world.step();
  }
  world.finish();
  return 0;
}
