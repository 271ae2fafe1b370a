#pragma once

namespace tandem {

/// One job of one plan call, steps and perhaps a composing call; times in ms.
struct job_timing {
  double plan_first_token = 0;
  double plan_writing = 0;
  double step = 0;
  /// Steps one behind the other on the longest path.
  double serial_steps = 0;
  double composing = 0;
  /// Steps begin while the plan is still being written.
  bool streams = true;
};

/// Plan + critical path of the steps + composing, less what streaming overlaps. The path's steps
/// are taken to be spread evenly over the plan: with D of them and a plan written in W, either the
/// writing or the steps hold up the other, so min(W(1 - 1/D), (D - 1) * step) is saved.
[[nodiscard]] double job_latency_ms(const job_timing& timing);
[[nodiscard]] double streaming_overlap_ms(const job_timing& timing);

/// The share of latency that one plan call of `large` ms and `steps` serial calls of `small` ms
/// save against `steps` + 1 calls of `large`.
[[nodiscard]] double serial_latency_gain(double large, double small, double steps);
/// How many serial steps give that gain; infinite where none do.
[[nodiscard]] double steps_for_latency_gain(double large, double small, double gain);

}  // namespace tandem
