// What membership costs as a cluster grows: the meshes of N nodes in one process under CAF's
// deterministic scheduler, connected by actors that serialise, count and read every message as the
// wire would. No sockets and no TLS: those come on top, once a message. Counted at rest, when a
// node joins and when one is lost; CPU is that of all meshes, their codec and the counting.

#include <cstdio>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/io/basp/header.hpp>
#include <caf/make_message.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <spdlog/spdlog.h>

#include "actors/mesh/mesh.hpp"
#include "actors/system/caf_settings.hpp"
#include "schema/errc.hpp"
#include "tests/bench/bench.hpp"

namespace tandem::bench {
namespace {

using namespace std::chrono_literals;
using schema::MemberState;

double process_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct traffic {
  double messages = 0;
  double bytes = 0;
};

class cluster {
 public:
  cluster() {
    config_ = std::move(*system_config::make({.threads = 1}));
    config_->set("scheduler.policy", caf::atom("testing"));
    system_ = std::make_unique<caf::actor_system>(*config_);
  }
  cluster(const cluster&) = delete;
  cluster& operator=(const cluster&) = delete;
  ~cluster() {
    while (!nodes_.empty()) end(nodes_.size() - 1);
    run();
  }

  void add() {
    auto number = nodes_.size();
    auto& made = nodes_.emplace_back(std::make_unique<node_parts>());
    mesh_setup setup;
    if (number != 0) setup.config.join = {address(0)};
    message_builder<schema::Member> own;
    own->setName("node-" + std::to_string(number));
    own->setIncarnation(0x1234'5678'9abc'0000 + number);
    own->setAddress(address(number));
    own->setProtocol(protocol_version);
    own->setVersion("0.1.0");
    auto roles = own->initRoles(3);
    for (unsigned i = 0; i < 3; ++i) roles.set(i, "executor");
    own->initJournals(1).set(0, number + 1);
    own->initJournalBirthsMs(1).set(0, 1'700'000'000'000);
    setup.own = own.finish();
    made->wire = wire(number);
    setup.handles.supervisor = made->wire;
    setup.listeners = {caf::actor_cast<member_listener>(listener())};
    setup.random_seed = number + 1;
    setup.dial = [this](caf::actor_system&, const std::string& to, const caf::actor& whom) {
      auto target = std::stoul(to.substr(to.rfind(':') + 1)) - 1;
      if (target < nodes_.size())
        caf::anon_send(whom, done_atom_v, to, nodes_[target]->wire, caf::error{});
      else
        caf::anon_send(whom, done_atom_v, to, caf::actor{}, make_error(errc::unavailable, "gone"));
    };
    made->mesh = system_->spawn(mesh_behavior, std::move(setup));
    run();
  }
  /// As a process that is killed: all its connections break.
  void end(std::size_t number) {
    auto ended = std::move(nodes_.at(number));
    nodes_.erase(nodes_.begin() + static_cast<std::ptrdiff_t>(number));
    caf::anon_send_exit(ended->mesh, caf::exit_reason::kill);
    caf::anon_send_exit(ended->wire, caf::exit_reason::kill);
    run();
  }
  void pass(std::chrono::milliseconds time) {
    constexpr auto step = 50ms;
    for (auto passed = 0ms; passed < time; passed += step) {
      scheduler().advance_time(step);
      run();
    }
  }

  /// Since the last call, by kind.
  std::map<std::string, traffic> take() { return std::exchange(counted_, {}); }
  std::map<MemberState, std::size_t> take_told() { return std::exchange(told_, {}); }

 private:
  struct node_parts {
    mesh_inside mesh;
    /// What the others have in its place.
    caf::actor wire;
  };

  static std::string address(std::size_t number) {
    return "10.0.0.1:" + std::to_string(number + 1);
  }
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  }
  void run() { scheduler().run(); }

  /// Through the serializer and back.
  template <class... Ts>
  void count(const char* kind, const Ts&... values) {
    auto envelope = caf::make_message(values...);
    caf::binary_serializer::container_type bytes;
    caf::binary_serializer sink{*system_, bytes};
    if (sink(envelope)) std::abort();
    auto& of = counted_[kind];
    of.messages += 1;
    of.bytes += static_cast<double>(bytes.size() + caf::io::basp::header_size);
    caf::message arrived;
    caf::binary_deserializer source{*system_, bytes};
    if (source(arrived)) std::abort();
  }

