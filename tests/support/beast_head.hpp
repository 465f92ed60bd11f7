#pragma once

#include "http/head.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What Beast's parser makes of a head, to hold ours against it.
namespace fusegate::test {

namespace beast_http = boost::beast::http;
using Pairs = std::vector<std::pair<std::string, std::string>>;

template <bool IsRequest>
class BeastHead final : public beast_http::basic_parser<IsRequest> {
 public:
  explicit BeastHead(std::string_view text) {
    this->header_limit(1 << 20);
    this->body_limit(boost::none);
    boost::beast::error_code error;
    this->put(boost::asio::const_buffer(text.data(), text.size()), error);
    complete_ = !error && this->is_header_done();
  }
  bool complete() const { return complete_; }
  const Pairs& fields() const { return fields_; }
  const std::string& start() const { return start_; }

 private:
  void on_request_impl(beast_http::verb, boost::beast::string_view method,
                       boost::beast::string_view target, int version,
                       boost::beast::error_code&) override {
    start_ = std::string(method) + " " + std::string(target) + " " + std::to_string(version % 10);
  }
  void on_response_impl(int status, boost::beast::string_view reason, int version,
                        boost::beast::error_code&) override {
    start_ =
        std::to_string(status) + " " + std::string(reason) + " " + std::to_string(version % 10);
  }
  void on_field_impl(beast_http::field, boost::beast::string_view name,
                     boost::beast::string_view value, boost::beast::error_code&) override {
    fields_.emplace_back(std::string(name), std::string(value));
  }
  void on_header_impl(boost::beast::error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&,
                         boost::beast::error_code&) override {}
  std::size_t on_body_impl(boost::beast::string_view text, boost::beast::error_code&) override {
    return text.size();
  }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view,
                            boost::beast::error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view text,
                                 boost::beast::error_code&) override {
    return text.size();
  }
  void on_finish_impl(boost::beast::error_code&) override {}

  bool complete_ = false;
  Pairs fields_;
  std::string start_;
};

inline Pairs pairs_of(const http::FieldList& fields) {
  Pairs pairs;
  for (const http::Field& field : fields) {
    pairs.emplace_back(std::string(field.name), std::string(field.value));
  }
  return pairs;
}

/// Beast reads `Proxy-Connection` as `Connection` and refuses what is no list in it. No RFC defines
/// that field (RFC 9112 appendix C.2.2): we neither read it nor let it go on.
inline bool only_beast_reads_it(const Pairs& fields) {
  return std::ranges::any_of(fields, [](const auto& field) {
    return boost::beast::iequals(field.first, "proxy-connection");
  });
}

}  // namespace fusegate::test
