#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "actors/engine/backend.hpp"
#include "actors/engine/engine_config.hpp"

namespace tandem {

/// The user's commands for a change of weights (`exec`): each step runs one, without a shell, in a
/// thread of its own, and ends by its target's timeout. An exit code other than 0 is a failure; the
/// error has the beginning of what the command wrote.
class weight_commands {
 public:
  using report = std::function<void(weight_outcome)>;

  explicit weight_commands(weights_config config);
  weight_commands(const weight_commands&) = delete;
  weight_commands& operator=(const weight_commands&) = delete;
  /// Kills what runs, and waits for its report.
  ~weight_commands();

  [[nodiscard]] bool is_used() const { return !config_.load.empty(); }
  [[nodiscard]] bool can_pause() const { return !config_.pause.empty(); }
  [[nodiscard]] bool says_version() const { return !config_.check.empty(); }
  /// One at a time. `done` is called once, from the thread, or at once where the step has no
  /// command.
  void run(weight_step step, const weight_target& target, report done);

 private:
  [[nodiscard]] const std::vector<std::string>& command_of(weight_step step) const;

  const weights_config config_;
  /// Readable once it is to stop.
  int stop_fd_ = -1;
  std::thread thread_;
};

}  // namespace tandem