  caf::actor wire(std::size_t number) {
    return system_->spawn([this, number](caf::event_based_actor* self) -> caf::behavior {
      auto target = [this, number] { return caf::actor_cast<mesh_actor>(nodes_.at(number)->mesh); };
      // Handles are the wires: the mesh itself puts its own.
      auto outside = [](const peer_handles& of) {
        peer_handles result;
        result.supervisor = of.supervisor;
        result.mesh = of.supervisor;
        return result;
      };
      return {[this, self, target, outside](hello_atom, const tmsg::hello& hello,
                                            const peer_handles& handles) {
                count("hello", hello_atom_v, hello, outside(handles));
                auto promise = self->make_response_promise<tmsg::hello, peer_handles>();
                self->request(target(), caf::infinite, hello_atom_v, hello, outside(handles))
                    .then([this, promise, outside](const tmsg::hello& answer,
                                                   const peer_handles& theirs) mutable {
                      count("hello", answer, outside(theirs));
                      promise.deliver(answer, outside(theirs));
                    });
                return promise;
              },
              [this, self, target](pulse_atom, const tmsg::pulse& pulse) {
                count("pulse", pulse_atom_v, pulse);
                self->send(target(), pulse_atom_v, pulse);
              },
              [this, self, target](member_atom, const tmsg::memlist& list) {
                count("list", member_atom_v, list);
                self->send(target(), member_atom_v, list);
              },
              [this, self, target](leave_atom, const tmsg::member& member) {
                count("leave", leave_atom_v, member);
                self->send(target(), leave_atom_v, member);
              }};
    });
  }
  caf::actor listener() {
    return system_->spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](member_atom, const tmsg::member& member, const peer_handles&) {
        ++told_[member.read()->getState()];
      }};
    });
  }

  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  std::vector<std::unique_ptr<node_parts>> nodes_;
  std::map<std::string, traffic> counted_;
  std::map<MemberState, std::size_t> told_;
};

traffic sum(const std::map<std::string, traffic>& all, bool with_pulses) {
  traffic result;
  for (const auto& [kind, of] : all) {
    if (!with_pulses && kind == "pulse") continue;
    result.messages += of.messages;
    result.bytes += of.bytes;
  }
  return result;
}

struct figures {
  double messages_per_s = 0;
  double kb_per_s = 0;
  double cpu_percent = 0;
  double pulse_bytes = 0;
  traffic join;
  double join_cpu_ms = 0;
  traffic loss;
  double loss_cpu_ms = 0;
  bool ok = true;
};

/// Of one node of `size`, each way; join and loss: of the whole cluster, beyond pulses.
figures measure(std::size_t size) {
  constexpr auto rest = 20s;
  constexpr auto after = 2s;
  auto n = static_cast<double>(size);
  auto seconds = std::chrono::duration<double>(rest).count();
  figures result;
  cluster all;
  for (std::size_t i = 0; i < size; ++i) all.add();
  all.pass(10s);
  result.ok = all.take_told()[MemberState::ALIVE] == size * (size - 1);
  static_cast<void>(all.take());

  auto start = process_cpu_seconds();
  all.pass(rest);
  auto cpu = process_cpu_seconds() - start;
  auto counted = all.take();
  auto sent = sum(counted, true);
  result.messages_per_s = sent.messages / n / seconds;
  result.kb_per_s = sent.bytes / n / seconds / 1e3;
  result.cpu_percent = 100 * cpu / n / seconds;
  result.pulse_bytes = counted["pulse"].bytes / counted["pulse"].messages;
  result.ok = result.ok && all.take_told().empty();
  auto rest_cpu = cpu / seconds * std::chrono::duration<double>(after).count();

  start = process_cpu_seconds();
  all.add();
  all.pass(after);
  result.join_cpu_ms = 1e3 * (process_cpu_seconds() - start - rest_cpu);
  result.join = sum(all.take(), false);
  result.ok = result.ok && all.take_told()[MemberState::ALIVE] == 2 * size;

  start = process_cpu_seconds();
  all.end(size);
  all.pass(after);
  result.loss_cpu_ms = 1e3 * (process_cpu_seconds() - start - rest_cpu);
  result.loss = sum(all.take(), false);
  result.ok = result.ok && all.take_told()[MemberState::GONE] == size;
  return result;
}

int run() {
  // A line for each change on each node is not what is measured.
  spdlog::set_level(spdlog::level::off);
  report result{.bench = "mesh_scale"};
  result.ok = true;
  std::printf("%5s | at rest, a node: %8s %8s %6s | join: %8s %8s %7s | loss: %8s %8s %7s\n",
              "nodes", "msg/s", "kB/s", "CPU %", "messages", "kB", "CPU ms", "messages", "kB",
              "CPU ms");
  for (std::size_t size : {3, 10, 50, 100, 200}) {
    auto got = measure(size);
    std::printf("%5zu | %25.1f %8.1f %6.2f | %14.0f %8.1f %7.1f | %14.0f %8.1f %7.1f%s\n", size,
                got.messages_per_s, got.kb_per_s, got.cpu_percent, got.join.messages,
                got.join.bytes / 1e3, got.join_cpu_ms, got.loss.messages, got.loss.bytes / 1e3,
                got.loss_cpu_ms, got.ok ? "" : "  NOT ALL WERE TOLD");
    auto of = "_" + std::to_string(size);
    result.figures["messages_per_s" + of] = got.messages_per_s;
    result.figures["kb_per_s" + of] = got.kb_per_s;
    result.figures["cpu_percent" + of] = got.cpu_percent;
    result.ok = result.ok && got.ok;
    if (size != 50) continue;
    result.figures["pulse_bytes"] = got.pulse_bytes;
    // Over the pulses alone, two a second to each other node.
    result.ratio = got.messages_per_s / (2 * static_cast<double>(size - 1));
    result.goal = goal("mesh_scale", "rest_cpu_percent_of_50_max");
    result.ok = result.ok && got.cpu_percent <= result.goal;
  }
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main() {
  return tandem::bench::run();
}
