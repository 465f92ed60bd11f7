// What the load is told on its command line, and the request that follows from it.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

struct Options {
  int port = 0;
  std::size_t connections = 1;
  long requests = 0;
  std::map<std::string, std::string> named;

  double number(const std::string& name) const {
    const auto found = named.find(name);
    return found == named.end() ? 0 : std::atof(found->second.c_str());
  }
};

inline Options parse(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: bench_load PORT CONNECTIONS REQUESTS [NAME=VALUE...]\n");
    std::exit(2);
  }
  Options options{std::atoi(argv[1]), std::strtoul(argv[2], nullptr, 10), std::atol(argv[3]), {}};
  for (int i = 4; i < argc; ++i) {
    const std::string_view option = argv[i];
    const std::size_t sign = std::min(option.find('='), option.size() - 1);
    options.named[std::string(option.substr(0, sign))] = option.substr(sign + 1);
  }
  return options;
}

inline std::string request_of(const Options& options) {
  const auto path = options.named.find("path");
  const auto body = static_cast<std::size_t>(options.number("body"));
  const auto padding = static_cast<std::size_t>(options.number("padding"));
  std::string text = body > 0 ? "POST " : "GET ";
  text += path == options.named.end() ? "/api/items/42" : path->second;
  text +=
      " HTTP/1.1\r\nHost: orders.local\r\nUser-Agent: bench/1.0\r\nAccept: application/json\r\n"
      "Accept-Encoding: gzip, deflate\r\nX-Tenant: eu-1\r\n";
  text += padding > 0 ? "X-Padding: " + std::string(padding, 'p') + "\r\n" : "";
  text += body > 0 ? "Content-Length: " + std::to_string(body) + "\r\n" : "";
  text += options.number("close") == 1 ? "Connection: close\r\n" : "";
  return text + "Cookie: session=0123456789abcdef\r\n\r\n" + std::string(body, 'b');
}
