#include "actors/executor_pool/job_pins.hpp"

#include <algorithm>

namespace tandem {

void job_pins::leave(const job& job) {
  auto found = jobs_.find(job);
  if (found != jobs_.end() && --found->second.attempts == 0) jobs_.erase(found);
}

std::span<const job_pins::pin> job_pins::of(const job& job) const {
  auto found = jobs_.find(job);
  return found == jobs_.end() ? std::span<const pin>{} : std::span<const pin>{found->second.pins};
}

std::string_view job_pins::find(const job& job, std::string_view model) const {
  for (const auto& each : of(job))
    if (each.model == model) return each.version;
  return {};
}

job_pins::pin* job_pins::find_pin(const job& job, std::string_view model) {
  auto found = jobs_.find(job);
  if (found == jobs_.end()) return nullptr;
  auto& pins = found->second.pins;
  auto at =
      std::find_if(pins.begin(), pins.end(), [&](const pin& each) { return each.model == model; });
  return at == pins.end() ? nullptr : &*at;
}

std::map<std::string, std::uint64_t> job_pins::count(std::string_view model) const {
  std::map<std::string, std::uint64_t> out;
  for (const auto& [job, entry] : jobs_)
    for (const auto& each : entry.pins)
      if (each.model == model) ++out[each.version];
  return out;
}

void job_pins::hold(const job& job, std::string_view model, std::string_view version) {
  if (auto* known = find_pin(job, model)) {
    ++known->holds;
    known->version = version;
    return;
  }
  auto found = jobs_.find(job);
  if (found == jobs_.end()) return;
  found->second.pins.push_back(
      {.model = std::string{model}, .version = std::string{version}, .holds = 1});
}

void job_pins::release(const job& job, std::string_view model, bool used) {
  auto* known = find_pin(job, model);
  if (known == nullptr || known->holds == 0) return;
  --known->holds;
  known->used = known->used || used;
  if (known->holds != 0 || known->used) return;
  auto& pins = jobs_.at(job).pins;
  pins.erase(pins.begin() + (known - pins.data()));
}

}  // namespace tandem
