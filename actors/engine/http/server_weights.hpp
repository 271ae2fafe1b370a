#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "actors/engine/backend.hpp"
#include "actors/engine/http/http_link.hpp"
#include "actors/engine/http/server_prober.hpp"
#include "actors/engine/http/weight_calls.hpp"
#include "actors/engine/http/weight_commands.hpp"

namespace tandem {

/// How an http engine's server comes to other weights: by the calls of its kind, or by the user's
/// commands. What it then has is told to the prober.
class server_weights {
 public:
  using report = std::function<void(weight_outcome)>;

  server_weights(std::shared_ptr<http_link> link, std::shared_ptr<server_prober> prober,
                 const weights_config& config);

  [[nodiscard]] weight_abilities abilities() const;
  /// One step at a time; `done` is called once, from any thread.
  /// What requests ask for with the present version, see chat_request_options; empty: nothing.
  [[nodiscard]] std::string adapter() const;
  void change(http_loop& loop, weight_step step, const weight_target& target, report done);

 private:
  [[nodiscard]] weight_calls calls_of(weight_step step, const weight_target& target) const;
  [[nodiscard]] std::string put_link(const weight_target& target) const;

  const std::shared_ptr<http_link> link_;
  const std::shared_ptr<server_prober> prober_;
  /// The adapters that were loaded: version, and what it is asked for by.
  struct adapter_list {
    std::mutex mutex;
    std::string version;
    std::string name;
    std::string before;
  };
  void load_adapter(http_loop& loop, const weight_target& target, report done);

  const std::filesystem::path place_;
  const std::string lora_;
  const std::shared_ptr<adapter_list> adapters_ = std::make_shared<adapter_list>();
  weight_commands commands_;
};

}  // namespace tandem
