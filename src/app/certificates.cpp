#include "app/certificates.hpp"

#include <fusegate/base/fill.hpp>
#include <fusegate/base/time.hpp>

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace fusegate::app {
namespace {

/// How often the files are looked at; a change is taken at the second look. Chosen: a renewal is
/// not urgent, and a look at a few files costs microseconds.
constexpr Duration kLook = std::chrono::milliseconds{500};

}  // namespace

void Certificates::add(std::string_view kind, std::string name, net::TlsSource& source) {
  entries_.push_back({kind, std::move(name), &source});
}

std::expected<void, std::string> Certificates::load() {
  for (const Entry& entry : entries_) {
    std::vector<net::TlsProblem> problems;
    if (!entry.source->load(problems)) {
      const auto worst =
          std::ranges::find_if(problems, [](const auto& problem) { return !problem.warning; });
      return std::unexpected(
          fill("{} {}: tls.{}: {}", entry.kind, entry.name, worst->key, worst->message));
    }
  }
  return {};
}

void Certificates::start() {
  const bool any =
      std::ranges::any_of(entries_, [](const Entry& entry) { return entry.source->has_files(); });
  if (any) {
    thread_ = std::thread([this] {
      ::pthread_setname_np(::pthread_self(), "fusegate-certs");
      watch();
    });
  }
}

void Certificates::stop() {
  {
    const std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Certificates::watch() {
  std::unique_lock lock{mutex_};
  while (!changed_.wait_for(lock, kLook, [this] { return stopping_; })) {
    lock.unlock();
    for (const Entry& entry : entries_) {
      if (entry.source->changed()) {
        read_again(entry);
      }
    }
    lock.lock();
  }
}

void Certificates::read_again(const Entry& entry) {
  std::vector<net::TlsProblem> problems;
  const bool taken = entry.source->load(problems);
  const std::string_view name = entry.name;
  for (const net::TlsProblem& problem : problems) {
    log_.log(
        problem.warning ? telemetry::Level::Warn : telemetry::Level::Error,
        problem.warning ? "certificate file in use has a problem"
                        : "new certificate file is not used, the old one stays",
        {{entry.kind, name}, {"key", problem.key}, {"error", std::string_view{problem.message}}});
  }
  if (taken) {
    log_.info("certificate files read again", {{entry.kind, name}});
  }
}

}  // namespace fusegate::app
