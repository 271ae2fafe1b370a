#include "nodes/economics/latency.hpp"

#include <algorithm>
#include <limits>

namespace tandem {

double streaming_overlap_ms(const job_timing& timing) {
  if (!timing.streams || timing.serial_steps <= 1) return 0;
  return std::min(timing.plan_writing * (1 - 1 / timing.serial_steps),
                  (timing.serial_steps - 1) * timing.step);
}

double job_latency_ms(const job_timing& timing) {
  return timing.plan_first_token + timing.plan_writing + timing.serial_steps * timing.step +
         timing.composing - streaming_overlap_ms(timing);
}

double serial_latency_gain(double large, double small, double steps) {
  return steps * (large - small) / (large * (1 + steps));
}

double steps_for_latency_gain(double large, double small, double gain) {
  auto most = large - small;
  if (gain * large >= most) return std::numeric_limits<double>::infinity();
  return gain * large / (most - gain * large);
}

}  // namespace tandem
