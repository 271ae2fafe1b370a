#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include <caf/expected.hpp>

#include "actors/engine/calibrate/call_meter.hpp"
#include "actors/engine/make_backend.hpp"

namespace tandem {

/// Measures an engine through the backend that serves it in a node. One thread uses it.
class backend_meter : public call_meter {
 public:
  using clock = std::chrono::steady_clock;

  /// As make_backend; waits up to `limit` until requests may be sent, `unavailable` says why not.
  /// Of more calls than `at_once` the rest wait their turn here, as they do in an engine actor; 0:
  /// the server gets all.
  [[nodiscard]] static caf::expected<std::unique_ptr<backend_meter>> open(
      const engine_config& config, backend_services services, std::size_t at_once = 0,
      clock::duration limit = std::chrono::seconds{30});

  [[nodiscard]] measured_round measure(const std::vector<planned_call>& calls) override;
  [[nodiscard]] double seconds() override;
  [[nodiscard]] backend_status status() const { return backend_->status(); }

  /// A round that takes longer is cancelled.
  static constexpr std::chrono::minutes round_limit{2};

 private:
  struct outcome {
    clock::time_point began;
    clock::time_point first;
    clock::time_point ended;
    std::optional<generation> result;
  };

  backend_meter() = default;
  void begin(const planned_call& call, std::uint64_t id);
  void take(std::uint64_t id, progress news);
  void end(std::uint64_t id, generation result);
  void resume_due();
  [[nodiscard]] std::size_t ended_so_far();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<std::uint64_t, outcome> outcomes_;
  std::size_t ended_ = 0;
  /// When to call resume().
  std::unordered_map<std::uint64_t, clock::time_point> due_;
  std::uint64_t ids_ = 0;
  std::size_t at_once_ = 0;
  /// Last: it goes first, and with it whoever calls the above.
  std::unique_ptr<backend> backend_;
};

}  // namespace tandem
