#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/engine/http/health_gate.hpp"
#include "actors/engine/http/http_link.hpp"
#include "actors/engine/http/server_facts.hpp"

namespace tandem {

/// Which calls are worth making; learned as they fail.
struct probe_habits {
  bool metrics = true;
  bool weights = true;
};

/// What a round came to.
struct probe_result {
  probe_verdict verdict = probe_verdict::good;
  /// Why it is not good.
  std::string reason;
  server_facts facts;
  probe_habits habits;
  bool load_is_new = false;
  std::vector<engine_check> checks;
};

/// Asks one server one thing after the other, on the loop's thread, and tells what it came to once.
class probe_round : public std::enable_shared_from_this<probe_round> {
 public:
  enum class extent {
    /// Health and load.
    light,
    /// Also models.
    whole,
    /// Also one token of a generation.
    with_generation,
  };
  using report = std::function<void(probe_result)>;

  /// `facts` and `habits` are those of the last round.
  probe_round(std::shared_ptr<http_link> link, server_facts facts, probe_habits habits,
              report done);

  void begin(extent how_much);

 private:
  struct answer {
    http_outcome outcome;
    int status = 0;
    std::string body;
  };
  struct step {
    std::string what;
    std::shared_ptr<const http_endpoint> endpoint;
    std::string body;
    /// Returns whether it is a good answer; fills in the detail.
    std::function<bool(const answer&, std::string& detail)> read;
  };
  class exchange;

  void identify();
  void try_candidate();
  [[nodiscard]] bool take_candidate(server_kind kind, const answer& got, std::string& detail);
  void ask_all();
  void ask_health();
  void ask_models();
  void ask_weights();
  void ask_load();
  void ask_generation();
  void add_get(const std::string& path, std::function<bool(const answer&, std::string&)> read);
  void go_on();
  void take(const step& asked, const answer& got, std::chrono::microseconds took);
  void worsen(probe_verdict verdict, std::string reason);
  [[nodiscard]] bool take_health(const answer& got, std::string& detail);
  [[nodiscard]] bool take_models(const answer& got, std::string& detail);
  [[nodiscard]] bool take_figure(const answer& got, bool was_read, bool& habit,
                                 std::string& detail);
  [[nodiscard]] std::string trouble(const answer& got) const;
  void end();

  const std::shared_ptr<http_link> link_;
  probe_result result_;
  report done_;
  extent extent_ = extent::light;
  std::deque<step> steps_;
  /// Kinds that it may be, with the calls that only they answer.
  std::deque<std::pair<server_kind, std::string>> candidates_;
};

}  // namespace tandem
