#include "http/field_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <limits>

namespace fusegate::http {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;

std::string_view view(BeastView text) { return {text.data(), text.size()}; }

/// Beast's parser as a tokenizer of field lines. The start line has rules of its own (target forms,
/// HTTP/1.x, status range), so Beast gets a fixed one; framing is judged again behind it, because
/// Beast 1.81 lets several ambiguous spellings pass.
class Tokenizer final : public beast_http::basic_parser<true> {
 public:
  Tokenizer(std::size_t max_count, FieldList& out, FieldCounts& counts)
      : max_count_(max_count), out_(out), counts_(counts) {
    header_limit(std::numeric_limits<std::uint32_t>::max());
    body_limit(boost::none);
  }
  bool too_many() const { return too_many_; }

 private:
  void on_request_impl(beast_http::verb, BeastView, BeastView, int, error_code&) override {}
  void on_response_impl(int, BeastView, int, error_code&) override {}
  void on_field_impl(beast_http::field, BeastView name, BeastView value,
                     error_code& error) override {
    if (out_.size() >= max_count_) {
      too_many_ = true;
      error = beast_http::error::header_limit;
      return;
    }
    const FieldId id = out_.push(view(name), view(value));
    counts_.host += id == FieldId::Host;
    counts_.content_length += id == FieldId::ContentLength;
    counts_.transfer_encoding += id == FieldId::TransferEncoding;
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(BeastView, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, BeastView, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}

  std::size_t max_count_;
  FieldList& out_;
  FieldCounts& counts_;
  bool too_many_ = false;
};

std::string_view describe(const error_code& error) {
  if (error == beast_http::error::bad_field) {
    return "a field line without a valid name and a colon right behind it";
  }
  if (error == beast_http::error::bad_content_length) {
    return "Content-Length is not one number";
  }
  if (error == beast_http::error::multiple_content_length) {
    return "several Content-Length fields";
  }
  if (error == beast_http::error::bad_transfer_encoding) {
    return "several Transfer-Encoding fields, or one beside Content-Length";
  }
  return "an invalid field value";
}

}  // namespace

FieldsResult parse_fields(std::string_view lines, std::size_t max_count, FieldList& out,
                          FieldCounts& counts, std::string_view& detail) {
  static constexpr std::string_view kStartLine = "GET / HTTP/1.1\r\n";
  Tokenizer tokenizer(max_count, out, counts);
  error_code error;
  tokenizer.put(boost::asio::const_buffer(kStartLine.data(), kStartLine.size()), error);
  tokenizer.put(boost::asio::const_buffer(lines.data(), lines.size()), error);
  if (tokenizer.too_many()) {
    return FieldsResult::TooMany;
  }
  if (error || !tokenizer.is_header_done()) {
    detail = describe(error);
    return FieldsResult::Bad;
  }
  return FieldsResult::Ok;
}

}  // namespace fusegate::http
