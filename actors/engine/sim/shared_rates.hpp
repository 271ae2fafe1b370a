#pragma once

#include <cstddef>
#include <vector>

#include "actors/engine/engine_config.hpp"
#include "actors/engine/sim/pace.hpp"

namespace tandem {

/// Engines that read beside writing, as where prompts have machines of their own: all calls being
/// read share `prefill_rate` evenly, then wait `first_token`, then write a token each per_token +
/// per_token_batch × the other calls at work. Beyond `slots` calls wait for one to end.
class shared_rates : public pace {
 public:
  explicit shared_rates(const sim_config& config);

  [[nodiscard]] double time_of(key call, double tokens, double now) override;

 private:
  struct event {
    /// Reading and writing: the virtual time, in tokens each has done; pausing: the time.
    double at;
    key call;
  };
  /// Heaps, the first to end in front.
  struct state {
    double time = 0;
    double read = 0;
    double wrote = 0;
    std::vector<event> readers;
    std::vector<event> pausing;
    std::vector<event> writers;
    std::vector<key> line;

    [[nodiscard]] std::size_t size() const {
      return readers.size() + pausing.size() + writers.size();
    }
  };

  void advance(double now) override;
  void enter(key call, double now) override;
  void leave(key call) override;
  void forecast() override;
  [[nodiscard]] double written_of(key call, double now) const override;

  void run(state& s, double until);
  void begin(state& s, key call);
  void pause(state& s, key call);
  void write(state& s, key call);
  void end(state& s, key call);
  void end_due(state& s);
  void admit(state& s);
  [[nodiscard]] double read_us(const state& s) const;
  [[nodiscard]] double write_us(const state& s) const;

  double rate_us_;
  double first_us_;
  double token_us_;
  double other_us_;
  std::size_t slots_;
  state now_;
  state later_;
};

}  // namespace tandem
