// Bytes as a request head: how they are cut must not change the outcome, and what is accepted must
// be the same to Beast's strict parser.
#include "fuzz/head_outcome.hpp"

namespace {

using namespace fusegate;

test::Outcome parse(std::string_view text, std::size_t step) {
  http::RequestParser parser;
  return test::parse_in_steps<http::RequestHead>(
      text, step,
      [&](std::string_view bytes, http::RequestHead& head, http::ParseFailure& failure) {
        return parser.parse(bytes, {}, head, failure);
      });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const test::Outcome whole = test::same_however_cut(data, size, parse);
  if (whole.status == http::ParseStatus::Complete) {
    // Beast knows only 1.0 and 1.1; above, ours goes on as 1.1 (RFC 9110 section 2.5).
    const std::string_view start{whole.raw.data(), whole.raw.find("\r\n")};
    const bool known = start.ends_with(" HTTP/1.0") || start.ends_with(" HTTP/1.1");
    const test::BeastHead<true> beast(whole.raw);
    test::require(!known || test::only_beast_reads_it(whole.fields) ||
                  (beast.complete() && beast.fields() == whole.fields));
  }
  return 0;
}
