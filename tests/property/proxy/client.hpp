#pragma once

#include "property/proxy/requests.hpp"
#include "property/proxy/sockets.hpp"
#include "support/beast_messages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace fusegate::test {

/// A scripted client on one connection. What it receives is judged: strictly parsed, in the order
/// of its requests, nobody else's, and never complete when the server's response was not.
class Client {
 public:
  Client(std::size_t number, Socket socket, bool tcp, Ledger& ledger)
      : number_(number), socket_(std::move(socket)), tcp_(tcp), ledger_(ledger) {}

  bool is_open() const { return socket_.is_open(); }
  bool may_ask() const {
    return is_open() && !ended_ && !upgrading_ && !tunnel_ && asked_.size() < 8;
  }

  void ask(Dice& dice) {
    Sent& sent = ledger_.add(number_);
    out_ += write_request(sent, dice);
    asked_.push_back(sent.id);
    upgrading_ = sent.upgrade;
    wild_ = wild_ || sent.wild;
    sent.wild = wild_;  // What comes behind unknown bytes is unknown, too.
  }
  /// Requests without surprises; `fields` are whole lines.
  void get(std::string_view fields = "") { ask_plainly(ledger_.add(number_), fields); }
  void post() {
    Sent& sent = ledger_.add(number_);
    sent.method = "POST";
    sent.repeatable = false;
    ask_plainly(sent, "content-length: 0\r\n");
  }
  std::size_t answers() const { return answered_; }
  void send(std::size_t most) {
    if (is_open() && !ended_) {
      out_.erase(0, socket_.send(std::string_view{out_}.substr(0, most)));
    }
  }
  void talk_in_tunnel(std::size_t size) {
    if (tunnel_) {
      talked_ += size;
      out_ += pattern(asked_.back(), talked_).substr(talked_ - size);
    }
  }
  void end() {
    if (is_open()) {
      ::shutdown(socket_.fd(), SHUT_WR);
      ended_ = true;
    }
  }
  void leave(bool with_reset) { with_reset ? socket_.reset() : socket_.close(); }
  void pause(bool pauses) { reads_ = !pauses; }

  void receive() {
    if (!is_open() || !reads_) {
      return;
    }
    std::string bytes;
    const Socket::Read read = socket_.drain(bytes);
    if (wild_) {
      judge_wild(bytes);
    } else {
      in_.add(bytes);
      judge();
    }
    if (read != Socket::Read::Nothing) {
      if (!wild_ && !tunnel_) {
        judge_end(read);
      }
      socket_.close();
    }
  }

 private:
  using Messages = BeastMessages<false>;

  void ask_plainly(const Sent& sent, std::string_view fields) {
    out_ += sent.method + " /t" + std::to_string(sent.id) + " HTTP/1.1\r\nhost: h\r\n" +
            std::string{fields} + "\r\n";
    asked_.push_back(sent.id);
    send(out_.size());
  }

  void judge() {
    while (!tunnel_ && !(in_.waiting().empty() && !in_.begun())) {
      if (!in_.begun()) {
        in_.begin(answered_ < asked_.size() && ledger_[asked_[answered_]].is_head());
      }
      const auto state = in_.read();
      if (state == Messages::State::Broken && refused_head_) {
        socket_.close();
        return;
      }
      if (state == Messages::State::Broken) {
        ADD_FAILURE() << "a client got what is no response: " << in_.why();
        socket_.close();
        return;
      }
      if (state == Messages::State::NeedMore) {
        return;
      }
      take(in_.message(), true);
      in_.finish();
    }
    if (tunnel_) {
      const std::string expected = pattern(asked_.back(), in_.waiting().size());
      EXPECT_EQ(in_.waiting(), expected) << "foreign bytes in a tunnel";
    }
  }

  void judge_end(Socket::Read read) {
    if (!in_.has_head()) {
      return;
    }
    // On a unix socket a reset looks like an end.
    take(in_.message(), is_until_close(in_.message()) && tcp_ && read == Socket::Read::End);
  }

  void take(const Messages::Message& message, bool complete) {
    if (answered_ >= asked_.size()) {
      ADD_FAILURE() << "a response too many";
      return;
    }
    Sent& sent = ledger_[asked_[answered_]];
    const std::string_view tag = message["x-tag"];
    if (!tag.empty()) {
      EXPECT_EQ(tag, std::to_string(sent.id)) << "another's response";
      judge_body(message, sent, complete);
    } else if (!message.body().empty()) {
      EXPECT_NE(message.body(), pattern(sent.id, message.body().size())) << "lost its tag";
    }
    if (message.result_int() == 101) {
      EXPECT_TRUE(sent.upgrade) << "switched without being asked";
      tunnel_ = true;
    }
    if (message.result_int() >= 200) {
      ++answered_;
      // A refusal of what was no whole request cannot know that its body should be left out.
      refused_head_ = sent.is_head() && message.result_int() < 500 && sent.deliveries == 0;
      sent.answered = true;
      upgrading_ = upgrading_ && !sent.upgrade;
    }
  }

  static bool is_until_close(const Messages::Message& message) {
    return !message.chunked() && !message.has_content_length();
  }

  static void judge_body(const Messages::Message& message, const Sent& sent, bool complete) {
    const std::string_view size = message["x-size"];
    if (size.empty()) {
      return;  // Bytes that the server's script does not know stand before it.
    }
    const std::string& body = message.body();
    EXPECT_TRUE(body == pattern(sent.id, body.size())) << "body of request " << sent.id;
    // Without a framing of its own a response that was cut cannot be told from a whole one.
    const bool counts = message.count("x-framed") > 0 && message.result_int() >= 200;
    if (complete && counts && !sent.is_head()) {
      EXPECT_EQ(std::to_string(body.size()), size) << "cut, and not seen to be";
    }
  }

  /// Its own bytes may have been several requests: only whose responses these are is certain.
  void judge_wild(std::string_view bytes) {
    wild_text_ += bytes;
    constexpr std::string_view kTag = "x-tag: ";
    std::size_t at = 0;
    while ((at = wild_text_.find(kTag, at)) != std::string::npos) {
      const std::size_t end = wild_text_.find("\r\n", at);
      if (end == std::string::npos) {
        break;
      }
      at += kTag.size();
      const Sent* sent = ledger_.find(std::string_view{wild_text_}.substr(at, end - at));
      EXPECT_TRUE(sent != nullptr && (sent->client == number_ || sent->wild))
          << "another's response: " << wild_text_.substr(at, end - at);
    }
    if (wild_text_.size() > 1000) {
      wild_text_.erase(0, wild_text_.size() - 100);
    }
  }

  std::size_t number_;
  Socket socket_;
  bool tcp_;
  Ledger& ledger_;
  std::string out_;
  Messages in_;
  std::string wild_text_;
  std::vector<std::size_t> asked_;
  std::size_t answered_ = 0;
  std::size_t talked_ = 0;
  bool ended_ = false;
  bool reads_ = true;
  bool wild_ = false;
  bool upgrading_ = false;
  bool tunnel_ = false;
  bool refused_head_ = false;
};

}  // namespace fusegate::test
