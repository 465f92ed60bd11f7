#pragma once

#include "net/tls_source.hpp"
#include "telemetry/log.hpp"

#include <condition_variable>
#include <expected>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace fusegate::app {

/// The certificates, keys and authorities of all listeners and upstreams: read at the start, and
/// again when their files change, on a thread of its own. New connections use the new ones, those
/// that are open go on; a file that is not good changes nothing but the log.
class Certificates {
 public:
  explicit Certificates(telemetry::Logger& log) : log_(log) {}
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;
  ~Certificates() { stop(); }

  /// `kind` is constant text: "listener" or "upstream". `source` outlives this. Before `load`.
  void add(std::string_view kind, std::string name, net::TlsSource& source);
  /// Reads everything once; the error is for a person.
  std::expected<void, std::string> load();
  void start();
  void stop();

 private:
  struct Entry {
    std::string_view kind;
    std::string name;
    net::TlsSource* source;
  };
  void watch();
  void read_again(const Entry& entry);

  telemetry::Logger& log_;
  std::vector<Entry> entries_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fusegate::app
