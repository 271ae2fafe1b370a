#include "actors/weight_sync/roll_dispatch.hpp"

#include <algorithm>

#include "schema/text.hpp"

namespace tandem {

std::vector<roll_dispatch::letter> roll_dispatch::send(const roll_record& roll,
                                                       const std::vector<roll_order>& wanted,
                                                       std::uint64_t incarnation,
                                                       std::uint64_t now_ms) {
  using schema::OrderAction;
  auto standing = wanted;
  auto holds = std::any_of(wanted.begin(), wanted.end(),
                           [](const auto& each) { return each.action == OrderAction::HOLD; });
  if (!holds || !orders_.all_done(OrderAction::HOLD, wanted)) {
    std::erase_if(standing, [](const auto& each) { return each.action == OrderAction::ASK; });
    pins_.clear();
  } else if (now_ms >= asked_at_ms_ + ask_again_ms) {
    asked_at_ms_ = now_ms;
    orders_.forget_answered(OrderAction::ASK);
  }
  auto options = roll.options;
  // What the new weights are to say, the old ones need not.
  if (roll.phase == schema::RollPhase::ROLLING_BACK) options.expected.clear();
  // An order of another run, or of another coordinator, is another one.
  auto seed = (roll.id ^ (incarnation << 20) ^ (roll.epoch << 52)) >> 1;
  std::vector<letter> out;
  for (const auto& due : orders_.stand(standing, now_ms, seed)) {
    message_builder<schema::WeightOrder> order;
    order->setId(due.id);
    order->setRoll(roll.id);
    order->setEpoch(roll.epoch);
    order->setAction(due.order.action);
    order->setModel(roll.model);
    order->setVersion(due.order.version);
    order->setEngine(due.order.engine);
    order->setFrom(incarnation);
    write(options, order->initOptions());
    out.push_back({due.order.node, order.finish()});
  }
  return out;
}

std::optional<roll_dispatch::ended> roll_dispatch::take(const roll_record& roll,
                                                        const tmsg::wtoutcm& outcome) {
  auto reader = outcome.read();
  if (reader->getRoll() != roll.id) return std::nullopt;
  auto order = orders_.take_outcome(reader->getId());
  if (!order) return std::nullopt;
  ended out{.order = *order,
            .code = static_cast<errc>(reader->getError().getCode()),
            .error = std::string{view(reader->getError().getMessage())}};
  if (order->action != schema::OrderAction::ASK) return out;
  pins_.erase(order->node);
  if (out.code != errc::unknown) return out;
  auto& pins = pins_[order->node];
  for (auto pin : reader->getPins()) pins[std::string{view(pin.getVersion())}] += pin.getJobs();
  return out;
}

std::optional<std::map<std::string, std::uint64_t>> roll_dispatch::pins(
    const std::set<std::string>& nodes) const {
  std::map<std::string, std::uint64_t> out;
  for (const auto& node : nodes) {
    auto found = pins_.find(node);
    if (found == pins_.end()) return std::nullopt;
    for (const auto& [version, jobs] : found->second) out[version] += jobs;
  }
  return out;
}

}  // namespace tandem
