#pragma once

#include <cstdint>
#include <string>

#include "actors/engine/backend.hpp"
#include "actors/engine/engine_config.hpp"

namespace tandem {

/// The weights of a simulated engine: which version it has, and how a change of them goes wrong, as
/// sim_config's `weights_fault` says. No clock: outcomes say how long they take.
class sim_weights {
 public:
  explicit sim_weights(const engine_config& config);

  [[nodiscard]] weight_outcome change(weight_step step, const weight_target& target);
  [[nodiscard]] const std::string& version() const { return version_; }
  /// It has died while loading; the next load starts it anew.
  [[nodiscard]] bool is_dead() const { return dead_; }
  /// These weights answer everything wrong, or nothing at all.
  [[nodiscard]] bool answers_wrong() const { return wrong_; }
  [[nodiscard]] bool answers_nothing() const { return silent_; }
  /// Begins what is made up: `[simulated] `, or with the version where one was named.
  [[nodiscard]] const std::string& made_up() const { return made_up_; }
  /// As many words of one token each, the version among them where there is room.
  [[nodiscard]] std::string words(std::uint32_t tokens) const;
  /// Such words until it has so many bytes.
  static void write_on(std::string& text, std::size_t bytes);

 private:
  [[nodiscard]] bool strikes(const std::string& fault, const weight_target& target);
  [[nodiscard]] weight_outcome load(const weight_target& target);
  void set_version(std::string version);

  sim_config config_;
  std::string version_;
  std::string made_up_ = "[simulated] ";
  std::string mark_;
  std::uint32_t struck_ = 0;
  bool dead_ = false;
  bool wrong_ = false;
  bool silent_ = false;
};

}  // namespace tandem
