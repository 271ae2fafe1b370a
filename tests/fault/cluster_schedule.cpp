#include "tests/fault/cluster_schedule.hpp"

#include <algorithm>
#include <random>

namespace tandem::fault {
namespace {

using std::chrono::milliseconds;
using what = cluster_action::what;
using program = cluster_action::program;

/// Makes the actions of one fault after the other.
class schedule_maker {
 public:
  schedule_maker(std::uint64_t seed, std::size_t nodes)
      : random_{seed * 7919 + 17}, nodes_{nodes} {}

  void add_fault(unsigned kind);
  [[nodiscard]] std::uint64_t pick(std::uint64_t low, std::uint64_t high) {
    return low + random_() % (high - low + 1);
  }
  [[nodiscard]] std::vector<cluster_action> take() {
    std::stable_sort(actions_.begin(), actions_.end(),
                     [](const cluster_action& a, const cluster_action& b) { return a.at < b.at; });
    return std::move(actions_);
  }

 private:
  [[nodiscard]] std::size_t node() { return pick(0, nodes_ - 1); }
  [[nodiscard]] milliseconds ms(std::uint64_t low, std::uint64_t high) {
    return milliseconds{pick(low, high)};
  }
  void add(milliseconds at, what kind, std::size_t of, std::size_t other = 0) {
    actions_.push_back({.at = at, .kind = kind, .node = of, .other = other});
  }
  void start(milliseconds at, std::size_t of) {
    actions_.push_back({.at = at,
                        .kind = what::start,
                        .node = of,
                        .as = pick(0, 2) == 0 ? program::unsynced : program::plain,
                        .moved = pick(0, 2) == 0});
  }
  void cut(milliseconds at, milliseconds length, std::size_t from, std::size_t to) {
    if (from == to) return;
    add(at, what::cut, from, to);
    add(at + length, what::heal, from, to);
  }
  void kill(milliseconds at, std::size_t of);
  void kill_in_boot(milliseconds at, std::size_t of);
  void power_cut(milliseconds at, std::size_t of);
  void disk_error(milliseconds at, std::size_t of);

  std::mt19937_64 random_;
  std::size_t nodes_;
  std::vector<cluster_action> actions_;
};

void schedule_maker::kill(milliseconds at, std::size_t of) {
  add(at, what::kill, of);
  // At once, or when the others have noticed.
  start(at + (pick(0, 1) == 0 ? ms(0, 100) : ms(100, 1300)), of);
}

void schedule_maker::kill_in_boot(milliseconds at, std::size_t of) {
  add(at, what::kill, of);
  start(at + milliseconds{20}, of);
  auto again = at + ms(40, 300);
  add(again, what::kill, of);
  start(again + ms(0, 500), of);
}

void schedule_maker::power_cut(milliseconds at, std::size_t of) {
  add(at, what::kill, of);
  actions_.push_back(
      {.at = at + milliseconds{10}, .kind = what::start, .node = of, .as = program::unsynced});
  kill(at + ms(300, 900), of);
}

void schedule_maker::disk_error(milliseconds at, std::size_t of) {
  add(at, what::kill, of);
  actions_.push_back({.at = at + milliseconds{10},
                      .kind = what::start,
                      .node = of,
                      .as = program::disk_fault,
                      .passing = static_cast<unsigned>(pick(0, 30))});
  // Whether it is down by itself by then or not.
  kill(at + ms(900, 1500), of);
}

void schedule_maker::add_fault(unsigned kind) {
  auto at = ms(0, 700);
  auto of = node();
  auto other = (of + pick(1, nodes_ - 1)) % nodes_;
  switch (kind) {
    case 0:
      return kill(at, of);
    case 1:
      return kill_in_boot(at, of);
    case 2:
      return power_cut(at, of);
    case 3:
      return disk_error(at, of);
    case 4: {
      add(at, what::stop, of);
      return start(at + ms(100, 900), of);
    }
    case 5: {
      for (std::size_t i = 0; i < nodes_; ++i) kill(at, i);
      return;
    }
    case 6: {
      auto step = ms(100, 350);
      for (std::size_t i = 0; i < nodes_; ++i) {
        auto now = at + step * i;
        add(now, what::kill, (of + i) % nodes_);
        start(now + ms(0, 200), (of + i) % nodes_);
      }
      return;
    }
    case 7: {
      add(at, what::pause, of);
      return add(at + ms(50, 450), what::resume, of);
    }
    case 8: {
      add(at, what::pause, of);
      return add(at + ms(800, 1600), what::resume, of);
    }
    case 9: {
      auto length = pick(0, 1) == 0 ? ms(50, 450) : ms(700, 1500);
      cut(at, length, of, other);
      return cut(at, length, other, of);
    }
    case 10: {
      auto length = pick(0, 1) == 0 ? ms(50, 450) : ms(700, 1500);
      for (std::size_t i = 0; i < nodes_; ++i) {
        cut(at, length, of, i);
        cut(at, length, i, of);
      }
      return;
    }
    case 11:
      return cut(at, ms(100, 1500), of, other);
    default: {
      // It hears nobody, or nobody hears it.
      auto is_deaf = pick(0, 1) == 0;
      auto length = ms(300, 1500);
      for (std::size_t i = 0; i < nodes_; ++i)
        is_deaf ? cut(at, length, i, of) : cut(at, length, of, i);
    }
  }
}

}  // namespace

std::string to_string(const cluster_action& action) {
  auto node = 'n' + std::to_string(action.node);
  auto text = std::to_string(action.at.count()) + ':';
  switch (action.kind) {
    case what::kill:
      return text + "kill-" + node;
    case what::stop:
      return text + "stop-" + node;
    case what::pause:
      return text + "pause-" + node;
    case what::resume:
      return text + "resume-" + node;
    case what::cut:
      return text + "cut-" + node + "-n" + std::to_string(action.other);
    case what::heal:
      return text + "heal-" + node + "-n" + std::to_string(action.other);
    case what::start:
      break;
  }
  text += "start-" + node;
  if (action.as == program::unsynced) text += "-unsynced";
  if (action.as == program::disk_fault) text += "-disk" + std::to_string(action.passing);
  return action.moved ? text + "-moved" : text;
}

cluster_schedule make_cluster_schedule(std::uint64_t seed, std::size_t nodes, bool cuts) {
  schedule_maker maker{seed, nodes};
  // Seeds in a row go through all kinds; what comes on top is chance.
  auto kinds = cuts ? cluster_fault_kinds : 9u;
  maker.add_fault(static_cast<unsigned>(seed % kinds));
  for (auto more = maker.pick(0, 2); more > 0; --more)
    maker.add_fault(static_cast<unsigned>(maker.pick(0, kinds - 1)));
  cluster_schedule result{.actions = maker.take(), .story = {}};
  for (const auto& action : result.actions)
    result.story += (result.story.empty() ? "" : " ") + to_string(action);
  return result;
}

}  // namespace tandem::fault
