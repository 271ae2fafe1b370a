#include "tests/fault/cluster_faults_run.hpp"
#include "tests/support/free_port.hpp"

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

namespace tandem::fault {
namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;
using kind = cluster_action::what;
using program = cluster_action::program;

constexpr milliseconds storm{1200};
constexpr unsigned first_port = 7420;
constexpr std::size_t log_bytes_shown = 3000;

const char* program_of(program as) {
  switch (as) {
    case program::unsynced:
      return "tandem-node-unsynced";
    case program::disk_fault:
      return "tandem-node-disk-fault";
    default:
      return "tandem-node";
  }
}

std::string config_with(const std::string& durability) {
  test::sim_config config;
  config.first_token = "4ms";
  config.per_token = "100us";
  config.more =
      "[journal]\ndurability = \"" + durability + "\"\n" + test::quick_cluster_config(600);
  auto text = config.text();
  // Little room, so that the engines of other nodes are used.
  const std::string wide = "concurrency = 64";
  for (auto at = text.find(wide); at != text.npos; at = text.find(wide, at))
    text.replace(at, wide.size(), "concurrency = 2");
  return text;
}

std::string tail(const std::string& log) {
  return log.size() <= log_bytes_shown ? log : "..." + log.substr(log.size() - log_bytes_shown);
}

}  // namespace

void cluster_tally::add(const cluster_tally& other) {
  seeds += other.seeds;
  jobs += other.jobs;
  kills += other.kills;
  pauses += other.pauses;
  cuts += other.cuts;
  moves += other.moves;
  disk_errors += other.disk_errors;
  lost_acknowledgements += other.lost_acknowledgements;
  records += other.records;
  complaints.insert(complaints.end(), other.complaints.begin(), other.complaints.end());
}

cluster_lane::cluster_lane(options how) : how_{std::move(how)} {
  for (std::size_t i = 0; i < nodes; ++i) start(i, program::plain, false, 0);
  // Those that have never met may each have a job of the same key.
  if (!bring_up() || !connect_all() || !check_members())
    throw std::runtime_error("the nodes do not find each other");
}

void cluster_lane::complain(const std::string& what) {
  auto text =
      "TANDEM_CLUSTER_SEED=" + std::to_string(seed_) + ": " + what + "\n  schedule: " + story_;
  for (std::size_t i = 0; i < nodes; ++i) text += "\n  " + cluster_[i].folder().string();
  tally_.complaints.push_back(text);
  if (how_.report) ADD_FAILURE() << text;
}

std::optional<client_options> cluster_lane::where(std::size_t node) {
  std::lock_guard lock{mutex_};
  return places_[node];
}

void cluster_lane::start(std::size_t node, program as, bool moved, unsigned passing) {
  auto& state = states_[node];
  auto& process = cluster_[node];
  if (state.stopping && !state.paused) {
    auto code = process.process().wait(std::chrono::seconds{20});
    // Told before it listens to signals, it ends of the signal itself.
    auto early = code == 128 + SIGTERM && process.process().output().empty();
    if (code != 0 && !early && state.as != program::disk_fault)
      complain("node " + cluster_.name(node) + " was told to stop and ended with " +
               std::to_string(code.value_or(-1)) + ":\n" + tail(process.log()));
    if (!code) kill(node);
    state.stopping = false;
  }
  if (process.is_running()) return;
  check_alive(node);
  if (moved) {
    ++state.moves;
    ++tally_.moves;
  }
  auto address = cluster_.address(node);
  if (!cluster_network::why_not().empty()) {
    if (moved || address.empty()) address = test::free_address();
  } else {
    address = network_.host(node, state.moves) + ':' + std::to_string(first_port + state.moves);
  }
  process.use_program(program_of(as));
  std::string fault = "sync io_error " + std::to_string(passing);
  if (passing % 3 != 0)
    fault = std::string{passing % 3 == 1 ? "append no_space " : "append io_error "} +
            std::to_string(passing * 3);
  if (as == program::disk_fault)
    process.use_environment({{"TANDEM_TEST_DISK_FAULT", fault}});
  else
    process.use_environment({});
  network_.inside(node, [&] { cluster_.start(node, config_with(how_.durability), address); });
  state.up = true;
  state.paused = false;
  state.as = as;
  std::lock_guard lock{mutex_};
  places_[node] = cluster_.options(node);
}

