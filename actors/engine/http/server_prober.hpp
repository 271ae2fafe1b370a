#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/engine/http/health_gate.hpp"
#include "actors/engine/http/http_link.hpp"
#include "actors/engine/http/probe_round.hpp"

namespace tandem {

/// Keeps a link's status true: asks its server every health_interval, more often while it starts.
/// Lives on the loop's thread, between rounds in the loop's timers, and ends with its backend.
class server_prober : public std::enable_shared_from_this<server_prober> {
 public:
  /// `weight_version` empty: what the server says.
  server_prober(std::shared_ptr<http_link> link, std::string weight_version);

  void begin(http_loop& loop);
  /// One round of everything, apart from the regular ones; from any thread.
  void probe(http_loop& loop, std::function<void(std::vector<engine_check>)> done);

  /// What answers there is a new process: nothing that was learned holds. From any thread.
  void restart(http_loop& loop, std::string reason);

  /// Its weights were changed to these: believed until the server says something else, or, where
  /// `lasts` is not set, has been away. From any thread; on the loop's the status has it at once.
  void learn_weights(http_loop& loop, std::string version, bool lasts);
  /// The same of an adapter, of which the server's own version says nothing. On the loop's thread.
  void learn_adapter(http_loop& loop, std::string version);

  // From any thread.
  [[nodiscard]] bool is_known() const { return known_.load(); }
  /// llama.cpp that serves several models.
  [[nodiscard]] bool is_router() const { return router_.load(); }
  [[nodiscard]] server_kind kind() const { return kind_.load(); }
  [[nodiscard]] std::uint32_t context_tokens() const { return context_tokens_.load(); }

 private:
  void run_round();
  void finish_round(std::uint64_t era, probe_result result);
  void learn(probe_result result);
  [[nodiscard]] std::string version_now() const;
  [[nodiscard]] std::chrono::milliseconds pause();

  const std::shared_ptr<http_link> link_;
  const std::string weight_version_;
  /// Since they were changed; empty: they were not.
  std::string learned_version_;
  bool learned_lasts_ = false;
  bool learned_adapter_ = false;
  health_gate gate_;
  server_facts facts_;
  probe_habits habits_;
  std::uint64_t rounds_ = 0;
  /// Rounds that began before a restart do not count, and bring no next one.
  std::uint64_t era_ = 0;
  std::chrono::milliseconds starting_pause_;
  std::atomic<server_kind> kind_{server_kind::openai};
  std::atomic<bool> known_{false};
  std::atomic<bool> router_{false};
  std::atomic<std::uint32_t> context_tokens_{0};
};

}  // namespace tandem
