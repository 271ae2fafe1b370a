#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actors/engine/backend.hpp"
#include "schema/weights.capnp.h"

namespace tandem {

/// What an engine is told about its weights, as EngineUpdate has it.
struct weight_order {
  std::uint64_t epoch = 0;
  schema::OrderAction action = schema::OrderAction::UNKNOWN;
  std::string version;
  std::filesystem::path path;
  /// 0: what runs is cut off at once.
  std::chrono::milliseconds drain{0};
  /// From the order to load until it serves.
  std::chrono::milliseconds load{std::chrono::minutes{10}};
  bool pause = false;
  std::string prompt;
  std::string expected;
};

/// The way of one engine to other weights, as a state machine: what to do next, given what has
/// happened. No actor, no clock: the driver carries out the deeds in order and reports. Every wait
/// ends: each stage has a deadline, which next_time() tells.
///
/// An update: nothing new is taken → drain until `drain` is over, then cut off; or pause, then cut
/// off those whose answers must not mix two versions; or neither where the backend swaps in place →
/// load → flush → check the version → resume → wait until the probes call it healthy → one real
/// generation → admit. A flush that is refused while paused requests hold their places is tried
/// again without them. Resuming comes before the generation, since a paused server answers nothing.
///
/// A failure leaves the engine closed until another update. What was paused is cut off
/// and resumed as well as can be, so that nothing of it waits for ever.
///
/// Orders of a lower epoch than the highest seen are a `conflict`. The same update as the one under
/// way (same version; the epoch may be higher, after a change of coordinators) waits for its end.
/// Another one with a higher epoch takes over at the next safe point: at once before the load and
/// after the flush's check, else when the step under way has ended; what was overtaken ends as a
/// `conflict`, and so does hold while an update is under way.
class weight_change {
 public:
  using clock = std::chrono::steady_clock;

  /// How the engine is when something happens.
  struct facts {
    std::string version;
    /// As its probes say.
    bool healthy = true;
    /// Requests at work; the generation of the change itself left out.
    std::size_t running = 0;
    /// Of these, the ones that must not mix two versions.
    std::size_t unmixed = 0;
    weight_abilities abilities;
  };

  enum class admission {
    open,
    /// Calls that hold its present version.
    held,
    closed,
  };

  /// How an order ended.
  struct ending {
    /// `unknown`: well.
    errc code = errc::unknown;
    std::string error;
    /// Reached; with an error, the one that failed.
    schema::EnginePhase phase = schema::EnginePhase::UNKNOWN;
    std::chrono::microseconds drain{0};
    std::chrono::microseconds load{0};
    std::chrono::microseconds verify{0};
    std::uint32_t cut_off = 0;
  };

  /// What the driver has to do.
  struct deed {
    enum class kind {
      /// The backend's `step` with `target`; its outcome is told to on_step() with `number`.
      step,
      /// One generation of `text`; its end is told to on_generation() with `number`.
      generate,
      /// Ends that generation; nobody waits for it.
      stop_generating,
      /// Cancels every request at work, or only those that must not mix versions.
      cut_off,
      cut_off_unmixed,
      /// The requests that were cut off have not ended in time: they count as ended.
      forget,
      /// Tells `tickets` the `end`.
      answer,
    };
    kind what = kind::step;
    weight_step step = weight_step::load;
    weight_target target;
    std::uint64_t number = 0;
    std::string text;
    std::vector<std::uint64_t> tickets;
    ending end;
  };
  using deeds = std::vector<deed>;

  /// From its start on it takes nothing, until an order says what it is to serve.
  void await_order() {
    admission_ = admission::closed;
    reason_ = "waits to hear which weights it is to serve";
  }
  /// `ticket` names whoever is to be answered.
  [[nodiscard]] deeds on_order(std::uint64_t ticket, const weight_order& order, const facts& at,
                               clock::time_point now);
  [[nodiscard]] deeds on_step(std::uint64_t number, const weight_outcome& outcome, const facts& at,
                              clock::time_point now);
  [[nodiscard]] deeds on_generation(std::uint64_t number, const generation& result, const facts& at,
                                    clock::time_point now);
  /// A request has ended, the health has changed, or it is time.
  [[nodiscard]] deeds look(const facts& at, clock::time_point now);

  /// When to look again; nothing: nothing is waited for.
  [[nodiscard]] std::optional<clock::time_point> next_time() const;
  [[nodiscard]] admission admits() const { return admission_; }
  /// Why not everything is admitted.
  [[nodiscard]] const std::string& reason() const { return reason_; }
  [[nodiscard]] bool is_under_way() const { return stage_ != stage::idle; }

 private:
  enum class stage {
    idle,
    draining,
    pausing,
    cutting,
    loading,
    flushing,
    /// The same without what is paused, before the second try.
    clearing,
    checking,
    resuming,
    waking,
    generating,
    /// Resumes after a failure.
    undoing,
  };
  struct pending {
    weight_order order;
    std::vector<std::uint64_t> tickets;
  };

  void take_update(std::uint64_t ticket, const weight_order& order, const facts& at);
  void begin(pending next, const facts& at);
  void enter(stage next, std::string reason, clock::time_point until);
  void enter_step(stage next, weight_step step, const std::string& reason, clock::time_point until);
  void cut_off(stage next, bool all, const facts& at);
  void load();
  /// Leaves a stage whose end has come; false: it has not.
  [[nodiscard]] bool advance(const facts& at);
  void run_out(const facts& at);
  void overtake(const facts& at);
  void fail(std::string error, errc code, const facts& at);
  void succeed();
  void conclude(const ending& end, const facts& at);
  void answer(std::vector<std::uint64_t> tickets, const ending& end);
  void answer(std::uint64_t ticket, errc code, std::string error, schema::EnginePhase phase);
  [[nodiscard]] deeds finish(const facts& at);
  [[nodiscard]] schema::EnginePhase phase() const;
  [[nodiscard]] std::string limit_text() const;

  admission admission_ = admission::open;
  std::string reason_;
  bool failed_ = false;
  std::uint64_t epoch_ = 0;
  stage stage_ = stage::idle;
  clock::time_point now_;
  clock::time_point until_;
  pending present_;
  std::optional<pending> next_;
  ending end_;
  clock::time_point began_;
  clock::time_point load_began_;
  clock::time_point verify_began_;
  clock::time_point serve_by_;
  bool flushed_again_ = false;
  bool paused_ = false;
  /// Something was paused or loaded since the last resume.
  bool needs_resume_ = false;
  std::uint64_t numbers_ = 0;
  /// The backend's step, or generation, that is waited for.
  std::uint64_t awaited_ = 0;
  /// A step that has not ended; the backend does one at a time.
  std::uint64_t outstanding_ = 0;
  /// To be done when the outstanding one has ended.
  std::optional<deed> due_;
  deeds out_;
};

}  // namespace tandem
