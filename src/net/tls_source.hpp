#pragma once

#include "net/tls_context.hpp"

#include <sys/types.h>

#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace fusegate::net {

/// The TLS of one listener or upstream, and the files it was read from.
///
/// The files are looked at from time to time, because that sees every way of replacing them: in
/// place, by renaming, and by the symbolic links that Kubernetes swaps. What is not good is not
/// taken, and the old goes on being used.
class TlsSource {
 public:
  explicit TlsSource(const config::ListenerTls& settings);
  explicit TlsSource(const config::Tls& settings);
  TlsSource(const TlsSource&) = delete;
  TlsSource& operator=(const TlsSource&) = delete;

  /// For a new connection; null until a `load` has succeeded. Any thread.
  TlsContextPtr context() const;

  /// Have the files changed since they were last read, and stood still since the last look? A
  /// certificate and its key are written one after the other. Not from two threads at once, like
  /// `load`.
  bool changed();
  /// Reads the files. False = the context is what it was.
  bool load(std::vector<TlsProblem>& problems);

  bool has_files() const { return !files_.empty(); }

 private:
  /// What tells two versions of a file apart; all zero = there is none.
  struct Stamp {
    dev_t device = 0;
    ino_t number = 0;
    off_t size = 0;
    timespec written{};
    timespec moved{};
    bool operator==(const Stamp& other) const;
  };
  std::vector<Stamp> look() const;
  void add_file(const std::string& file);

  std::vector<std::string> files_;
  std::function<TlsContext::Loaded()> read_;
  std::vector<Stamp> used_;  ///< When they were read.
  std::vector<Stamp> seen_;  ///< At the last look.
  mutable std::mutex mutex_;
  TlsContextPtr context_;
};

}  // namespace fusegate::net
