#include "actors/mesh/dial_plan.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {

dial_plan::dial_plan(const std::vector<std::string>& seeds, std::uint64_t random_seed)
    : random_{static_cast<std::minstd_rand::result_type>(random_seed)} {
  for (const auto& seed : seeds) entries_[seed].is_seed = true;
}

void dial_plan::update(const member_table& table, clock::time_point now) {
  // All nodes may have the same seeds: themselves among them.
  auto own = table.own().read();
  auto reached = table.addresses_in_session();
  for (auto& [address, of] : entries_) {
    auto is_reached = (of.led_to && table.in_session(*of.led_to)) ||
                      std::binary_search(reached.begin(), reached.end(), address);
    of.is_wished = of.is_seed && !is_reached && view(own->getAddress()) != address;
    if (is_reached) {
      of.was_reached = true;
      of.failures = 0;
      of.reason.clear();
      of.is_refused = false;
      // For when it is lost again.
      of.retry_at = now + pause_after(0);
    }
  }
  for (const auto& wish : table.wishes()) {
    auto& of = entries_[wish.address];
    of.is_wished = true;
    if (!of.is_seed || of.was_reached) of.not_before = wish.not_before;
  }
  std::erase_if(entries_, [](const auto& each) {
    return !each.second.is_seed && !each.second.is_wished && !each.second.is_under_way;
  });
}

std::vector<std::string> dial_plan::start(clock::time_point now) {
  std::vector<std::pair<clock::time_point, std::string_view>> due;
  if (under_way_ >= at_once_max) return {};
  for (const auto& [address, of] : entries_) {
    auto at = std::max(of.not_before, of.retry_at);
    if (of.is_wished && !of.is_under_way && at <= now) due.emplace_back(at, address);
  }
  // Who waits longest comes first.
  std::sort(due.begin(), due.end());
  due.resize(std::min(due.size(), at_once_max - under_way_));
  std::vector<std::string> result;
  for (const auto& [at, address] : due) {
    entries_.find(address)->second.is_under_way = true;
    ++under_way_;
    result.emplace_back(address);
  }
  return result;
}

dial_plan::clock::time_point dial_plan::next_start() const {
  auto next = clock::time_point::max();
  if (under_way_ >= at_once_max) return next;
  for (const auto& [address, of] : entries_)
    if (of.is_wished && !of.is_under_way)
      next = std::min(next, std::max(of.not_before, of.retry_at));
  return next;
}

void dial_plan::succeeded(const std::string& address, std::uint64_t incarnation) {
  auto found = entries_.find(address);
  if (found == entries_.end() || !std::exchange(found->second.is_under_way, false)) return;
  --under_way_;
  auto& of = found->second;
  of.failures = 0;
  of.led_to = incarnation;
  of.reason.clear();
  of.is_refused = false;
}

bool dial_plan::failed(const std::string& address, const caf::error& why, clock::time_point now) {
  auto found = entries_.find(address);
  if (found == entries_.end() || !std::exchange(found->second.is_under_way, false)) return false;
  --under_way_;
  auto& of = found->second;
  of.is_refused = is_refusal(why);
  auto pause = of.is_refused ? refused_pause : pause_after(of.failures);
  ++of.failures;
  // From three quarters to five quarters of it.
  of.retry_at = now + pause * (75 + random_() % 51) / 100;
  constexpr std::size_t reason_bytes_max = 300;
  auto reason = std::string{cut(valid_utf8(message_of(why)), reason_bytes_max)};
  return std::exchange(of.reason, reason) != reason;
}

std::optional<std::uint64_t> dial_plan::led_to(const std::string& address) const {
  auto found = entries_.find(address);
  return found == entries_.end() ? std::nullopt : found->second.led_to;
}

std::string dial_plan::refusals() const {
  constexpr std::size_t text_bytes_max = 1000;
  std::string result;
  for (const auto& [address, of] : entries_) {
    if (!of.is_refused || result.size() > text_bytes_max) continue;
    result += (result.empty() ? "" : "; ") + address + ": " + of.reason;
  }
  return result;
}

bool dial_plan::is_refusal(const caf::error& why) {
  auto code = code_of(why);
  return code == errc::conflict || code == errc::invalid_argument ||
         code == errc::not_authenticated;
}

std::chrono::milliseconds dial_plan::pause_after(std::uint32_t failures) {
  constexpr std::uint32_t doublings_max = 10;
  return std::min(pause_max, pause_first * (1 << std::min(failures, doublings_max)));
}

}  // namespace tandem
