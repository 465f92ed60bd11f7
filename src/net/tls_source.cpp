#include "net/tls_source.hpp"

#include <sys/stat.h>

#include <utility>

namespace fusegate::net {
namespace {

bool same(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

TlsSource::TlsSource(const config::ListenerTls& settings)
    : read_([settings] { return TlsContext::for_listener(settings); }) {
  add_file(settings.certificate);
  add_file(settings.key);
  add_file(settings.client_ca);
}

TlsSource::TlsSource(const config::Tls& settings)
    : read_([settings] { return TlsContext::for_upstream(settings); }) {
  add_file(settings.certificate);
  add_file(settings.key);
  if (settings.verify) {
    add_file(settings.ca_file);
  }
}

void TlsSource::add_file(const std::string& file) {
  if (!file.empty()) {
    files_.push_back(file);
  }
}

TlsContextPtr TlsSource::context() const {
  const std::lock_guard guard{mutex_};
  return context_;
}

bool TlsSource::Stamp::operator==(const Stamp& other) const {
  return device == other.device && number == other.number && size == other.size &&
         same(written, other.written) && same(moved, other.moved);
}

std::vector<TlsSource::Stamp> TlsSource::look() const {
  std::vector<Stamp> all(files_.size());
  for (std::size_t i = 0; i < files_.size(); ++i) {
    struct stat status{};
    if (::stat(files_[i].c_str(), &status) == 0) {
      all[i] = {status.st_dev, status.st_ino, status.st_size, status.st_mtim, status.st_ctim};
    }
  }
  return all;
}

bool TlsSource::changed() {
  std::vector<Stamp> now = look();
  const bool still = now == seen_;
  seen_ = std::move(now);
  return still && seen_ != used_;
}

bool TlsSource::load(std::vector<TlsProblem>& problems) {
  used_ = seen_ = look();  // First, so that what changes while they are read is seen next time.
  TlsContext::Loaded loaded = read_();
  problems = std::move(loaded.problems);
  if (loaded.context == nullptr) {
    return false;
  }
  const std::lock_guard guard{mutex_};
  context_ = std::move(loaded.context);
  return true;
}

}  // namespace fusegate::net
