// Bytes as a whole message, head and body: what our codec accepts Beast's strict parser accepts
// with the same end and the same body, and so does what goes on to the upstream.
#include "fuzz/head_outcome.hpp"
#include "support/beast_messages.hpp"
#include "support/whole_message.hpp"

#include <cstddef>
#include <cstdint>

namespace {

using namespace fusegate;

template <bool IsRequest>
void compare(std::string_view text, const test::WholeMessage& ours) {
  using Messages = test::BeastMessages<IsRequest>;
  if (ours.frames_in_trailers || test::only_beast_reads_it(ours.fields)) {
    return;
  }
  const test::BeastHead<IsRequest> head(text);
  test::require(head.complete() && head.fields() == ours.fields);
  Messages messages;
  messages.begin(false);
  messages.add(text);
  auto state = messages.read();
  if (ours.kind == http::BodyKind::UntilClose) {
    test::require(state == Messages::State::NeedMore && messages.waiting().empty());
    state = messages.end();
  }
  test::require(ours.complete == (state == Messages::State::Complete) ||
                ours.kind == http::BodyKind::UntilClose);
  test::require(messages.message().body() == ours.body);
  test::require(!ours.complete || text.size() - messages.waiting().size() == ours.consumed);
}

void try_request(std::string_view text) {
  const test::WholeMessage ours = test::read_request(text);
  if (!ours.accepted) {
    return;
  }
  // Beast knows only 1.0 and 1.1, and no empty line before a request.
  if (ours.minor <= 1 && !text.starts_with("\r\n")) {
    compare<true>(text, ours);
  }
  // What goes on is what was understood, to ourselves as well.
  const std::string& onward = ours.forwarded;
  // Lines of ours have been added.
  const test::WholeMessage again = test::read_request(onward, {.bytes = 1 << 20, .count = 1000});
  test::require(again.accepted && again.method == ours.method && again.kind == ours.kind);
  const test::BeastHead<true> beast(onward);
  test::require(beast.complete() && beast.fields() == again.fields);
}

void try_response(std::string_view text) {
  const test::WholeMessage ours = test::read_response(text);
  // "HTTP/1.1 200" without a blank behind it, and HTTP/1.2, are let pass by ours alone.
  if (ours.accepted && ours.minor <= 1 && text[12] == ' ') {
    compare<false>(text, ours);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 8192) {
    return 0;
  }
  const std::string text{reinterpret_cast<const char*>(data) + 1, size - 1};
  data[0] % 2 == 0 ? try_request(text) : try_response(text);
  return 0;
}