void cluster_lane::check_alive(std::size_t node) {
  auto& state = states_[node];
  if (!state.up || cluster_[node].is_running()) return;
  state.up = false;
  if (state.as == program::disk_fault) {
    ++tally_.disk_errors;
    return;
  }
  auto code = cluster_[node].process().wait(milliseconds{0});
  complain("node " + cluster_.name(node) + " ended by itself with " +
           std::to_string(code.value_or(-1)) + ":\n" + tail(cluster_[node].log()));
}

void cluster_lane::kill(std::size_t node) {
  check_alive(node);
  if (!cluster_[node].is_running()) return;
  {
    std::lock_guard lock{mutex_};
    places_[node].reset();
  }
  cluster_[node].kill9();
  ++tally_.kills;
  states_[node].up = states_[node].paused = states_[node].stopping = false;
}

void cluster_lane::pause(std::size_t node, bool on) {
  check_alive(node);
  if (states_[node].paused == on || !cluster_[node].is_running()) return;
  cluster_[node].process().signal(on ? SIGSTOP : SIGCONT);
  states_[node].paused = on;
  tally_.pauses += on ? 1 : 0;
}

void cluster_lane::act(const cluster_action& action) {
  auto node = action.node;
  switch (action.kind) {
    case kind::kill:
      return kill(node);
    case kind::start:
      return start(node, action.as, action.moved, action.passing);
    case kind::pause:
      return pause(node, true);
    case kind::resume:
      return pause(node, false);
    case kind::cut:
      ++tally_.cuts;
      return network_.cut(node, action.other);
    case kind::heal:
      return network_.heal(node, action.other);
    case kind::stop:
      break;
  }
  check_alive(node);
  if (!states_[node].up) return;
  {
    std::lock_guard lock{mutex_};
    places_[node].reset();
  }
  cluster_[node].process().signal(SIGTERM);
  states_[node].up = false;
  states_[node].stopping = true;
}

bool cluster_lane::bring_up() {
  network_.heal();
  for (std::size_t i = 0; i < nodes; ++i) {
    pause(i, false);
    check_alive(i);
    if (states_[i].as == program::disk_fault) kill(i);
    start(i, program::plain, false, 0);
  }
  for (std::size_t i = 0; i < nodes; ++i) {
    if (cluster_[i].wait_ready()) continue;
    complain("node " + cluster_.name(i) + " does not start:\n" + tail(cluster_[i].log()));
    return false;
  }
  return true;
}

bool cluster_lane::run(std::uint64_t seed) {
  return run(seed, make_cluster_schedule(seed, nodes, cluster_network::why_not().empty()));
}

bool cluster_lane::run(std::uint64_t seed, const cluster_schedule& schedule) {
  seed_ = seed;
  story_ = schedule.story;
  ++tally_.seeds;
  clients_.clear();
  auto begun = clock::now();
  cluster_load load{seed, nodes, storm, [this](std::size_t node) { return where(node); }};
  for (const auto& action : schedule.actions) {
    std::this_thread::sleep_until(begun + action.at);
    act(action);
  }
  if (!bring_up()) return false;
  load.finish();
  seed_jobs_ = load.acknowledged();
  jobs_.insert(jobs_.end(), seed_jobs_.begin(), seed_jobs_.end());
  tally_.jobs += seed_jobs_.size();
  tally_.lost_acknowledgements += load.lost();
  for (const auto& complaint : load.complaints()) complain(complaint);
  if (!connect_all() || !check_members()) return false;
  std::size_t turn = 0;
  for (const auto& job : seed_jobs_)
    if (!check_end(job, turn++ % nodes)) return false;
  check_lists();
  check_rest();
  return true;
}

void cluster_lane::close() {
  story_ = "(at the end of this cluster)";
  clients_.clear();
  if (!bring_up()) return;
  for (std::size_t i = 0; i < nodes; ++i) {
    // Its log is read after its end, but its journal's name before it.
    if (auto code = cluster_[i].stop(); code != 0)
      complain("node " + cluster_.name(i) + " stops with " + std::to_string(code.value_or(-1)) +
               ":\n" + tail(cluster_[i].log()));
    states_[i] = {};
  }
  check_journals();
}

}  // namespace tandem::fault
