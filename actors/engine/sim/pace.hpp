#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <vector>

namespace tandem {

[[nodiscard]] inline double us_of(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) * 1e-3;
}

/// What one call has to do.
struct pace_work {
  /// Prompt tokens to read, and those before them that are there already.
  double read = 0;
  double cached = 0;
  double write = 0;
  /// Its times are multiplied by this.
  double slow = 1;
};

/// When calls that share one engine are read, written and done: a schedule that is worked out
/// anew only when a call comes or is cancelled, so a call costs about as much as the calls beside
/// it, however long it takes. Pure; times are microseconds on any clock that does not go back.
class pace {
 public:
  /// Small and dense: chosen by the caller, free again after the call's end.
  using key = std::uint32_t;

  /// As they will be if no other call comes. A call that comes makes them later, never earlier.
  struct marks {
    /// The prompt is read.
    double read = 0;
    /// The first token is written.
    double first = 0;
    double end = 0;
  };

  pace() = default;
  pace(const pace&) = delete;
  pace& operator=(const pace&) = delete;
  virtual ~pace() = default;

  void add(key call, const pace_work& work, double now) {
    if (marks_.size() <= call) {
      marks_.resize(call + 1);
      works_.resize(call + 1);
      begun_.resize(call + 1);
    }
    marks_[call] = {never, never, never};
    works_[call] = work;
    advance(now);
    enter(call, now);
    known_ = false;
  }
  /// Before its end: what it has not used is the others'.
  void remove(key call, double now) {
    advance(now);
    leave(call);
    known_ = false;
  }
  [[nodiscard]] const marks& of(key call, double now) {
    advance(now);
    if (!known_) forecast();
    known_ = true;
    return marks_[call];
  }
  /// Whole tokens written by now.
  [[nodiscard]] double written(key call, double now) {
    const auto at = of(call, now);
    if (now >= at.end) return works_[call].write;
    return now < at.read ? 0 : written_of(call, now);
  }
  /// When it will have written so many, if nothing changes; not after its end, nor now.
  [[nodiscard]] virtual double time_of(key call, double tokens, double now) = 0;

 protected:
  static constexpr double never = std::numeric_limits<double>::infinity();
  /// Of a token or a microsecond: what sums of doubles may be off.
  static constexpr double hair = 1e-6;

  virtual void advance(double now) = 0;
  virtual void enter(key call, double now) = 0;
  virtual void leave(key call) = 0;
  /// Fills in marks_ of all that are there.
  virtual void forecast() = 0;
  [[nodiscard]] virtual double written_of(key call, double now) const = 0;

  std::vector<marks> marks_;
  std::vector<pace_work> works_;
  /// Where each call began to write, in the schedule's own count.
  std::vector<double> begun_;

 private:
  bool known_ = false;
};

}  // namespace tandem
