// Bytes as a response head: how they are cut must not change the outcome, and what is accepted must
// be the same to Beast's strict parser.
#include "fuzz/head_outcome.hpp"

namespace {

using namespace fusegate;

test::Outcome parse(std::string_view text, std::size_t step) {
  http::ResponseParser parser;
  return test::parse_in_steps<http::ResponseHead>(
      text, step,
      [&](std::string_view bytes, http::ResponseHead& head, http::ParseFailure& failure) {
        return parser.parse(bytes, {}, "GET", head, failure);
      });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const test::Outcome whole = test::same_however_cut(data, size, parse);
  if (whole.status == http::ParseStatus::Complete) {
    // "HTTP/1.1 200" without a blank behind it, and HTTP/1.2, are let pass by ours alone.
    const bool known = whole.raw[12] == ' ' && (whole.raw[7] == '0' || whole.raw[7] == '1');
    const test::BeastHead<false> beast(whole.raw);
    test::require(!known || test::only_beast_reads_it(whole.fields) ||
                  (beast.complete() && beast.fields() == whole.fields));
  }
  return 0;
}
