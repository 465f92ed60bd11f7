// Bytes as the values of fields that peers control, and as a path.
#include <fusegate/policy/deadline.hpp>
#include <fusegate/policy/retry.hpp>
#include <fusegate/route/path.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace fusegate;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void try_path(std::string_view path) {
  std::string scratch;
  const auto canonical = route::canonical_path(path, scratch);
  if (!canonical) {
    return;
  }
  // What the rules have matched must not be another path to the next who resolves it.
  const std::string first{*canonical};
  const auto again = route::canonical_path(first, scratch);
  require(again.has_value() && *again == first);
  std::string bare_scratch;
  const std::string bare{route::without_parameters(first, bare_scratch)};
  const auto bare_again = route::canonical_path(bare, scratch);
  require(bare_again.has_value() && *bare_again == bare && !bare.contains(';'));
  const std::string stripped = route::strip_prefix(path, "/a");
  require(path == "*" || stripped.starts_with('/'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  constexpr WallTime kNow{std::chrono::milliseconds{1'790'000'000'000}};
  if (const auto wait = policy::parse_retry_after(text, kNow)) {
    require(*wait >= Duration::zero());
  }
  if (const auto timeout = policy::parse_grpc_timeout(text)) {
    require(*timeout >= Duration::zero());
  }
  (void)policy::parse_pushback(text);
  try_path(text);
  return 0;
}
