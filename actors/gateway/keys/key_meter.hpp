#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

#include "actors/budget.hpp"

namespace tandem {

/// What a key may do at this gateway; 0: no limit.
struct key_limits {
  std::uint32_t requests_per_min = 0;
  std::uint64_t tokens_per_min = 0;
  std::uint32_t concurrency = 0;
  /// In each period; periods follow each other from `created_at_ms` on. A period of 0 never ends.
  budget spend;
  std::uint64_t period_ms = 0;
  std::uint64_t created_at_ms = 0;
};

/// What a key has done at this gateway.
struct key_use {
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;
  /// Unix time of the last request that was admitted or settled, which also says which period
  /// `spent` is of.
  std::uint64_t last_used_at_ms = 0;
  budget spent;
};

enum class key_limit : std::uint8_t { revoked, requests, tokens, concurrency, budget };

/// Why a request is not admitted.
struct key_refusal {
  key_limit limit = key_limit::requests;
  /// 429; 401 where the key was revoked after the request had begun.
  unsigned status = 429;
  /// `rate_limit_exceeded`, `insufficient_quota`, `invalid_api_key`.
  std::string code;
  /// Which limit, how much of it, and when to come again.
  std::string text;
  /// 0: it does not help to wait.
  std::chrono::milliseconds retry_after{0};
};

/// One request that is admitted; its end gives back what it held. Movable; may end on any thread.
class key_permit {
 public:
  key_permit() = default;
  key_permit(key_permit&& other) noexcept = default;
  key_permit& operator=(key_permit&& other) noexcept;
  /// Not settled: it has cost nothing.
  ~key_permit();

  /// What it has really used; once. The place for one more request at once is free again. Books
  /// into the period under way at `now_ms`; 0: into that of the last request.
  void settle(const budget& used, std::uint64_t now_ms = 0);
  [[nodiscard]] bool is_held() const { return meter_ != nullptr; }

 private:
  friend class key_meter;
  key_permit(std::shared_ptr<class key_meter> meter, budget estimate)
      : meter_{std::move(meter)}, estimate_{estimate} {}

  std::shared_ptr<class key_meter> meter_;
  budget estimate_;
};

using key_admission = std::variant<key_permit, key_refusal>;

/// Rates, budget and counters of one key. Requests and tokens a minute are token buckets that hold
/// one minute's worth: a burst may use all of it, then it fills evenly. An estimate above the whole
/// bucket needs a full one. What a request used above its estimate is owed, at most a minute's
/// worth. Thread-safe. Times are arguments; a clock that goes back counts as standing still.
class key_meter : public std::enable_shared_from_this<key_meter> {
 public:
  explicit key_meter(const key_limits& limits, const key_use& before = {});

  [[nodiscard]] key_admission admit(std::uint64_t now_ms, const budget& estimate);
  /// From now on nothing is admitted.
  void revoke();
  void change(const key_limits& limits);
  /// A request that was turned away before it could ask.
  void count_refused();
  /// As of the period under way at `now_ms`.
  [[nodiscard]] key_use use(std::uint64_t now_ms) const;
  /// Grows whenever `use` changes.
  [[nodiscard]] std::uint64_t changes() const;
  /// Requests under way.
  [[nodiscard]] std::uint32_t running() const;

 private:
  friend class key_permit;
  struct bucket {
    double level = 0;
    std::uint64_t at_ms = 0;
    void fill(std::uint64_t now_ms, double per_min);
    /// 0: `need` can be taken now.
    [[nodiscard]] std::chrono::milliseconds wait(double need, double per_min) const;
  };

  void begin_period(std::uint64_t now_ms);
  [[nodiscard]] std::optional<key_refusal> refusal(std::uint64_t now_ms, const budget& estimate);
  [[nodiscard]] std::optional<key_refusal> over_budget(std::uint64_t now_ms,
                                                       const budget& estimate) const;
  [[nodiscard]] std::uint64_t period_of(std::uint64_t at_ms) const;
  void end(const budget& estimate, const budget& used, std::uint64_t now_ms = 0);

  mutable std::mutex mutex_;
  key_limits limits_;
  key_use use_;
  /// Of requests under way.
  budget reserved_;
  bucket requests_;
  bucket tokens_;
  std::uint32_t running_ = 0;
  bool revoked_ = false;
  std::uint64_t changes_ = 0;
};

}  // namespace tandem
