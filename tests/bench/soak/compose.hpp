#pragma once

// The answers of a service as bytes. They follow from the plan alone.
#include "message.hpp"
#include "plan.hpp"

#include <string>
#include <utility>

namespace soak {

inline std::string number_field(const Plan& plan) {
  return "X-Soak-Number: " + text_of(plan.number) + "\r\n";
}

inline std::string planned_503(const Plan& plan) {
  std::string body(kUnavailableSize, ' ');
  fill(plan.unavailable_key(), 0, body.data(), body.size());
  return "HTTP/1.1 503 Planned\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         number_field(plan) + "\r\n" + (plan.method == "HEAD" ? "" : body);
}

/// The fields that frame the body, and the body as it goes on the wire.
inline std::pair<std::string, std::string> framed_body(const Plan& plan) {
  std::string body(plan.response_size, ' ');
  fill(plan.response_key(), 0, body.data(), body.size());
  const bool sent = plan.has_response_body();
  if (plan.status == 204) {
    return {};
  }
  if (plan.framing == Framing::Length) {
    return {"Content-Length: " + std::to_string(body.size()) + "\r\n", sent ? body : std::string{}};
  }
  if (plan.framing == Framing::Close || !sent) {
    return {"", sent ? body : std::string{}};
  }
  std::string chunks;
  const std::string trailer = "X-Soak-Trailer: " + text_of(plan.number) + "\r\n";
  append_chunks(chunks, body, Dice{plan.key + 7}, plan.response_trailer ? trailer : "");
  return {"Transfer-Encoding: chunked\r\n", chunks};
}

/// The whole answer; one whose body is to be cut ends early.
inline std::string planned_answer(const Plan& plan) {
  std::string out;
  if (plan.interim) {
    out += "HTTP/1.1 103 Early Hints\r\nLink: </" + text_of(plan.number) + ">\r\n\r\n";
  }
  out += "HTTP/1.1 " + std::to_string(plan.status) + " Planned\r\n" + number_field(plan);
  out += "X-Soak-Note: " + note(plan) + "\r\n";
  out += plan.closes ? "Connection: close\r\n" : "";
  auto [fields, body] = framed_body(plan);
  if (plan.fault == Fault::CutBody && plan.has_response_body()) {
    body.resize(Dice{plan.key + 5}.below(body.size() - 1));
  }
  return out + fields + "\r\n" + body;
}

}  // namespace soak
