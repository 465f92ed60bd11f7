#include "upstream/resolver.hpp"

#include "net/address.hpp"
#include "net/clock.hpp"

#include <netdb.h>

#include <algorithm>
#include <memory>

namespace fusegate::upstream {
namespace {

constexpr std::size_t kThreadsMax = 4;
/// Addresses of one name that are used. Chosen: a headless service of that size is a large one.
constexpr std::size_t kAddressesMax = 512;

int family_of(config::IpFamily family) {
  switch (family) {
    case config::IpFamily::Any:
      return AF_UNSPEC;
    case config::IpFamily::V4:
      return AF_INET;
    case config::IpFamily::V6:
      return AF_INET6;
  }
  return AF_UNSPEC;
}

}  // namespace

Resolved resolve(const config::Endpoint& endpoint, config::IpFamily family) {
  addrinfo hints{};
  hints.ai_family = family_of(family);
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error =
      ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &list);
  if (error != 0) {
    return std::unexpected(std::string{gai_strerror(error)});
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner{list, &freeaddrinfo};
  std::vector<std::string> addresses;
  for (const addrinfo* item = list; item != nullptr; item = item->ai_next) {
    net::SocketAddress address;
    std::copy_n(reinterpret_cast<const char*>(item->ai_addr), item->ai_addrlen,
                reinterpret_cast<char*>(&address.storage));
    address.length = item->ai_addrlen;
    addresses.push_back(net::format_address(address));
  }
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  addresses.resize(std::min(addresses.size(), kAddressesMax));
  return addresses;
}

Resolver::Resolver(std::vector<Name> names, OnResult on_result)
    : names_(std::move(names)), on_result_(std::move(on_result)) {
  const Instant now = net::now();
  for (std::size_t index = 0; index < names_.size(); ++index) {
    due_.push_back({index, now});
  }
}

Resolver::~Resolver() { stop(); }

void Resolver::start() {
  for (std::size_t n = 0; n < std::min(kThreadsMax, names_.size()); ++n) {
    threads_.emplace_back([this] { work(); });
  }
}

void Resolver::stop() {
  {
    const std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

void Resolver::work() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    const auto next = std::min_element(due_.begin(), due_.end(), [](const Due& a, const Due& b) {
      return a.taken != b.taken ? b.taken : a.at < b.at;
    });
    const Instant now = net::now();
    if (next->taken || next->at > now) {
      const Duration pause = next->taken ? Duration{std::chrono::seconds{1}} : next->at - now;
      changed_.wait_for(lock, pause);
      continue;
    }
    next->taken = true;
    const std::size_t index = next->index;
    lock.unlock();
    const Resolved result = resolve(names_[index].endpoint, names_[index].settings.family);
    on_result_(index, result);
    lock.lock();
    due_[index].taken = false;
    due_[index].at = after(net::now(), names_[index].settings.refresh);
  }
}

}  // namespace fusegate::upstream
