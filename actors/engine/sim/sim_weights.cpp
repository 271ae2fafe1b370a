#include "actors/engine/sim/sim_weights.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace tandem {
namespace {

weight_outcome failed(errc code, std::string error) {
  return {.code = code, .error = std::move(error) + " (sim.weights_fault)"};
}

}  // namespace

sim_weights::sim_weights(const engine_config& config) : config_{config.sim}, version_{"1"} {
  if (!config.weight_version.empty()) set_version(config.weight_version);
}

void sim_weights::set_version(std::string version) {
  version_ = std::move(version);
  made_up_ = "[simulated, weights " + version_ + "] ";
  mark_ = "sim: " + version_ + " ";
  mark_.resize((mark_.size() + 3) / 4 * 4, ' ');
}

std::string sim_weights::words(std::uint32_t tokens) const {
  std::string text;
  auto bytes = std::size_t{tokens} * 4;
  text.reserve(bytes);
  if (!mark_.empty() && mark_.size() <= bytes) text = mark_;
  if (text.empty() && bytes > 0) text = "sim:";
  write_on(text, bytes);
  return text;
}

void sim_weights::write_on(std::string& text, std::size_t bytes) {
  constexpr std::string_view word = " sim";
  auto at = text.size();
  text.resize(bytes);
  for (; at < bytes; at += word.size())
    std::memcpy(text.data() + at, word.data(), std::min(word.size(), bytes - at));
}

bool sim_weights::strikes(const std::string& fault, const weight_target& target) {
  if (config_.weights_fault != fault) return false;
  if (!config_.weights_fault_version.empty() && config_.weights_fault_version != target.version)
    return false;
  return config_.weights_fault_count == 0 || ++struck_ <= config_.weights_fault_count;
}

weight_outcome sim_weights::load(const weight_target& target) {
  if (strikes("refuse_load", target))
    return failed(errc::engine_failed, "simulated: it refuses to load " + target.version);
  if (strikes("never_loads", target)) {
    auto out = failed(errc::deadline_exceeded, "simulated: it loads and loads");
    out.takes = target.timeout;
    return out;
  }
  dead_ = strikes("die_loading", target);
  if (dead_) {
    auto out = failed(errc::engine_failed, "simulated: it died while loading");
    out.takes = config_.load_time / 2;
    return out;
  }
  wrong_ = strikes("wrong_output", target);
  silent_ = strikes("no_output", target);
  if (!strikes("old_version", target)) set_version(target.version);
  return {.version = target.version, .takes = config_.load_time};
}

weight_outcome sim_weights::change(weight_step step, const weight_target& target) {
  switch (step) {
    case weight_step::load:
      return load(target);
    case weight_step::flush:
      if (strikes("refuse_flush", target))
        return failed(errc::engine_failed, "simulated: it refuses to flush its cache");
      return {};
    case weight_step::check:
      return {.version = version_, .detail = "simulated"};
    default:
      return {};
  }
}

}  // namespace tandem
