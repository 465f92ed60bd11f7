// Reading an HTTP/1.1 answer with a length, as far as a load generator needs it.
#pragma once

#include <strings.h>

#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

struct Answer {
  int status = 0;
  bool keep = false;  ///< The connection may be used again.
};

/// Nothing while it is not complete.
inline std::optional<Answer> whole_answer(const std::string& bytes) {
  const std::size_t head = bytes.find("\r\n\r\n");
  if (head == std::string::npos || bytes.size() < 12) {
    return std::nullopt;
  }
  const char* length = ::strcasestr(bytes.c_str(), "\r\ncontent-length:");
  const std::size_t body = length != nullptr ? std::strtoul(length + 17, nullptr, 10) : 0;
  if (bytes.size() < head + 4 + body) {
    return std::nullopt;
  }
  int status = std::atoi(bytes.c_str() + 9);
  if (status == 200 && !bytes.ends_with("good\n")) {
    status = 299;  // Not from the service.
  }
  const bool close = ::strcasestr(bytes.c_str(), "\r\nconnection: close") != nullptr;
  return Answer{status, !close && length != nullptr};
}
