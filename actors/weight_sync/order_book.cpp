#include "actors/weight_sync/order_book.hpp"

#include <set>

namespace tandem {

std::vector<order_book::due> order_book::stand(const std::vector<roll_order>& wanted,
                                               std::uint64_t now_ms, std::uint64_t seed) {
  if (next_ == 0) next_ = seed;
  std::set<roll_order> now{wanted.begin(), wanted.end()};
  std::erase_if(orders_, [&](const auto& each) { return !now.contains(each.first); });
  std::vector<due> out;
  for (const auto& each : now) {
    auto& at = orders_[each];
    if (at.is_done) continue;
    if (at.id == 0)
      at.id = ++next_;
    else if (now_ms < at.told_at_ms + again_ms)
      continue;
    at.told_at_ms = now_ms;
    out.push_back({at.id, each});
  }
  return out;
}

std::optional<roll_order> order_book::take_outcome(std::uint64_t id) {
  for (auto at = orders_.begin(); at != orders_.end(); ++at) {
    if (at->second.id != id || at->second.is_done) continue;
    auto order = at->first;
    at->second.is_done = true;
    // Wanted again it is another order: the engine has lost its weights since.
    if (order.action == schema::OrderAction::UPDATE) orders_.erase(at);
    return order;
  }
  return std::nullopt;
}

bool order_book::all_done(schema::OrderAction action, const std::vector<roll_order>& of) const {
  for (const auto& each : of) {
    if (each.action != action) continue;
    auto found = orders_.find(each);
    if (found == orders_.end() || !found->second.is_done) return false;
  }
  return true;
}

void order_book::forget_answered(schema::OrderAction action) {
  std::erase_if(orders_, [&](const auto& each) {
    return each.first.action == action && each.second.is_done;
  });
}

bool done_orders::begin(std::uint64_t id, tmsg::wtoutcm& outcome) {
  auto [found, is_new] = orders_.try_emplace(id);
  if (!is_new) {
    outcome = found->second;
    return false;
  }
  in_order_.push_back(id);
  while (in_order_.size() > kept) {
    orders_.erase(in_order_.front());
    in_order_.pop_front();
  }
  return true;
}

void done_orders::end(std::uint64_t id, const tmsg::wtoutcm& outcome) {
  if (auto found = orders_.find(id); found != orders_.end()) found->second = outcome;
}

}  // namespace tandem
