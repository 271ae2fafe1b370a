#include "actors/warm_up/call_kinds.hpp"

#include <algorithm>
#include <functional>

#include "actors/router/engines/prompt_blocks.hpp"

namespace tandem {
namespace {

/// So that what jobs do now outweighs what they did.
constexpr std::uint32_t counted_max = 64;

std::uint64_t number_of(const call_kinds::call& seen) {
  std::hash<std::string_view> hash;
  return spread_bits(spread_bits(hash(seen.model) + seen.purpose) + hash(seen.kind));
}

}  // namespace

call_kinds::known_kind& call_kinds::kind_of(std::uint64_t id, std::string_view model) {
  auto [found, is_new] = kinds_.try_emplace(id);
  auto& kind = found->second;
  if (!is_new) {
    kinds_order_.splice(kinds_order_.begin(), kinds_order_, kind.place);
    return kind;
  }
  kind.model = model;
  kind.place = kinds_order_.insert(kinds_order_.begin(), id);
  if (kinds_.size() > limits_.kinds_max) {
    kinds_.erase(kinds_order_.back());
    kinds_order_.pop_back();
  }
  return kind;
}

void call_kinds::set_read(known_kind& kind, std::string_view engine, double now_s) const {
  auto found = std::find_if(kind.engines.begin(), kind.engines.end(),
                            [&](const auto& each) { return each.first == engine; });
  if (found != kind.engines.end()) {
    found->second = now_s;
    return;
  }
  if (kind.engines.size() >= limits_.engines_max)
    kind.engines.erase(
        std::min_element(kind.engines.begin(), kind.engines.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; }));
  kind.engines.emplace_back(engine, now_s);
}

void call_kinds::count_behind(known_kind& first, std::uint64_t then) const {
  auto found = std::find_if(first.next.begin(), first.next.end(),
                            [&](const auto& each) { return each.kind == then; });
  if (found == first.next.end()) {
    if (first.next.size() >= limits_.followers_max)
      first.next.erase(
          std::min_element(first.next.begin(), first.next.end(),
                           [](const auto& a, const auto& b) { return a.jobs < b.jobs; }));
    found = first.next.insert(first.next.end(), {.kind = then});
  }
  ++found->jobs;
}

bool call_kinds::note(const call& seen, double now_s) {
  auto id = number_of(seen);
  last_ = id;
  auto& kind = kind_of(id, seen.model);
  set_read(kind, seen.engine, now_s);
  auto differs =
      std::mismatch(kind.chain.begin(), kind.chain.end(), seen.chain.begin(), seen.chain.end())
          .first;
  kind.alike = static_cast<std::size_t>(differs - kind.chain.begin());
  kind.chain.assign(seen.chain.begin(), seen.chain.end());
  auto [found, is_new] = jobs_.try_emplace(seen.job);
  auto& job = found->second;
  if (is_new)
    job.place = jobs_order_.insert(jobs_order_.begin(), seen.job);
  else
    jobs_order_.splice(jobs_order_.begin(), jobs_order_, job.place);
  auto is_first = std::find(job.kinds.begin(), job.kinds.end(), id) == job.kinds.end() &&
                  job.kinds.size() < limits_.kinds_of_job_max;
  if (is_first) {
    for (auto before : job.kinds)
      if (auto first = kinds_.find(before); first != kinds_.end()) count_behind(first->second, id);
    job.kinds.push_back(id);
    if (++kind.jobs >= counted_max) {
      kind.jobs /= 2;
      for (auto& each : kind.next) each.jobs /= 2;
    }
  }
  if (jobs_.size() > limits_.jobs_max) {
    jobs_.erase(jobs_order_.back());
    jobs_order_.pop_back();
  }
  return is_first;
}

std::vector<call_kinds::follower> call_kinds::followers() const {
  std::vector<follower> out;
  auto found = kinds_.find(last_);
  if (found == kinds_.end() || found->second.jobs < limits_.jobs_min) return out;
  const auto& kind = found->second;
  for (const auto& each : kind.next) {
    auto then = kinds_.find(each.kind);
    if (then == kinds_.end() || each.jobs * 100 < kind.jobs * limits_.percent_min) continue;
    const auto& next = then->second;
    out.push_back({each.kind, next.model, std::span{next.chain}.first(next.alike)});
  }
  return out;
}

double call_kinds::read_at(std::uint64_t kind, std::string_view engine) const {
  auto found = kinds_.find(kind);
  if (found == kinds_.end()) return -1;
  for (const auto& [name, at_s] : found->second.engines)
    if (name == engine) return at_s;
  return -1;
}

void call_kinds::set_read(std::uint64_t kind, std::string_view engine, double now_s) {
  if (auto found = kinds_.find(kind); found != kinds_.end()) set_read(found->second, engine, now_s);
}

void call_kinds::forget_engine(std::string_view engine) {
  for (auto& [id, kind] : kinds_)
    std::erase_if(kind.engines, [&](const auto& each) { return each.first == engine; });
}

}  // namespace tandem
