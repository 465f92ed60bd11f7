#pragma once

#include "property/proxy/responses.hpp"
#include "property/proxy/sockets.hpp"
#include "support/beast_messages.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace fusegate::test {

/// One connection of a scripted server. What it receives is judged: strictly parsed requests, whole
/// bodies, one at a time, and what may not be repeated only once.
class ServerConnection {
 public:
  ServerConnection(Socket socket, bool tcp, Ledger& ledger)
      : socket_(std::move(socket)), tcp_(tcp), ledger_(ledger) {}

  bool is_open() const { return socket_.is_open(); }
  bool owes_answer() const { return is_open() && !ended_ && current_ != nullptr && !answered_; }

  void receive() {
    if (!is_open() || !reads_) {
      return;
    }
    std::string bytes;
    const Socket::Read read = socket_.drain(bytes);
    in_.add(bytes);
    judge();
    if (read != Socket::Read::Nothing) {
      // On TCP an early close of ours would leave a TIME_WAIT for each of many connections.
      socket_.reset();
    }
  }

  void answer(Dice& dice) {
    if (!owes_answer()) {
      return;
    }
    const Answer answer = AnswerWriter{dice, *current_, std::to_string(current_->id)}.write();
    out_ += answer.text;
    answered_ = answer.final || answer.tunnels;
    closes_ = answer.closes;
    tunnel_ = answer.tunnels;
  }
  /// A response without surprises; `fields` are whole lines.
  void say(std::string_view status, std::string_view fields = "content-length: 0\r\n") {
    out_ += "HTTP/1.1 " + std::string{status} + "\r\nx-tag: " + std::to_string(current_->id) +
            "\r\n" + std::string{fields} + "\r\n";
    answered_ = !status.starts_with('1');
    send(out_.size());
  }
  /// A response that nobody asked for: behind the last one, or while the connection rests.
  void stray() {
    receive();
    // On TCP the next request may be on its way, and this would be its answer.
    if (!is_open() || !reads_ || ended_ || tunnel_ || closes_ || tcp_ ||
        (current_ != nullptr && !answered_) || in_.begun()) {
      return;
    }
    out_ += "HTTP/1.1 200 OK\r\nx-tag: " + std::string{kStray} + "\r\ncontent-length: 0\r\n\r\n";
    send(out_.size());
    if (!out_.empty()) {
      socket_.reset();
    }
  }
  void send(std::size_t most) {
    if (!is_open() || ended_) {
      return;
    }
    out_.erase(0, socket_.send(std::string_view{out_}.substr(0, most)));
    if (out_.empty() && answered_ && closes_) {
      leave(false);
    }
  }
  void talk_in_tunnel(std::size_t size) {
    if (tunnel_ && is_open()) {
      talked_ += size;
      out_ += pattern(current_->id, talked_).substr(talked_ - size);
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
  /// Reads until the other side has closed, or for some seconds.
  void await_end() {
    pause(false);
    receive();
    for (int i = 0; i < 5 && is_open(); ++i) {
      socket_.await_input();
      receive();
    }
  }

 private:
  using Messages = BeastMessages<true>;

  void judge() {
    while (!tunnel_ && !(in_.waiting().empty() && !in_.begun())) {
      if (!in_.begun()) {
        in_.begin(false);
        head_seen_ = false;
      }
      const auto state = in_.read();
      if (state == Messages::State::Broken) {
        ADD_FAILURE() << "a server got what is no request: " << in_.why();
        socket_.close();
        return;
      }
      if (in_.has_head() && !head_seen_) {
        head_seen_ = true;
        on_head(in_.message());
      }
      if (state == Messages::State::NeedMore) {
        return;
      }
      judge_body(in_.message());
      in_.finish();
    }
    if (tunnel_) {
      const std::string& waiting = in_.waiting();
      EXPECT_TRUE(current_->wild || waiting == pattern(current_->id, waiting.size()))
          << "foreign bytes in a tunnel";
    }
  }

  void on_head(const Messages::Message& message) {
    EXPECT_TRUE(current_ == nullptr || answered_) << "asked again before its answer";
    const std::string_view target = message.target();
    Sent* sent = target.starts_with("/t") ? ledger_.find(target.substr(2)) : nullptr;
    if (sent == nullptr) {
      sent = &ledger_.add(0);
      sent->wild = true;
    }
    ++sent->deliveries;
    EXPECT_TRUE(sent->wild || sent->repeatable || sent->deliveries <= 1)
        << "request " << sent->id << " was applied twice";
    EXPECT_EQ(message.count("host"), 1U);
    current_ = sent;
    answered_ = closes_ = false;
  }

  void judge_body(const Messages::Message& message) const {
    if (!current_->wild) {
      EXPECT_TRUE(message.body() == pattern(current_->id, current_->body))
          << "body of request " << current_->id;
    }
  }

  Socket socket_;
  bool tcp_;
  Ledger& ledger_;
  std::string out_;
  Messages in_;
  Sent* current_ = nullptr;
  std::size_t talked_ = 0;
  bool head_seen_ = false;
  bool answered_ = false;
  bool closes_ = false;
  bool ended_ = false;
  bool reads_ = true;
  bool tunnel_ = false;
};

}  // namespace fusegate::test
