#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <caf/expected.hpp>

namespace tandem::simulation {

/// Of one call; logs that say more are not believed.
inline constexpr std::uint64_t tokens_max = 1'000'000;

[[nodiscard]] inline std::uint32_t bounded_tokens(std::uint64_t tokens) {
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(tokens, 1, tokens_max));
}

/// A plan as a planner would write it.
struct planned_step {
  /// What a log says of a small model's result.
  enum class verdict : std::uint8_t { unknown, right, wrong };

  /// Into the plan's steps: earlier ones that it needs.
  std::vector<std::uint32_t> needs;
  std::string kind = "step";
  /// Of its text in the plan.
  std::uint32_t input_tokens = 64;
  std::uint32_t output_tokens = 32;
  /// What its model reads in all, results that it needs included; 0: as the texts come out.
  std::uint32_t prompt_tokens = 0;
  verdict small = verdict::unknown;
  /// As in work_item.
  double difficulty = 0;
};

struct planned_job {
  std::vector<planned_step> steps;
  /// That its planner writes; 0: as the plan's text comes.
  std::uint32_t plan_tokens = 0;
};

/// One thing that a client asks: one call, or a job that plans and acts.
struct work_item {
  /// Since the beginning; items come in this order.
  double at_s = 0;
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;
  /// Ids of the blocks of `block_tokens` that its prompt begins with: the same ids are the same
  /// text. May be empty.
  std::vector<std::uint64_t> blocks;
  std::uint32_t block_tokens = 512;
  /// 0 to 1: a model of at least this quality does it right.
  double difficulty = 0;
  /// Its answer is verified, so that routing learns from it.
  bool verified = false;
  /// What sort of call it is, as routing sees it.
  std::string kind = "chat";
  std::string tenant;
  std::string session;
  /// It asks for this model or tier; empty: the router decides.
  std::string model;
  /// A job; null: a call, or a job by its `goal`.
  std::shared_ptr<const planned_job> job;
  /// The whole text of a job's goal, instead of one that is made; empty: none.
  std::string goal;
  /// Numbered like the answer that it gets: the same number is the same text, which a cache may
  /// have. 0: like no other.
  std::uint64_t same_as = 0;
};

/// Where work comes from. Not thread-safe.
class work_source {
 public:
  virtual ~work_source() = default;
  /// False: there is no more. An error says where and why the trace cannot be read.
  [[nodiscard]] virtual caf::expected<bool> next(work_item& out) = 0;
  /// From its beginning, the same again.
  virtual void rewind() = 0;
};

}  // namespace tandem::simulation
