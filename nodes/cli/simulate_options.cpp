#include "nodes/cli/simulate_options.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "config/words.hpp"
#include "schema/errc.hpp"

namespace tandem::cli {

caf::expected<std::map<std::string, std::uint32_t>> replicas_in(const invocation& from) {
  std::map<std::string, std::uint32_t> out;
  for (const auto& each : from.values("engines")) {
    auto sign = each.rfind('=');
    std::uint32_t count = 0;
    auto* end = each.data() + each.size();
    auto read = sign == each.npos ? std::from_chars_result{end, std::errc::invalid_argument}
                                  : std::from_chars(each.data() + sign + 1, end, count);
    if (read.ec != std::errc{} || read.ptr != end || count > engines_of_a_model_max)
      return make_error(errc::invalid_argument, "--engines takes MODEL=N with a number up to " +
                                                    std::to_string(engines_of_a_model_max) +
                                                    ", not " + quote_word(each));
    out[each.substr(0, sign)] = count;
  }
  return out;
}

caf::error read_run_options(const invocation& from, simulation::run_options& out) {
  auto slo = duration_option(from, "slo");
  if (!slo) return slo.error();
  auto job_slo = duration_option(from, "job-slo");
  if (!job_slo) return job_slo.error();
  auto warm_up = duration_option(from, "warm-up");
  if (!warm_up) return warm_up.error();
  auto seed = integer_option(from, "seed", 0, std::numeric_limits<std::int64_t>::max());
  if (!seed) return seed.error();
  auto seconds = [](std::chrono::milliseconds time) {
    return std::chrono::duration<double>(time).count();
  };
  if (*slo) out.first_token_slo_s = seconds(**slo);
  if (*job_slo) out.job_slo_s = seconds(**job_slo);
  if (*warm_up) out.warm_up_s = seconds(**warm_up);
  out.seed = static_cast<std::uint64_t>(seed->value_or(1));
  return caf::none;
}

double small_quality(const node_config& config) {
  double best = -1;
  for (const auto& engine : config.engines)
    for (const auto& model : config.models)
      if (model.name == engine.model && model.tier == config.routing.small_tier)
        best = std::max(best, engine.sim.quality);
  return best < 0 ? 1 : best;
}

}  // namespace tandem::cli
