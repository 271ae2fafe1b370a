#pragma once

#include <cstdint>
#include <string>

#include <caf/error.hpp>

namespace tandem {

/// Why something failed. A new value only where some caller acts differently. The numbers are
/// also those of `Errc` in common.capnp (a test holds the two together); never reuse one.
enum class errc : std::uint8_t {
  unknown = 0,
  /// The request itself is wrong; the same request will fail again.
  invalid_argument = 1,
  /// No such job, step, engine or model.
  not_found = 2,
  /// The same client key was used for another goal, or the state does not allow the action.
  conflict = 3,
  /// A configured maximum is reached (queue, running jobs, memory); the same request may pass
  /// later.
  overloaded = 4,
  /// Nobody can serve it now: no healthy engine, a peer that is down, a node that is stopping.
  unavailable = 5,
  /// The deadline passed first.
  deadline_exceeded = 6,
  /// Somebody asked for it to stop.
  cancelled = 7,
  /// An engine answered with an error or broke off.
  engine_failed = 8,
  /// The reply does not fit what was asked for: a plan that is no plan, a check that failed.
  invalid_output = 9,
  /// Bytes from outside are no message of ours.
  malformed_message = 10,
  /// The store is unreadable or contradicts itself.
  corrupted = 11,
  /// The store cannot be written: disk full, read-only, no permission.
  storage_failed = 12,
  /// Another process has the data folder open.
  locked = 13,
  /// A certificate is missing, expired or foreign.
  not_authenticated = 14,
  /// A bug in Tandem.
  internal = 15,
  /// The job's or the tenant's budget does not allow it.
  budget_exceeded = 16,
  /// No engine serves the weight version any more that the job has begun with.
  weights_changed = 17,
};

[[nodiscard]] const char* to_string(errc code) noexcept;

/// Whether the same request may succeed elsewhere or later.
[[nodiscard]] bool can_retry(errc code) noexcept;

/// An error with what happened, where, and how to mend it.
[[nodiscard]] caf::error make_error(errc code, std::string context);
[[nodiscard]] caf::error make_error(errc code);

/// The code of any CAF error: ours as it is, CAF's own mapped (a dead receiver is `unavailable`,
/// a request timeout `deadline_exceeded`).
[[nodiscard]] errc code_of(const caf::error& err) noexcept;

/// The context alone, in words; for CAF's own errors their rendering.
[[nodiscard]] std::string message_of(const caf::error& err);

}  // namespace tandem
