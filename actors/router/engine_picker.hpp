#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "actors/router/engines/engine_chooser.hpp"
#include "schema/types.hpp"

namespace tandem {

/// The choice of an engine, in the messages of a router: what a call's prompt is, and what a
/// reward says of the engine. Holds the prompt of one call at a time. No actors.
class engine_picker {
 public:
  /// What the way to another node's engine costs, beside one of this node.
  static constexpr double remote_hop_s = 0.001;

  struct seeds {
    /// Of the hashes of prompts: not to be known outside.
    std::uint64_t hashes = 1;
    /// See choice_random.
    std::uint64_t draws = 0;
  };

  /// Validation refuses unknown policies; here the default stands for them.
  engine_picker(const engine_choice_config& config, const seeds& from);

  /// None: there are as many as can be chosen from.
  [[nodiscard]] std::optional<engine_slot> add() { return chooser_->add(); }
  void remove(engine_slot slot) { chooser_->remove(slot); }
  /// Its process or its weights are new.
  void restart(engine_slot slot) { chooser_->restart(slot); }
  void set(engine_slot slot, std::uint32_t concurrency, bool remote);

  /// The call that choose() and assign() are for.
  void read(schema::RouteQuery::Reader query, schema::Attempt::Reader attempt);
  /// `eligible` is not empty.
  [[nodiscard]] engine_chooser::choice choose(std::span<const engine_slot> eligible,
                                              std::uint64_t now_ms);
  void assign(std::uint64_t decision, const engine_chooser::choice& chosen, std::uint64_t now_ms);
  /// It has read this call of purpose `warm`.
  void learn(engine_slot slot, schema::Attempt::Reader read);
  /// A call there is over; a reward of source `outcome`.
  void settle(engine_slot slot, schema::Reward::Reader outcome, std::uint64_t now_ms);

 private:
  void cut(schema::Purpose purpose, schema::Attempt::Reader attempt);

  std::unique_ptr<engine_chooser> chooser_;
  prompt_hasher hasher_;
  std::uint64_t hash_seed_;
  prompt_blocks prompt_;
  std::uint64_t session_ = 0;
  std::vector<prompt_part> parts_;
};

}  // namespace tandem
