#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "config/load.hpp"
#include "config/words.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/console.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/simulate_options.hpp"
#include "nodes/cli/simulate_text.hpp"
#include "nodes/simulate/fleet_config.hpp"
#include "nodes/simulate/generated_load.hpp"
#include "nodes/simulate/report.hpp"
#include "nodes/simulate/trace_source.hpp"
#include "nodes/simulate/variants.hpp"
#include "schema/errc.hpp"

namespace tandem::cli {
namespace {

constexpr double speed_max = 1e6;
constexpr std::size_t variants_max = 16;
constexpr std::int64_t requests_max = 1'000'000'000;
/// Of items in time, where the highest load is looked for.
constexpr double slo_share = 0.95;
/// Of a small model of which nobody said what it can.
constexpr double small_quality_assumed = 0.75;

constexpr std::array options{
    option_spec{"trace", "FILE",
                "recorded work: Mooncake's JSON lines, a log of calls, exported jobs"},
    option_spec{"load", "SPEC",
                "drawn work, such as poisson,rate=50,requests=100000,in=218,out=200"},
    option_spec{"variant", "NAME", "another way to serve it, beside it; may be repeated; all",
                true},
    option_spec{"large", "PROFILE=N", "instead of CONFIG: engines like one of config/fleets"},
    option_spec{"small", "PROFILE=N", "the same for the small tier"},
    option_spec{"small-quality", "SHARE", "what the small model does right; 0.75 is assumed"},
    option_spec{"engines", "MODEL=N", "so many engines of that model; may be repeated", true},
    option_spec{"speed", "X", "the work comes so many times as fast"},
    option_spec{"requests", "N", "only the first so many of a trace"},
    option_spec{"verified", "SHARE", "of answers of a trace that are verified, 0 to 1"},
    option_spec{"slo", "TIME", "to a call's first token; 1s by default"},
    option_spec{"job-slo", "TIME", "to a job's end; 30s by default"},
    option_spec{"throughput", "", "look for the highest load at which 95% are in time"},
    option_spec{"warm-up", "TIME", "not counted at the beginning"},
    option_spec{"seed", "N", "of all that is drawn; 1 by default"},
    option_spec{"html", "FILE", "a page with tables and plots"}};

struct plan {
  simulation::run_options base;
  simulation::report_head head;
  std::vector<std::string> variants;
  simulation::work_at_speed work;
  bool throughput = false;
};

caf::error read_work(const invocation& from, plan& out) {
  auto trace = from.value("trace");
  auto load = from.value("load");
  if (trace.has_value() == load.has_value())
    return make_error(errc::invalid_argument, "simulate needs either --trace FILE or --load SPEC");
  auto speed = number_option(from, "speed", 1e-6, speed_max);
  auto requests = integer_option(from, "requests", 1, requests_max);
  auto verified = number_option(from, "verified", 0, 1);
  for (const auto* err : {speed ? nullptr : &speed.error(), requests ? nullptr : &requests.error(),
                          verified ? nullptr : &verified.error()})
    if (err != nullptr) return *err;
  auto base = speed->value_or(1);
  auto seed = out.base.seed;
  if (load) {
    auto spec = simulation::parse_load(*load);
    if (!spec) return spec.error();
    if (*requests) spec->requests = static_cast<std::uint64_t>(**requests);
    if (*verified) spec->verified = **verified;
    out.head.work = "load " + *load;
    out.work = [spec = *spec, base,
                seed](double faster) -> caf::expected<std::unique_ptr<simulation::work_source>> {
      auto now = spec;
      now.rate *= base * faster;
      now.day_s /= base * faster;
      return simulation::generate_load(now, seed);
    };
    return caf::none;
  }
  simulation::trace_options how{.speed = base,
                                .requests = static_cast<std::uint64_t>(requests->value_or(0)),
                                .verified = verified->value_or(0),
                                .seed = seed,
                                .small_tier = out.base.config.routing.small_tier,
                                .small_quality = small_quality(out.base.config)};
  out.head.work = "trace " + *trace;
  out.work = [file = *trace, how](double faster) {
    auto now = how;
    now.speed *= faster;
    return simulation::open_trace(file, now);
  };
  return caf::none;
}

/// `PROFILE=N`, or one engine of it.
caf::expected<simulation::fleet_pool> pool_in(const std::string& text, std::string_view tier,
                                              double quality) {
  auto sign = text.rfind('=');
  std::uint32_t engines = 1;
  if (sign != text.npos) {
    auto* end = text.data() + text.size();
    auto read = std::from_chars(text.data() + sign + 1, end, engines);
    if (read.ec != std::errc{} || read.ptr != end || engines == 0 ||
        engines > engines_of_a_model_max)
      return make_error(errc::invalid_argument,
                        "--" + std::string{tier} + " takes PROFILE=N, not " + quote_word(text));
  }
  std::error_code ignored;
  auto folder = find_fleets_folder(std::filesystem::read_symlink("/proc/self/exe", ignored));
  if (!folder) return folder.error();
  auto profile = find_fleet_profile(text.substr(0, sign), *folder);
  if (!profile) return profile.error();
  return simulation::fleet_pool{.profile = std::move(*profile),
                                .tier = std::string{tier},
                                .engines = engines,
                                .quality = quality};
}

/// CONFIG, or the fleet that --large and --small name.
caf::expected<node_config> read_config(const invocation& from, simulation::report_head& head) {
  auto large = from.value("large");
  auto small = from.value("small");
  if (from.arguments.empty() == !(large || small))
    return make_error(errc::invalid_argument,
                      "simulate needs either a CONFIG, or --large and --small with profiles of "
                      "engines (`tandem assess --profiles` lists them)");
  if (!from.arguments.empty()) {
    auto replicas = replicas_in(from);
    if (!replicas) return replicas.error();
    head.config = from.arguments.front();
    auto config = load_config(head.config);
    if (!config) return config.error();
    return simulation::to_simulated(std::move(*config), *replicas);
  }
  auto quality = number_option(from, "small-quality", 0, 1);
  if (!quality) return quality.error();
  std::vector<simulation::fleet_pool> pools;
  for (auto [named, tier] : {std::pair{large, "large"}, std::pair{small, "small"}}) {
    if (!named) continue;
    auto can = tier == std::string_view{"small"} ? quality->value_or(small_quality_assumed) : 1;
    auto pool = pool_in(*named, tier, can);
    if (!pool) return pool.error();
    head.config += (head.config.empty() ? "" : ", ") + *named;
    pools.push_back(std::move(*pool));
  }
  return simulation::fleet_config(pools);
}

caf::expected<plan> read_plan(const invocation& from) {
  plan out;
  if (auto err = read_run_options(from, out.base)) return err;
  out.head.seed = out.base.seed;
  out.head.first_token_slo_s = out.base.first_token_slo_s;
  out.head.job_slo_s = out.base.job_slo_s;
  auto config = read_config(from, out.head);
  if (!config) return config.error();
  out.base.config = std::move(*config);
  if (auto err = read_work(from, out)) return err;
  out.variants = from.values("variant");
  if (out.variants.size() == 1 && out.variants.front() == "all") {
    out.variants.clear();
    for (auto name : simulation::variant_names()) out.variants.emplace_back(name);
  }
  if (std::find(out.variants.begin(), out.variants.end(), "configured") == out.variants.end())
    out.variants.insert(out.variants.begin(), "configured");
  if (out.variants.size() > variants_max)
    return make_error(errc::invalid_argument,
                      "at most " + std::to_string(variants_max) + " variants at a time");
  out.throughput = from.has("throughput");
  return out;
}

caf::expected<simulation::variant_result> simulate_one(const plan& all, const std::string& name) {
  auto variant = simulation::make_variant(name, all.base);
  if (!variant) return variant.error();
  auto work = all.work(1);
  if (!work) return work.error();
  auto result = simulation::run(variant->options, **work);
  if (!result) return result.error();
  simulation::variant_result out{
      .name = variant->name, .what = variant->what, .result = std::move(*result), .most = {}};
  if (all.throughput) {
    auto most = simulation::find_throughput(variant->options, all.work, slo_share);
    if (!most) return most.error();
    out.most = *most;
  }
  return out;
}

/// Before hours of work, not after.
caf::error find_writable(const std::string& path) {
  if (std::ofstream{path, std::ios::binary | std::ios::app}) return caf::none;
  return make_error(errc::storage_failed, "cannot write " + path);
}

caf::error write_file(const std::string& path, std::string_view text) {
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.close();
  if (out) return caf::none;
  return make_error(errc::storage_failed, "cannot write " + path);
}

exit_code fail(const invocation& from, console& io, const caf::error& err) {
  if (code_of(err) == errc::invalid_argument)
    return usage_error(io, from, printable_text(message_of(err)));
  return io.fail(exit_code::local_failure, printable_text(message_of(err)));
}

exit_code run(const invocation& from, console& io) {
  auto all = read_plan(from);
  if (!all) return fail(from, io, all.error());
  auto page = from.value("html");
  if (page)
    if (auto err = find_writable(*page)) return fail(from, io, err);
  std::vector<simulation::variant_result> results;
  for (const auto& name : all->variants) {
    if (io.has_reader() && all->variants.size() > 1) io.note("simulating " + name);
    auto result = simulate_one(*all, name);
    if (!result) return fail(from, io, result.error());
    results.push_back(std::move(*result));
  }
  if (page)
    if (auto err = write_file(*page, simulation::report_html(all->head, results)))
      return fail(from, io, err);
  if (from.wants_json())
    io.line(simulation::report_json(all->head, results));
  else
    io.write(simulate_text(all->head, results, io.out_style()));
  return exit_code::ok;
}

}  // namespace

const command_spec simulate_command{
    .name = "simulate",
    .arguments = "[CONFIG]",
    .summary = "try a fleet in virtual time: cost, latency, throughput, hits",
    .details =
        "Serves recorded or drawn work by the node that CONFIG describes, in virtual time: its\n"
        "router, executor pool, caches, planner and jobs are those that run in production; "
        "engines\n"
        "are models of engines ([engine.sim], which `tandem calibrate` writes), and so is the\n"
        "disk. Nothing is started, and nothing is sent anywhere. The same seed gives the same\n"
        "bytes.\n"
        "\n"
        "Traces: Mooncake's (timestamp, input_length, output_length, hash_ids); a log of calls,\n"
        "JSON lines or CSV with a time and tokens, as `tandem assess --log` reads it (Azure's "
        "too);\n"
        "jobs, as `tandem jobs export` writes them, with the steps that they had.\n"
        "\n"
        "Loads: poisson, bursty or diurnal, then key=value: rate (items a second), requests, cv,\n"
        "swing, day_s, in, out (tokens of a call), spread, prefixes, shared, repeats, verified,\n"
        "kinds, tenants; jobs (the share of items that are jobs), steps, width, step_in, "
        "step_out,\n"
        "step_difficulty. By default rate=10, requests=10000, in=218, out=200, spread=0.6, cv=4,\n"
        "swing=0.8, day_s=86400, shared=0.5, steps=8, width=4, step_in=64, step_out=25,\n"
        "step_difficulty=1, kinds=1, tenants=1, and none of the rest.\n"
        "\n"
        "A prompt's difficulty is 0 to 1, and an engine answers right what is not above its\n"
        "`quality`. With kinds=N each sort of call has its own part of the difficulties, which\n"
        "routing can learn from verified answers.\n"
        "\n"
        "Variants: configured, all_large, all_small, static_split, learned, no_caches, "
        "no_hedging,\n"
        "no_warm_up, no_adaptive_limits, least_loaded, cache_aware, estimated_ttft, round_robin.",
    .example =
        "tandem simulate config/sim.toml --load poisson,rate=50,requests=20000 --variant "
        "all_large\n"
        "tandem simulate my.toml --trace calls.jsonl --variant all --html report.html\n"
        "tandem simulate --large qwen3-235b-a22b-fp8=2 --small qwen3-14b-fp8=4 --trace calls.jsonl",
    .options = options,
    .arguments_min = 0,
    .arguments_max = 1,
    .run = run};

}  // namespace tandem::cli
