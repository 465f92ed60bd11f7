#include <fusegate/policy/budget.hpp>

namespace fusegate::policy {

Budget::Budget(const BudgetSettings& settings) : settings_(settings), window_(settings.window) {}

void Budget::on_request(Instant now) { window_.add({.total = 1, .failed = 0, .slow = 0}, now); }

bool Budget::try_charge(Instant now) {
  if (available(now) == 0) {
    return false;
  }
  window_.add({.total = 0, .failed = 1, .slow = 0}, now);
  return true;
}

void Budget::note(Instant now) { window_.add({.total = 0, .failed = 1, .slow = 0}, now); }

void Budget::refund(Instant charged_at, Instant now) { window_.take_failed(charged_at, now); }

void Budget::refund(Instant now) { window_.take_oldest_failed(now); }

std::uint64_t Budget::capacity(Instant now) {
  return settings_.percent.of(window_.sum(now).total) + settings_.min_retries;
}

std::uint64_t Budget::available(Instant now) {
  const std::uint64_t allowed = capacity(now);
  const std::uint64_t charged = window_.sum(now).failed;
  // The allowance shrinks when requests leave the window, possibly below what is already charged.
  return charged < allowed ? allowed - charged : 0;
}

}  // namespace fusegate::policy
