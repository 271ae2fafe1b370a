// As actors/weight_sync/weight_orders.cpp.

#include <algorithm>

#include "schema/text.hpp"
#include "tests/support/weights/weight_fleet.hpp"

namespace tandem::testing {
namespace {

constexpr std::chrono::seconds catch_up_again{15};

weight_order order_of(schema::WeightOrder::Reader from) {
  auto options = from.getOptions();
  return {.epoch = from.getEpoch(),
          .action = from.getAction(),
          .version = std::string{view(from.getVersion())},
          .path = {},
          .drain = std::chrono::milliseconds{options.getDrainMs()},
          .load = std::chrono::milliseconds{options.getLoadMs()},
          .pause = options.getPause(),
          .prompt = std::string{view(options.getPrompt())},
          .expected = std::string{view(options.getExpected())}};
}

}  // namespace

void modelled_node::on_order(const tmsg::wtorder& order) {
  auto reader = order.read();
  auto from = reader->getFrom();
  auto known = std::any_of(fleet_.nodes().begin(), fleet_.nodes().end(), [&](const auto& each) {
    return each->incarnation() == from && fleet_.sees(number_, each->number());
  });
  if (!known) return;
  tmsg::wtoutcm before;
  if (!done_.begin(reader->getId(), before)) {
    ++repeated;
    if (!before.empty()) send_outcome(from, before);
    return;
  }
  if (roll) fence_.know(roll->epoch, roll->id);
  fence_.know(wanted.epoch, 0);
  if (!fence_.admit(reader->getEpoch(), reader->getRoll())) {
    ++fenced;
    return outcome(order, errc::conflict, "another coordinator has gone on with it");
  }
  carry_out(order);
}

void modelled_node::carry_out(const tmsg::wtorder& order) {
  using schema::OrderAction;
  auto reader = order.read();
  std::string version{view(reader->getVersion())};
  switch (reader->getAction()) {
    case OrderAction::FETCH:
      return bring(order);
    case OrderAction::ASK:
      return ask(order);
    case OrderAction::UPDATE:
      return have.contains(version) ? change_engine(order) : bring(order);
    case OrderAction::HOLD:
      return change_engine(order);
    default:
      return outcome(order, errc::invalid_argument, "no such order");
  }
}

void modelled_node::bring(const tmsg::wtorder& order) {
  std::string version{view(order.read()->getVersion())};
  auto& waiting = fetching_[version];
  waiting.push_back(order);
  if (waiting.size() > 1) return;
  fleet_.time().after(fleet_.options().fetch, [this, version, life = incarnation_] {
    if (alive_ && life == incarnation_) brought(version);
  });
}

void modelled_node::brought(const std::string& version) {
  auto waiting = std::move(fetching_[version]);
  fetching_.erase(version);
  auto failed = disk_full && !have.contains(version);
  if (!failed) have.insert(version);
  touch();
  for (const auto& order : waiting) {
    if (failed)
      outcome(order, errc::storage_failed, "the disk is full");
    else if (order.read()->getAction() == schema::OrderAction::UPDATE)
      change_engine(order);
    else
      outcome(order, errc::unknown, {});
  }
}

void modelled_node::change_engine(const tmsg::wtorder& order) {
  auto reader = order.read();
  auto name = view(reader->getEngine());
  auto found = std::find_if(engines_.begin(), engines_.end(),
                            [&](const auto& each) { return each->name() == name; });
  if (found == engines_.end() || !(*found)->is_alive())
    return outcome(order, errc::not_found, "engine '" + std::string{name} + "' is not there");
  auto* engine = found->get();
  engine->order(order_of(*reader),
                [this, order, engine, life = incarnation_](const weight_change::ending& end) {
                  if (!alive_ || life != incarnation_) return;
                  outcome(order, end.code, end.error, engine->version());
                  touch();
                });
}

void modelled_node::ask(const tmsg::wtorder& order) {
  message_builder<schema::WeightOutcome> out;
  auto reader = order.read();
  out->setId(reader->getId());
  out->setRoll(reader->getRoll());
  out->setFrom(incarnation_);
  if (fleet_.pins_of) {
    auto held = fleet_.pins_of(number_);
    auto pins = out->initPins(static_cast<unsigned>(held.size()));
    unsigned place = 0;
    for (const auto& [version, jobs] : held) {
      pins[place].setVersion(version);
      pins[place++].setJobs(jobs);
    }
  }
  auto told = out.finish();
  done_.end(reader->getId(), told);
  send_outcome(reader->getFrom(), told);
}

void modelled_node::outcome(const tmsg::wtorder& order, errc code, const std::string& error,
                            const std::string& version) {
  auto reader = order.read();
  message_builder<schema::WeightOutcome> out;
  out->setId(reader->getId());
  out->setRoll(reader->getRoll());
  out->setVersion(version);
  out->setFrom(incarnation_);
  if (code != errc::unknown) {
    out->getError().setCode(static_cast<schema::Errc>(code));
    out->getError().setMessage(error);
  }
  auto told = out.finish();
  done_.end(reader->getId(), told);
  send_outcome(reader->getFrom(), told);
}

void modelled_node::send_outcome(std::uint64_t to, const tmsg::wtoutcm& told) {
  for (const auto& each : fleet_.nodes())
    if (each->incarnation() == to)
      fleet_.send(number_, each->number(), [told](modelled_node& node) { node.on_outcome(told); });
}

void modelled_node::catch_up() {
  using schema::EnginePhase;
  using schema::RollPhase;
  // The coordinator looks after them.
  if (!heard_ || coordinator_ || (roll && !roll->is_over())) return;
  auto now = fleet_.time().now();
  for (auto& each : engines_) {
    auto behind = !wanted.version.empty() && each->version() != wanted.version;
    auto failed = roll && roll->phase == RollPhase::GATED &&
                  std::any_of(roll->engines.begin(), roll->engines.end(), [&](const auto& one) {
                    return one.name == each->name() && one.phase == EnginePhase::FAILED;
                  });
    if (!each->is_alive() || each->changes_weights() || (!behind && !each->is_gated()) || failed)
      continue;
    // Nobody can be there to be asked.
    if (!each->is_healthy() && !each->is_gated()) continue;
    auto& again = retry_at_[each->name()];
    if (now < again) continue;
    again = now + catch_up_again;
    message_builder<schema::WeightOrder> order;
    order->setId(next_own_--);
    order->setEpoch(std::max(fence_.epoch(), wanted.epoch));
    order->setAction(schema::OrderAction::UPDATE);
    order->setModel("m");
    order->setVersion(behind ? wanted.version : each->version());
    order->setEngine(each->name());
    order->setFrom(incarnation_);
    tandem::write(roll_options{}, order->initOptions());
    on_order(order.finish());
  }
}

}  // namespace tandem::testing
