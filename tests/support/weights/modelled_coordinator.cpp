#include "tests/support/weights/modelled_coordinator.hpp"

#include <algorithm>
#include <ctime>

#include "tests/support/weights/weight_fleet.hpp"

namespace tandem::testing {
namespace {

constexpr std::uint64_t write_pause_ms = 1000;

/// Of this thread: others have the machine too.
double cpu_us() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

}  // namespace

modelled_coordinator::modelled_coordinator(weight_fleet& fleet, modelled_node& node,
                                           roll_record record, const roll_mark& replaces)
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
  out.pins = dispatch_.pins(out.alive);
  return out;
}

bool modelled_coordinator::write() {
  if (!machine_.take_changed()) return true;
  auto record = machine_.record();
  record.sequence = written_.sequence + 1;
  std::optional<wanted_version> wanted;
  if (auto version = machine_.wanted(); version && *version != node_.wanted.version)
    wanted = wanted_version{*version, record.epoch};
  auto code = fleet_.agreement().write(record, written_, wanted);
  if (code != errc::unknown) {
    machine_.keep_changed();
    if (code == errc::conflict) return false;
    write_again_ms_ = fleet_.time().now_ms() + write_pause_ms;
    return true;
  }
  write_again_ms_ = 0;
  written_ = mark_of(record);
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
  auto now = fleet_.time().now_ms();
  for (const auto& due : dispatch_.send(machine_.record(), wanted, node_.incarnation(), now))
    for (const auto& each : fleet_.nodes())
      if (each->name() == due.node)
        fleet_.send(node_.number(), each->number(),
                    [order = due.order](modelled_node& node) { node.on_order(order); });
}

bool modelled_coordinator::on_outcome(const tmsg::wtoutcm& told) {
  auto ended = dispatch_.take(machine_.record(), told);
  if (!ended) return true;
  machine_.on_outcome(ended->order, ended->code, ended->error, fleet_.time().now_ms());
  return step();
}

}  // namespace tandem::testing
