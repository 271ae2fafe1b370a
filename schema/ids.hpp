#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tandem {

/// A number that cannot be mistaken for another kind of number.
template <class Tag, class Value = std::uint32_t>
struct strong_id {
  Value value{};
  friend auto operator<=>(const strong_id&, const strong_id&) = default;
};

/// A step's number within its job; rises across plan epochs. 0 means "no step" (a plan request).
using step_id = strong_id<struct step_tag>;
/// One try of a step, counted from 1 within its job: the fence that a stale reply fails.
using attempt_id = strong_id<struct attempt_tag>;
/// A plan's number within its job, counted from 1.
using epoch_id = strong_id<struct epoch_tag>;
/// Names one routing decision: the node's incarnation in the high half, a counter in the low one.
using decision_id = strong_id<struct decision_tag, std::uint64_t>;

/// A journal's own name: random, made with the data folder, outlives node names and addresses.
using journal_id = strong_id<struct journal_tag, std::uint64_t>;

/// Names a job for ever: the journal that holds it and its number there.
/// Text form: `<journal, base 32, lower case>-<number>`, for example `k3fwq2xm-42`.
struct job_id {
  journal_id journal;
  std::uint64_t number = 0;

  friend auto operator<=>(const job_id&, const job_id&) = default;
};

/// Base 32 digits of RFC 4648's alphabet in lower case, most significant first, no padding.
[[nodiscard]] std::string to_string(journal_id id);
[[nodiscard]] std::string to_string(job_id id);
/// The stable key that every effect of a step carries: `job/epoch/step`.
[[nodiscard]] std::string effect_key(job_id job, epoch_id epoch, step_id step);

[[nodiscard]] std::optional<journal_id> parse_journal_id(std::string_view text);
/// Nothing when `text` is not a job id.
[[nodiscard]] std::optional<job_id> parse_job_id(std::string_view text);

/// Random journal ids use 40 bits, so that they print as 8 characters.
inline constexpr std::uint64_t journal_id_bits = 40;

}  // namespace tandem

template <class Tag, class Value>
struct std::hash<tandem::strong_id<Tag, Value>> {
  std::size_t operator()(const tandem::strong_id<Tag, Value>& id) const noexcept {
    return std::hash<Value>{}(id.value);
  }
};

template <>
struct std::hash<tandem::job_id> {
  std::size_t operator()(const tandem::job_id& id) const noexcept {
    return std::hash<std::uint64_t>{}(id.journal.value * 0x9E3779B97F4A7C15ull ^ id.number);
  }
};
