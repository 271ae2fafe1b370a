#include "actors/planner/weight_pins.hpp"

namespace tandem {

void weight_pins::drop(std::string_view model, const std::string& version) {
  auto of = counts_.find(model);
  auto count = of->second.find(version);
  if (--count->second == 0) of->second.erase(count);
  if (of->second.empty()) counts_.erase(of);
}

void weight_pins::set(std::uint64_t job, std::string_view model, std::string_view version) {
  auto& own = jobs_[job];
  auto known = own.find(model);
  if (known == own.end()) {
    if (own.size() >= models_max) return;
    own.emplace(model, version);
  } else {
    if (known->second == version) return;
    drop(model, known->second);
    known->second = version;
  }
  ++counts_[std::string{model}][std::string{version}];
}

void weight_pins::forget(std::uint64_t job) {
  auto found = jobs_.find(job);
  if (found == jobs_.end()) return;
  for (const auto& [model, version] : found->second) drop(model, version);
  jobs_.erase(found);
}

std::map<std::string, std::uint64_t> weight_pins::count(std::string_view model) const {
  auto of = counts_.find(model);
  return of == counts_.end() ? std::map<std::string, std::uint64_t>{} : of->second;
}

}  // namespace tandem
