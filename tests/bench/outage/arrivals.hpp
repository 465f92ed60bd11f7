// When requests are due: at random times (Poisson), at rates that change.
#pragma once

#include <fusegate/base/rng.hpp>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

using Nanoseconds = std::int64_t;

/// After the start, from texts UNTIL_MS:RATE, in requests a second.
inline std::vector<Nanoseconds> arrivals(std::uint64_t seed, char** text, char** end) {
  fusegate::Rng rng{seed};
  std::vector<Nanoseconds> due;
  double at = 0;
  for (; text != end; ++text) {
    double until = 0;
    double rate = 0;
    if (std::sscanf(*text, "%lf:%lf", &until, &rate) != 2) {
      std::fprintf(stderr, "callers: \"%s\" is not UNTIL_MS:RATE\n", *text);
      std::exit(2);
    }
    const auto gap = [&] { return -std::log(1 - rng.uniform()) * 1000 / rate; };
    for (at += gap(); at < until; at += gap()) {
      due.push_back(static_cast<Nanoseconds>(at * 1e6));
    }
    at = until;
  }
  return due;
}
