#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/child_process.hpp"
#include "tests/support/stub_engine.hpp"

namespace tandem::fault {

/// What is done to an engine's server until it is healed.
enum class engine_fault : std::uint8_t {
  none,
  /// Tokens come slowly, within the node's patience and beyond it.
  slow,
  /// Half an answer, then nothing; nothing at all.
  stall,
  never,
  /// The stream ends in its middle: closed, reset, without [DONE], with an error event.
  cut,
  reset,
  no_done,
  error_event,
  /// Bytes without end.
  flood,
  /// 429 and 503, without and with Retry-After (0 or 1 s).
  busy,
  busy_after,
  error_500,
  refusal_400,
  html,
  redirect,
  broken_json,
  /// Usage that cannot be true, or is no usage.
  lying_usage,
  /// The text is wrong, a plan is prose, so is a verdict.
  wrong,
  /// Each request one of the above.
  mixed,
  /// Killed: connecting is refused. Stopped: it accepts, never reads.
  down,
  stopped,
  /// Connections are reset as soon as accepted.
  resetting,
  /// As while a server starts.
  loading,
  /// Restarted on the same port with another model.
  other_model,
};
constexpr unsigned engine_fault_count = static_cast<unsigned>(engine_fault::other_model) + 1;
[[nodiscard]] std::string_view to_string(engine_fault what);

/// Tokens read and written, and their price in 1e-9 US dollars.
struct stub_spending {
  std::uint64_t tokens = 0;
  std::int64_t cost_nanousd = 0;
};

/// A goal that the fleet's planners split into steps (shape from 0), or that is answered in one
/// call. `tag` (`s1j2`) is in every prompt of the job.
[[nodiscard]] std::string planned_goal(std::string_view tag, unsigned shape);
[[nodiscard]] std::string direct_goal(std::string_view tag);
/// The one right answer: models answer their own prompt.
[[nodiscard]] std::string right_answer(std::string_view goal);
constexpr unsigned plan_shapes = 6;

/// Five engines of three models: `little` on two servers, one of them a process of its own, `other`
/// on one, `big` (which plans and judges) on two. One thread uses it.
class engine_fleet {
 public:
  static constexpr std::size_t size = 5;

  engine_fleet();
  ~engine_fleet();
  engine_fleet(const engine_fleet&) = delete;
  engine_fleet& operator=(const engine_fleet&) = delete;

  /// [[model]] and [[engine]] for a node's config.
  [[nodiscard]] std::string config() const;
  [[nodiscard]] static std::string_view name(std::size_t engine);

  void set(std::size_t engine, engine_fault what);
  /// All of them answer again.
  void heal();

  /// Empty when no server has an answer under way within `limit`; else who has.
  [[nodiscard]] std::string still_open(std::chrono::milliseconds limit);
  /// Of a job's calls that were answered at once, whole, and with true usage; those of the process
  /// are not known.
  [[nodiscard]] stub_spending spent(const std::string& tag);
  /// For a test that speaks to a server itself.
  [[nodiscard]] test::stub_engine& server(std::size_t engine) { return *stubs_[engine]; }

 private:
  void start_process();
  [[nodiscard]] test::stub_answer answer(std::size_t engine, const test::stub_request& request);
  [[nodiscard]] test::stub_answer honest(std::size_t engine, const test::stub_request& request,
                                         bool counted);
  void set_process(engine_fault what);

  /// Null at the process's place.
  std::array<std::unique_ptr<test::stub_engine>, size> stubs_;
  std::array<std::atomic<engine_fault>, size> faults_{};
  std::unique_ptr<test::child_process> process_;
  std::uint16_t process_port_ = 0;
  bool process_stopped_ = false;
  std::mutex mutex_;
  std::mt19937_64 random_;
  std::map<std::string, stub_spending> spent_;
};

}  // namespace tandem::fault
