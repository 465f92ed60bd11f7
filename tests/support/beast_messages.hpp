#pragma once

#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// A string that grows with what arrives: Beast's own takes the announced length from memory at
/// once, however long it is.
struct GrowingBody : boost::beast::http::string_body {
  class reader {
   public:
    template <bool IsRequest, class Fields>
    reader(boost::beast::http::header<IsRequest, Fields>& /*head*/, value_type& body)
        : body_(body) {}
    void init(const boost::optional<std::uint64_t>& /*length*/, boost::beast::error_code& error) {
      error = {};
    }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::beast::error_code& error) {
      error = {};
      const std::size_t before = body_.size();
      for (const boost::asio::const_buffer buffer : boost::beast::buffers_range_ref(buffers)) {
        body_.append(static_cast<const char*>(buffer.data()), buffer.size());
      }
      return body_.size() - before;
    }
    void finish(boost::beast::error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

/// Whole messages as Beast's strict parser sees them, from a stream that arrives in pieces.
namespace fusegate::test {

template <bool IsRequest>
class BeastMessages {
 public:
  using Parser = boost::beast::http::parser<IsRequest, GrowingBody, std::allocator<char>>;
  using Message = typename Parser::value_type;
  enum class State { NeedMore, Complete, Broken };

  void add(std::string_view bytes) { waiting_ += bytes; }
  /// Bytes that belong to no message yet.
  const std::string& waiting() const { return waiting_; }

  /// Begins the next message, whose body is missing when `skips_body` says so (HEAD).
  void begin(bool skips_body) {
    parser_.emplace();
    parser_->header_limit(1U << 20U);
    parser_->body_limit(boost::none);
    parser_->eager(true);
    parser_->skip(skips_body);
  }
  bool begun() const { return parser_.has_value(); }
  bool has_head() const { return parser_ && parser_->is_header_done(); }
  /// The message so far.
  const Message& message() const { return parser_->get(); }

  /// Goes on with what has been added. After Complete, `begin` is next.
  State read() {
    while (!waiting_.empty() && !parser_->is_done()) {
      boost::beast::error_code error;
      const std::size_t taken =
          parser_->put(boost::asio::const_buffer(waiting_.data(), waiting_.size()), error);
      waiting_.erase(0, taken);
      if (error && error != boost::beast::http::error::need_more) {
        why_ = error.message();
        return State::Broken;
      }
      if (error || taken == 0) {
        break;
      }
    }
    return parser_->is_done() ? State::Complete : State::NeedMore;
  }
  /// The stream has ended: Complete when that is how the message ends.
  State end() {
    boost::beast::error_code error;
    parser_->put_eof(error);
    return error ? State::Broken : State::Complete;
  }
  void finish() { parser_.reset(); }
  const std::string& why() const { return why_; }

 private:
  std::string waiting_;
  std::optional<Parser> parser_;
  std::string why_;
};

}  // namespace fusegate::test
