#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "config/load.hpp"
#include "config/words.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/console.hpp"
#include "nodes/cli/endpoint.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/route_text.hpp"
#include "nodes/cli/simulate_options.hpp"
#include "nodes/cli/tune_text.hpp"
#include "nodes/simulate/generated_load.hpp"
#include "nodes/simulate/trace_source.hpp"
#include "schema/errc.hpp"

namespace tandem::cli {
namespace {

constexpr std::int64_t requests_max = 10'000'000;
constexpr std::int64_t requests_default = 10'000;
constexpr std::int64_t runs_max = 100'000;
constexpr std::chrono::minutes time_default{5};
/// Of a log: what comes before is for choosing, what comes after for measuring.
constexpr double choosing_share = 2.0 / 3;
/// Of what is chosen by: not counted, since nothing is learned and cached yet.
constexpr double warm_up_share = 0.2;
constexpr double share_default = 0.1;

constexpr std::array options{
    option_spec{"log", "FILE", "your own: calls, exported jobs, or a trace that `simulate` reads"},
    option_spec{"load", "SPEC", "drawn work instead; see `tandem help simulate`"},
    option_spec{"for", "GOAL", "cost (of 1,000 right answers, by default), latency or throughput"},
    option_spec{"tolerance", "SHARE",
                "by which right answers and those in time may fall; 0.01 by default"},
    option_spec{"seeds", "N", "pairs of runs that a value is judged by; 5 by default"},
    option_spec{"runs", "N", "simulations in all; 400 by default"},
    option_spec{"time", "TIME", "no more values are tried after it; 5min by default"},
    option_spec{"write", "FILE", "the config with what is proposed"},
    option_spec{"apply", "", "has a running node try what can be tried while it runs"},
    option_spec{"share", "X", "apply: of decisions that the trial makes; 0.1 by default"},
    option_spec{"engines", "MODEL=N", "so many engines of that model; may be repeated", true},
    option_spec{"speed", "X", "the work comes so many times as fast"},
    option_spec{"requests", "N", "only the first so many of a log; 10000 by default"},
    option_spec{"verified", "SHARE", "of answers of a log that are verified, 0 to 1"},
    option_spec{"slo", "TIME", "to a call's first token; 1s by default"},
    option_spec{"job-slo", "TIME", "to a job's end; 30s by default"},
    option_spec{"seed", "N", "of all that is drawn; 1 by default"}};

struct plan {
  node_config config;
  tune_head head;
  double share = share_default;
};

caf::error read_goal(const invocation& from, plan& out) {
  using simulation::tuning_goal;
  auto goal = from.value("for").value_or("cost");
  constexpr std::array<std::pair<std::string_view, tuning_goal>, 3> goals{
      {{"cost", tuning_goal::cost},
       {"latency", tuning_goal::latency},
       {"throughput", tuning_goal::throughput}}};
  for (auto [name, value] : goals)
    if (name == goal) {
      out.head.goal = goal;
      out.head.options.goal = value;
      return caf::none;
    }
  return make_error(errc::invalid_argument,
                    "--for must be cost, latency or throughput, not " + quote_word(goal));
}

caf::error read_limits(const invocation& from, plan& out) {
  auto tolerance = number_option(from, "tolerance", 0, 1);
  if (!tolerance) return tolerance.error();
  auto seeds = integer_option(from, "seeds", 2, 30);
  if (!seeds) return seeds.error();
  auto runs = integer_option(from, "runs", 1, runs_max);
  if (!runs) return runs.error();
  auto time = duration_option(from, "time");
  if (!time) return time.error();
  auto share = number_option(from, "share", 0, 0.5);
  if (!share) return share.error();
  auto& to = out.head.options;
  to.tolerance = tolerance->value_or(to.tolerance);
  to.seeds = static_cast<std::uint32_t>(seeds->value_or(to.seeds));
  to.runs_max = static_cast<std::uint32_t>(runs->value_or(to.runs_max));
  out.share = share->value_or(share_default);
  auto end = std::chrono::steady_clock::now() + time->value_or(time_default);
  to.may_go_on = [end] { return std::chrono::steady_clock::now() < end; };
  return caf::none;
}

/// When the items come, those that are served.
caf::expected<std::vector<double>> times_of(simulation::work_source& work) {
  std::vector<double> out;
  simulation::work_item item;
  while (true) {
    auto more = work.next(item);
    if (!more) return more.error();
    if (!*more) return out;
    out.push_back(item.at_s);
  }
}

caf::error use_log(const std::string& file, const simulation::trace_options& how, plan& out) {
  auto work = simulation::open_trace(file, how);
  if (!work) return work.error();
  auto times = times_of(**work);
  if (!times) return times.error();
  auto count = times->size();
  auto chosen = static_cast<std::size_t>(static_cast<double>(count) * choosing_share);
  if (chosen < 10)
    return make_error(errc::invalid_argument, "a log of " + std::to_string(count) +
                                                  " items is too short to choose by one part "
                                                  "and to measure on the other");
  auto open = [file, how](std::uint64_t requests) {
    return [file, how, requests](std::uint64_t seed) {
      auto own = how;
      own.seed = seed;
      own.requests = requests;
      return simulation::open_trace(file, own);
    };
  };
  auto early = (*times)[static_cast<std::size_t>(static_cast<double>(chosen) * warm_up_share)];
  out.head.options.choose = {open(chosen), early};
  out.head.options.measure = {open(count), (*times)[chosen]};
  out.head.work = "log " + file;
  out.head.measured_on = "the last " + std::to_string(count - chosen) + " of " +
                         std::to_string(count) +
                         " items; the others were used for choosing, and come before uncounted";
  return caf::none;
}

caf::error use_load(const std::string& text, const simulation::load_spec& spec, plan& out) {
  auto work = simulation::generate_load(spec, out.head.options.base.seed);
  auto times = times_of(*work);
  if (!times) return times.error();
  if (times->size() < 10)
    return make_error(errc::invalid_argument, "a load of fewer than 10 requests tells nothing");
  auto early =
      (*times)[static_cast<std::size_t>(static_cast<double>(times->size()) * warm_up_share)];
  auto open = [spec](std::uint64_t seed) {
    return caf::expected<std::unique_ptr<simulation::work_source>>{
        simulation::generate_load(spec, seed)};
  };
  out.head.options.choose = out.head.options.measure = {open, early};
  out.head.work = "load " + text;
  out.head.measured_on = "other seeds than were used for choosing";
  return caf::none;
}

caf::error read_work(const invocation& from, plan& out) {
  auto log = from.value("log");
  auto load = from.value("load");
  if (log.has_value() == load.has_value())
    return make_error(errc::invalid_argument, "tune needs either --log FILE or --load SPEC");
  auto speed = number_option(from, "speed", 1e-6, 1e6);
  if (!speed) return speed.error();
  auto requests = integer_option(from, "requests", 1, requests_max);
  if (!requests) return requests.error();
  auto verified = number_option(from, "verified", 0, 1);
  if (!verified) return verified.error();
  const auto& base = out.head.options.base;
  if (log)
    return use_log(*log,
                   {.speed = speed->value_or(1),
                    .requests = static_cast<std::uint64_t>(requests->value_or(requests_default)),
                    .verified = verified->value_or(0),
                    .seed = base.seed,
                    .small_tier = base.config.routing.small_tier,
                    .small_quality = small_quality(base.config)},
                   out);
  auto spec = simulation::parse_load(*load);
  if (!spec) return spec.error();
  if (*requests) spec->requests = static_cast<std::uint64_t>(**requests);
  if (*verified) spec->verified = **verified;
  spec->rate *= speed->value_or(1);
  spec->day_s /= speed->value_or(1);
  return use_load(*load, *spec, out);
}

caf::expected<plan> read_plan(const invocation& from, console& io) {
  plan out;
  if (auto err = read_run_options(from, out.head.options.base)) return err;
  if (auto err = read_goal(from, out)) return err;
  if (auto err = read_limits(from, out)) return err;
  auto replicas = replicas_in(from);
  if (!replicas) return replicas.error();
  auto config = load_config(from.arguments.front());
  if (!config) return config.error();
  auto simulated = simulation::to_simulated(*config, *replicas);
  if (!simulated) return simulated.error();
  out.config = std::move(*config);
  out.head.options.base.config = std::move(*simulated);
  out.head.config = from.arguments.front();
  if (auto err = read_work(from, out)) return err;
  if (io.has_reader())
    out.head.options.on_try = [&io](const std::string& what) { io.note("trying " + what); };
  return out;
}

/// The whole config, after it was seen to load.
caf::error write_config(const std::string& path, node_config config,
                        const std::vector<simulation::tuning_proposal>& proposals) {
  for (const auto& each : proposals)
    if (auto err = simulation::set_value(config, each.key, each.proposed)) return err;
  auto text = print_config(config);
  config_loader loader;
  loader.read_text(text, path, ".");
  if (auto loaded = loader.finish(); !loaded) return loaded.error();
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out << "# Proposed by `tandem tune`:\n";
  for (const auto& each : proposals)
    out << "#   " << each.key << ": " << each.now << " -> " << each.proposed << "\n";
  out << "\n" << text;
  out.close();
  if (out) return caf::none;
  return make_error(errc::storage_failed, "cannot write " + path);
}

exit_code apply(const invocation& from, const plan& all, console& io) {
  if (all.head.policy.empty()) {
    io.note("nothing of it can be tried while a node runs");
    return exit_code::ok;
  }
  message_builder<schema::RouteCommand> command;
  command->setAction(schema::RouteAction::TRY);
  command->setPolicy(all.head.policy);
  command->setShare(all.share);
  command->setReason("tandem tune");
  auto [node, code] = connect(from, io);
  if (!node) return code;
  auto report = node->route(command.finish());
  if (!report) return io.fail(report.error());
  auto text = "policy " + route_setting_text(report->read()->getSetting());
  if (from.wants_json())
    io.note(text);
  else
    io.line(text);
  return exit_code::ok;
}

exit_code fail(const invocation& from, console& io, const caf::error& err) {
  if (code_of(err) == errc::invalid_argument)
    return usage_error(io, from, printable_text(message_of(err)));
  return io.fail(exit_code::local_failure, printable_text(message_of(err)));
}

exit_code run(const invocation& from, console& io) {
  std::error_code ignored;
  if (auto file = from.value("write");
      file && std::filesystem::equivalent(*file, from.arguments.front(), ignored))
    return fail(from, io,
                make_error(errc::invalid_argument,
                           "--write names the config that is read; what is proposed goes into "
                           "another file"));
  auto all = read_plan(from, io);
  if (!all) return fail(from, io, all.error());
  auto result = simulation::tune(all->head.options);
  if (!result) return fail(from, io, result.error());
  all->head.policy = simulation::policy_to_try(all->config, result->proposals);
  if (from.wants_json())
    io.line(tune_json(all->head, *result));
  else
    io.write(tune_text(all->head, *result, io.out_style()));
  if (auto file = from.value("write"); file && result->proposals.empty()) {
    io.note("wrote nothing to " + printable_line(*file));
  } else if (file) {
    if (auto err = write_config(*file, all->config, result->proposals)) return fail(from, io, err);
    io.note("wrote " + printable_line(*file));
  }
  return from.has("apply") ? apply(from, *all, io) : exit_code::ok;
}

}  // namespace

const command_spec tune_command{
    .name = "tune",
    .arguments = "CONFIG",
    .summary = "propose settings from your own log, by simulation",
    .details =
        "Serves the log again and again in virtual time (see `tandem help simulate`), each time "
        "with one\n"
        "setting changed, and keeps what is better beyond doubt: the 95% interval over pairs of "
        "runs of the\n"
        "same work with the same seed is above 0, and neither right answers nor those in time "
        "fall by more\n"
        "than the tolerance. The gains that are shown are measured on the later third of the log, "
        "or other\n"
        "seeds of a load, which nothing was chosen by.\n"
        "\n"
        "Tuned are the choice of models (policy, cost_weight, exploration) and of engines with "
        "its\n"
        "thresholds, hedging, retries and steps at a time of jobs, ttl and mem_fraction of "
        "[cache.TIER], and\n"
        "the engines' concurrency. --apply has a running node try what it can while it runs: it "
        "promotes or\n"
        "rolls back by evidence, by itself (`tandem route status`). The rest needs a restart with "
        "what --write\n"
        "writes, and is not rolled back by itself.\n"
        "\n"
        "Difficulties are drawn, but for steps of exported jobs of which the log knows whether a "
        "small model\n"
        "did them right; so gains hold as far as the engines' `quality` in the config does.",
    .example =
        "tandem tune my.toml --log jobs.jsonl    # as `tandem jobs export` writes it\n"
        "tandem tune my.toml --log calls.jsonl --verified 0.2 --write tuned.toml --apply\n"
        "tandem tune config/sim.toml --load poisson,rate=20,requests=3000,verified=1 --for latency",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run};

}  // namespace tandem::cli
