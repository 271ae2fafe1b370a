#include "actors/semantic/pending_labels.hpp"

namespace tandem {

std::uint64_t pending_labels::add(pending_match match) {
  auto id = next_++;
  matches_.emplace(id, std::move(match));
  order_.push_back(id);
  // Those that were taken leave their ids behind in the order.
  while (order_.size() > most_) {
    dropped_ += matches_.erase(order_.front());
    order_.pop_front();
  }
  return id;
}

std::optional<pending_match> pending_labels::take(std::uint64_t id) {
  auto found = matches_.find(id);
  if (found == matches_.end()) return std::nullopt;
  auto match = std::move(found->second);
  matches_.erase(found);
  return match;
}

}  // namespace tandem
