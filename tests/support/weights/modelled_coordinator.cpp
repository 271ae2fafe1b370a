#include "tests/support/weights/modelled_coordinator.hpp"

#include <algorithm>
#include <ctime>

#include "schema/text.hpp"
#include "tests/support/weights/weight_fleet.hpp"

namespace tandem::testing {
namespace {

constexpr std::uint64_t write_pause_ms = 1000;
constexpr std::uint64_t ask_pause_ms = 200;

/// Of this thread: others have the machine too.
double cpu_us() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

}  // namespace

modelled_coordinator::modelled_coordinator(weight_fleet& fleet, modelled_node& node,
                                           roll_record record, const agreed_mark& replaces)
    : fleet_{fleet}, node_{node}, machine_{std::move(record)}, written_{replaces} {}

fleet_view modelled_coordinator::look() {
  fleet_view out{.now_ms = fleet_.time().now_ms()};
  for (std::size_t i = 0; i < fleet_.nodes().size(); ++i) {
    if (!fleet_.sees(node_.number(), i)) continue;
    const auto& news = node_.news_of(i);
    if (news.incarnation == 0) continue;
    const auto& name = fleet_.nodes()[i]->name();
    out.alive.insert(name);
    out.engines.insert(out.engines.end(), news.engines.begin(), news.engines.end());
    if (news.have.contains(machine_.record().version)) out.have.insert(name);
  }
  if (std::all_of(out.alive.begin(), out.alive.end(),
                  [&](const auto& name) { return pins_.contains(name); })) {
    out.pins.emplace();
    for (const auto& [name, pins] : pins_)
      for (const auto& [version, jobs] : pins) (*out.pins)[version] += jobs;
  }
  return out;
}

bool modelled_coordinator::write() {
  if (!machine_.take_changed()) return true;
  auto record = machine_.record();
  record.sequence = written_.sequence + 1;
  std::optional<agreed_version> wanted;
  if (auto version = machine_.wanted(); version && *version != node_.wanted.version)
    wanted = agreed_version{*version, record.epoch};
  auto code = fleet_.agreement().write(record, written_, wanted);
  if (code != errc::unknown) {
    machine_.keep_changed();
    if (code == errc::conflict) return false;
    write_again_ms_ = fleet_.time().now_ms() + write_pause_ms;
    return true;
  }
  write_again_ms_ = 0;
  written_ = {record.id, record.epoch, record.sequence};
  node_.note(std::make_shared<const roll_record>(std::move(record)));
  if (wanted) node_.want(*wanted);
  node_.touch();
  return true;
}

bool modelled_coordinator::step() {
  if (fleet_.time().now_ms() < write_again_ms_) return true;
  auto view = look();
  auto from = cpu_us();
  auto wanted = machine_.step(view);
  if (fleet_.stepped) fleet_.stepped(cpu_us() - from);
  if (!write()) return false;
  if (fleet_.time().now_ms() < write_again_ms_) return true;
  if (machine_.record().is_over()) return false;
  send_orders(wanted);
  return true;
}

void modelled_coordinator::send_orders(const std::vector<roll_order>& wanted) {
  using schema::OrderAction;
  auto now = fleet_.time().now_ms();
  auto standing = wanted;
  auto is_hold = [](const auto& each) { return each.action == OrderAction::HOLD; };
  if (!orders_.all_done(OrderAction::HOLD, wanted)) {
    std::erase_if(standing, [](const auto& each) { return each.action == OrderAction::ASK; });
    pins_.clear();
  } else if (now >= asked_pins_ms_ + ask_pause_ms) {
    asked_pins_ms_ = now;
    orders_.forget_answered(OrderAction::ASK);
  }
  if (std::none_of(wanted.begin(), wanted.end(), is_hold)) pins_.clear();
  const auto& roll = machine_.record();
  auto seed = roll.id ^ (node_.incarnation() << 20) ^ (roll.epoch << 52);
  for (const auto& due : orders_.stand(standing, now, seed >> 1)) {
    message_builder<schema::WeightOrder> out;
    out->setId(due.id);
    out->setRoll(roll.id);
    out->setEpoch(roll.epoch);
    out->setAction(due.order.action);
    out->setModel(roll.model);
    out->setVersion(due.order.version);
    out->setEngine(due.order.engine);
    out->setFrom(node_.incarnation());
    tandem::write(roll.options, out->initOptions());
    auto order = out.finish();
    for (const auto& each : fleet_.nodes())
      if (each->name() == due.order.node)
        fleet_.send(node_.number(), each->number(),
                    [order](modelled_node& node) { node.on_order(order); });
  }
}

bool modelled_coordinator::on_outcome(const tmsg::wtoutcm& told) {
  auto reader = told.read();
  if (reader->getRoll() != machine_.record().id) return true;
  auto order = orders_.take_outcome(reader->getId());
  if (!order) return true;
  auto code = static_cast<errc>(reader->getError().getCode());
  if (order->action == schema::OrderAction::ASK) {
    auto& pins = pins_[order->node];
    pins.clear();
    if (code == errc::unknown)
      for (auto pin : reader->getPins()) pins[std::string{view(pin.getVersion())}] = pin.getJobs();
    else
      pins_.erase(order->node);
  } else {
    machine_.on_outcome(*order, code, std::string{view(reader->getError().getMessage())},
                        fleet_.time().now_ms());
  }
  return step();
}

}  // namespace tandem::testing
