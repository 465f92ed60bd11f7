// What our codec accepts, among all that the fuzzers have learnt, Node's llhttp accepts with the
// same framing. docs/fuzzing.md lists what the two see differently, and why.
#include "support/whole_message.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace fusegate::test {
namespace {

std::string hex(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) / 16];
    text += kDigits[static_cast<unsigned char>(byte) % 16];
  }
  return text;
}

/// One line for the script; texts are in hex, because they may be no text.
std::string line_of(const std::string& name, bool request, std::string_view bytes,
                    const WholeMessage& message) {
  std::ostringstream out;
  out << R"({"name":")" << name << R"(","kind":")" << (request ? "request" : "response")
      << R"(","bytes":")" << hex(bytes) << R"(","body":")" << hex(message.body) << R"(","minor":)"
      << message.minor << R"(,"status":)" << message.status << R"(,"chunked":)"
      << (message.kind == http::BodyKind::Chunked ? "true" : "false") << R"(,"method":")"
      << message.method << R"(","target_hex":")" << hex(message.target) << R"(","fields":[)";
  const char* comma = "";
  for (const auto& [field, value] : message.fields) {
    out << comma << '"' << hex(field) << "\",\"" << hex(value) << '"';
    comma = ",";
  }
  out << "]}\n";
  return out.str();
}

/// Methods that llhttp knows. RFC 9110 section 9.1 lets a method be any token, and so do we; Node
/// refuses what is not in its list.
bool known_method(const std::string& method) {
  static const std::set<std::string> kKnown{"GET",    "HEAD",    "POST",  "PUT",
                                            "DELETE", "OPTIONS", "TRACE", "PATCH"};
  return kKnown.contains(method);
}

bool comparable(const WholeMessage& message, std::string_view text, bool request) {
  if (!message.accepted || message.minor > 1 || message.frames_in_trailers) {
    return false;  // HTTP/1.2 goes on as 1.1 (RFC 9110 section 2.5); llhttp knows no such version.
  }
  if (!message.complete && message.kind != http::BodyKind::UntilClose) {
    return false;
  }
  // "HTTP/1.1 200" without the blank behind it is common enough to be let pass.
  return request ? known_method(message.method) : text[12] == ' ';
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// All that is comparable in the corpora of the message fuzzers, as it is and as it goes on.
std::string collect(std::size_t& count) {
  std::string lines;
  const std::filesystem::path corpus =
      std::filesystem::path(FUSEGATE_SOURCE_DIR) / "tests/fuzz/corpus";
  for (const char* folder : {"request", "response", "message"}) {
    for (const auto& entry : std::filesystem::directory_iterator(corpus / folder)) {
      const std::string bytes = read_file(entry.path());
      if (bytes.size() < 2) {
        continue;
      }
      const std::string_view text = std::string_view{bytes}.substr(1);
      const std::string name = std::string{folder} + "/" + entry.path().filename().string();
      const bool both = std::string_view{folder} == "message";
      const bool request = both ? bytes[0] % 2 == 0 : std::string_view{folder} == "request";
      const WholeMessage message = request ? read_request(text) : read_response(text);
      if (!comparable(message, text, request)) {
        continue;
      }
      ++count;
      lines += line_of(name, request, text.substr(0, message.consumed), message);
      if (request && message.kind != http::BodyKind::Chunked) {
        const std::string onward = message.forwarded + message.body;
        lines += line_of(name + " onward", true, onward,
                         read_request(onward, {.bytes = 1 << 20, .count = 1000}));
      }
    }
  }
  return lines;
}

TEST(Llhttp, AcceptsWhatWeAcceptWithTheSameFraming) {
  if (std::system("node --version >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "node is not installed";
  }
  std::size_t count = 0;
  const std::string lines = collect(count);
  ASSERT_GE(count, 12U);
  std::string path = "/tmp/fusegate-llhttp-XXXXXX";
  const int fd = ::mkstemp(path.data());
  ASSERT_GE(fd, 0);
  EXPECT_EQ(::write(fd, lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
  ::close(fd);
  const std::string command = "node --no-deprecation " + std::string{FUSEGATE_SOURCE_DIR} +
                              "/tests/support/llhttp.js " + path;
  FILE* node = ::popen(command.c_str(), "r");
  ASSERT_NE(node, nullptr);
  std::string said;
  std::array<char, 4096> block{};
  while (const std::size_t got = std::fread(block.data(), 1, block.size(), node)) {
    said.append(block.data(), got);
  }
  EXPECT_EQ(::pclose(node), 0);
  ::unlink(path.c_str());
  EXPECT_NE(said.find(" same, 0 different"), std::string::npos) << said;
}

}  // namespace
}  // namespace fusegate::test
