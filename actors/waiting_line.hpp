#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "actors/fence.hpp"

namespace tandem {

/// Attempts that wait for room: higher priority first, first come first served within one. Bounded.
template <class Value>
class waiting_line {
 public:
  explicit waiting_line(std::size_t size_max = 0) : size_max_{size_max} {}

  /// False when it is full or has this attempt already.
  bool push(std::int8_t priority, const fence_key& fence, Value value) {
    if (places_.size() >= size_max_) return false;
    place at{-priority, arrivals_++};
    if (!places_.emplace(fence, at).second) return false;
    line_.emplace(at, entry{fence, std::move(value)});
    return true;
  }

  std::optional<Value> pop() {
    if (line_.empty()) return std::nullopt;
    auto first = line_.begin();
    places_.erase(first->second.fence);
    auto value = std::move(first->second.value);
    line_.erase(first);
    return value;
  }

  std::optional<Value> take(const fence_key& fence) {
    auto found = places_.find(fence);
    if (found == places_.end()) return std::nullopt;
    auto at = line_.find(found->second);
    places_.erase(found);
    auto value = std::move(at->second.value);
    line_.erase(at);
    return value;
  }

  [[nodiscard]] std::size_t size() const { return line_.size(); }
  [[nodiscard]] bool empty() const { return line_.empty(); }

 private:
  using place = std::pair<int, std::uint64_t>;
  struct entry {
    fence_key fence;
    Value value;
  };

  std::size_t size_max_;
  std::uint64_t arrivals_ = 0;
  std::map<place, entry> line_;
  std::unordered_map<fence_key, place> places_;
};

}  // namespace tandem
