#include "tests/bench/bench.hpp"

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <fcntl.h>
#include <unistd.h>

#include "schema/errc.hpp"

namespace tandem::bench {
node_config instant_sim(const std::filesystem::path& data, std::uint32_t plan_steps) {
  node_config config;
  config.name = "bench";
  config.data = data;
  config.jobs.running_max = 100'000;
  config.jobs.queued_max = 1'000'000;
  config.jobs.retention = std::chrono::hours{0};
  config.models = {
      {.name = "sim-large", .tier = "large", .input_price = 24.7, .output_price = 24.7},
      {.name = "sim-small", .tier = "small", .input_price = 0.24, .output_price = 0.24}};
  for (const char* tier : {"large", "small"}) {
    engine_config engine;
    engine.name = std::string{tier} + "-1";
    engine.kind = "sim";
    engine.model = std::string{"sim-"} + tier;
    engine.concurrency = 100'000;
    engine.sim.plan_steps = plan_steps;
    config.engines.push_back(engine);
  }
  config.executor.in_flight_max = 1'000'000;
  config.resolve();
  return config;
}

std::unique_ptr<node> start_node(const node_config& config) {
  auto started = node::start(config, {.network = false});
  if (!started) give_up(message_of(started.error()));
  return std::move(*started);
}

tmsg::submit make_submit(std::string_view goal) {
  message_builder<schema::Submit> submit;
  auto message = submit->initMessages(1)[0];
  message.setRole(schema::Role::USER);
  message.setContent(std::string{goal});
  submit->setMode(schema::PlanMode::PLAN_ACT);
  return submit.finish();
}

double fdatasync_seconds(const std::filesystem::path& folder, sync_limit kind) {
  constexpr int tries = 400;
  auto path = folder / "sync-limit";
  auto file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
  std::vector<char> block(4096, 'x');
  if (kind == sync_limit::overwrite) {
    for (int i = 0; i < tries; ++i)
      if (::write(file, block.data(), block.size()) < 0)
        give_up("cannot write to the bench's folder");
    ::fsync(file);
    ::lseek(file, 0, SEEK_SET);
  }
  std::vector<double> times;
  for (int i = 0; i < tries; ++i) {
    auto start = std::chrono::steady_clock::now();
    if (::write(file, block.data(), 600) < 0 || ::fdatasync(file) != 0)
      give_up("cannot write to the bench's folder");
    times.push_back(seconds_since(start));
  }
  ::close(file);
  return percentile(times, 0.5);
}

}  // namespace tandem::bench
