#include "upstream/health_attempt.hpp"

#include <fusegate/base/version.hpp>

#include "net/address.hpp"
#include "net/tls_session.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace fusegate::upstream {
namespace {

std::string text_of(int error) { return std::generic_category().message(error); }

std::string request_for(const HealthAttempt::Target& target) {
  std::string text = "GET " + target.path + " HTTP/1.1\r\nhost: " + target.authority;
  text += "\r\nuser-agent: fusegate/";
  text += version();
  text += " (health check)\r\naccept: */*\r\nconnection: close\r\n\r\n";
  return text;
}

}  // namespace

HealthAttempt::HealthAttempt(net::EventLoop& loop, net::TimerQueue& timers, Target target,
                             Done done)
    : loop_(loop),
      timers_(timers),
      target_(std::move(target)),
      done_(std::move(done)),
      request_(request_for(target_)) {}

HealthAttempt::~HealthAttempt() {
  if (stream_) {
    stream_->set_owner(nullptr);
    stream_->close();
  }
}

void HealthAttempt::begin() {
  const auto address = net::parse_address(target_.check.endpoint);
  if (!address) {
    finish(address.error());
    return;
  }
  int error = 0;
  stream_ = net::start_connect(loop_, *address, error);
  if (!stream_) {
    finish("no connection: " + text_of(error));
    return;
  }
  if (target_.tls && !stream_->connect_tls(target_.tls, target_.server_name, nullptr)) {
    finish("no connection: " + text_of(ENOMEM));
    return;
  }
  stream_->set_owner(this);
  stream_->arm_write();
  timers_.set(*this, after(loop_.now(), target_.timeout));
}

bool HealthAttempt::reached(net::Stream& stream) {
  const auto result = stream.connected();
  if (result.would_block()) {
    stream.arm_write();
    return false;
  }
  if (!result.done()) {
    finish(result.is_tls_error() ? "no TLS: " + std::string{stream.tls()->problem()}
                                 : "no connection: " + text_of(result.error));
    return false;
  }
  connected_ = true;
  stream.arm_read();
  return true;
}

void HealthAttempt::on_writable(net::Stream& stream) {
  if (!connected_ && !reached(stream)) {
    return;
  }
  const auto written = stream.write(request_.data() + sent_, request_.size() - sent_);
  if (written.done()) {
    sent_ += written.bytes;
  } else if (!written.would_block()) {
    return;  // The read tells why, or brings an answer that came early.
  }
  if (sent_ < request_.size()) {
    stream.arm_write();
  }
}

void HealthAttempt::on_readable(net::Stream& stream) {
  for (;;) {
    const auto got = stream.read(head_.data() + received_, head_.size() - received_);
    if (got.would_block()) {
      stream.arm_read();
      return;
    }
    if (!got.done()) {
      const bool end = got.kind == net::IoResult::Kind::End;
      finish(end                  ? "the connection was closed before an answer"
             : got.is_tls_error() ? "no TLS: " + std::string{stream.tls()->problem()}
                                  : "the connection failed: " + text_of(got.error));
      return;
    }
    received_ += got.bytes;
    if (judge_head()) {
      return;
    }
  }
}

bool HealthAttempt::judge_head() {
  const http::HeadLimits limits{.bytes = head_.size(), .count = 128};
  for (;;) {
    http::ParseFailure failure;
    switch (parser_.parse({head_.data(), received_}, limits, "GET", response_, failure)) {
      case http::ParseStatus::NeedMore:
        return false;  // The parser refuses a head that fills the buffer, so there is room.
      case http::ParseStatus::Failed:
        finish("no valid answer: " + std::string{failure.detail});
        return true;
      case http::ParseStatus::Complete:
        break;
    }
    if (response_.status >= 200) {
      const bool good = response_.status < 300;
      finish(good ? "" : "status " + std::to_string(response_.status));
      return true;
    }
    // An interim response; the real one follows.
    std::copy(head_.data() + response_.size, head_.data() + received_, head_.data());
    received_ -= response_.size;
    parser_.reset();
  }
}

void HealthAttempt::on_timer(Instant) {
  const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(target_.timeout).count();
  finish(std::string{connected_ ? "no answer" : "no connection"} + " within " +
         std::to_string(limit) + "ms");
}

void HealthAttempt::finish(std::string problem) {
  timers_.cancel(*this);
  if (stream_) {
    stream_->set_owner(nullptr);
    stream_->close();
  }
  done_(*this, std::move(problem));
}

}  // namespace fusegate::upstream
