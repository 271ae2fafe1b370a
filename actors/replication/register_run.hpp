#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "actors/replication/register_step.hpp"

namespace tandem {

/// How an operation ended.
enum class register_outcome {
  /// It is done, by this call or before; the view is the record after it.
  done,
  /// The rules forbid it (`min_in_sync`, `copies`, not in sync, no such journal).
  refused,
  /// Another one is primary, or the epoch is another: the caller must stop acting as primary.
  fenced,
  /// Another one holds the lease; try again when the lease key is gone.
  held,
  /// etcd cannot be asked; nothing was done by this call.
  unavailable,
  /// Sent, and no answer: it may have been done, or be done later. Ask again; until then the caller
  /// must act as if either were true.
  unknown,
  /// etcd is another one or was put back to an older state, or the record is nonsense.
  corrupted,
};

[[nodiscard]] const char* to_string(register_outcome outcome) noexcept;

/// What a node knows that etcd must know too: an older answer means that etcd was put back.
struct register_memory {
  std::uint64_t epoch = 0;
  std::int64_t version = 0;

  void learn(const register_view& view);
  /// In words, what `view` has lost; empty: nothing.
  [[nodiscard]] std::string missing_in(const register_view& view) const;
};

/// One operation from its begin to its outcome, without I/O: says what to ask etcd next and is told
/// what came of it. Begins from `cached`, a view that may be old; refuses only what a fresh read
/// shows.
class register_run {
 public:
  enum class action { read, write, end };

  register_run(journal_holder self, std::int64_t lease, register_operation operation,
               register_memory memory, std::uint32_t tries_max,
               std::optional<register_view> cached = std::nullopt);

  [[nodiscard]] action next() const { return next_; }
  /// With `write`: what, and upon which view.
  [[nodiscard]] const register_step& step() const { return step_; }
  [[nodiscard]] const register_view& view() const { return view_; }
  [[nodiscard]] std::int64_t lease() const { return lease_; }
  [[nodiscard]] const journal_holder& self() const { return self_; }
  /// With `end`.
  [[nodiscard]] register_outcome outcome() const { return outcome_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const register_memory& memory() const { return memory_; }

  /// A linearizable read, or what a failed compare brought.
  void on_view(register_view view);
  /// The write was done at this revision.
  void on_written(std::int64_t revision);
  /// No answer to the write.
  void on_lost(std::string why);
  /// The read was not answered, or the write was certainly not done; or etcd is not to be believed.
  void on_failed(register_outcome outcome, std::string why);

 private:
  void decide_on(bool is_fresh);
  void end(register_outcome outcome, std::string text);
  /// A lost write that may still be done.
  [[nodiscard]] bool may_come() const;

  journal_holder self_;
  std::int64_t lease_;
  register_operation operation_;
  register_memory memory_;
  std::uint32_t tries_left_;
  action next_ = action::read;
  register_view view_;
  register_step step_;
  /// The version that a write without an answer was upon, and why.
  std::optional<std::int64_t> lost_upon_;
  std::string lost_why_;
  register_outcome outcome_ = register_outcome::unavailable;
  std::string text_;
};

}  // namespace tandem
