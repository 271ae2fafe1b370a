// A thousand streams open at once on one http engine: what the node's memory grows by. The stub is
// a process of its own and says how many are open.

#include <cstdio>
#include <future>
#include <thread>

#include <caf/actor_system.hpp>

#include "tests/bench/bench.hpp"
#include "tests/bench/http_bench.hpp"
#include "tests/bench/load.hpp"

namespace tandem::bench {
namespace {

constexpr std::uint32_t streams = 1'000;
constexpr auto looks_max = 400;
constexpr auto look_pause = std::chrono::milliseconds{25};

tmsg::submit make_question() {
  message_builder<schema::Submit> submit;
  auto message = submit->initMessages(1)[0];
  message.setRole(schema::Role::USER);
  message.setContent("a question");
  submit->setMode(schema::PlanMode::SMALL);
  return submit.finish();
}

int run() {
  temp_folder folder{"streams"};
  std::string text;
  for (int i = 0; i < 100; ++i) text += "forty bytes of an answer, a token of it ";
  // 100 tokens in 5 s: all are open long before the first ends.
  stub_process stub{{"--kind", "vllm", "--answer", text, "--tokens", "100", "--rate", "20"}};
  auto node = start_node(http_engines(folder.path() / "node", stub.url()));
  auto load = [&](std::uint64_t count) {
    return run_load(node->system(), node->planner(), {make_question()}, count,
                    static_cast<std::uint32_t>(count));
  };
  if (load(1).failed != 0) return 2;
  auto before = resident_mb();
  auto all = std::async(std::launch::async, [&] { return load(streams); });
  double open = 0;
  double most = before;
  for (int i = 0; i < looks_max && all.wait_for(look_pause) != std::future_status::ready; ++i) {
    open = std::max(open, server_load(stub.url()));
    most = std::max(most, resident_mb());
  }
  auto done = all.get();
  node->stop();
  report result{.bench = "streams"};
  auto grown = most - before;
  result.figures = {{"open_most", open},
                    {"resident_mb_before", before},
                    {"resident_mb_most", most},
                    {"grown_mb", grown},
                    {"kb_per_stream", 1e3 * grown / streams},
                    {"failed", static_cast<double>(done.failed)}};
  result.goal = goal("streams", "grown_mb_max");
  result.ratio = grown / result.goal;
  result.ok = open >= streams && grown <= result.goal && done.failed == 0;
  std::printf("%.0f streams open at once: %.0f MB more, %.0f kB each\n", open, grown,
              1e3 * grown / streams);
  return finish(result);
}

}  // namespace
}  // namespace tandem::bench

int main() {
  return tandem::bench::run();
}
