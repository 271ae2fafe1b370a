#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/engine/backend.hpp"
#include "actors/engine/http/server_kind.hpp"

namespace tandem {

/// One HTTP call on the way to other weights. Pure: what is sent, and what the answer means.
struct weight_call {
  enum class verdict {
    good,
    /// It is asked again after `pause`, `tries` times at most.
    again,
    /// `into` says why.
    failed,
  };

  /// GET where there is no body.
  std::string path;
  std::string body;
  /// Of any answer, for any bytes; fills in what it says.
  std::function<verdict(int status, std::string_view body, weight_outcome& into)> read;
  std::chrono::milliseconds pause{0};
  /// 0: as long as there is time.
  std::uint32_t tries = 1;
};

/// The calls of one step, in order; none: there is nothing to do.
using weight_calls = std::vector<weight_call>;

// Each server's own calls, as their sources have them (2026).

/// Pausing is by `retract`, which frees the cache; a refused flush (it is not idle) is tried again
/// a few times.
[[nodiscard]] weight_calls sglang_weight_calls(weight_step step, const weight_target& target);
/// Loading pauses it (what runs there is waited for), and only resuming ends that. All calls need
/// VLLM_SERVER_DEV_MODE=1; where it is missing the error says so.
[[nodiscard]] weight_calls vllm_weight_calls(weight_step step, const weight_target& target);
/// llama.cpp as a router: `model` is unloaded and loaded again, from where the router has it.
[[nodiscard]] weight_calls llama_router_weight_calls(weight_step step, const std::string& model);

/// Loads the adapter `name`, and forgets `outdated` (empty: none). llama.cpp has all adapters from
/// its start on: the outcome's detail is the number of the one with the path's file name.
[[nodiscard]] weight_calls lora_weight_calls(server_kind kind, const weight_target& target,
                                             const std::string& name, const std::string& outdated);

/// Why a server of this kind cannot change its weights while it runs; empty: it can.
[[nodiscard]] std::string why_weights_fixed(server_kind kind, bool is_router);

// For the functions above.

/// Fails with what the refusal says. `what` begins the text: `POST /pause_generation`.
weight_call::verdict refuse_weights(const std::string& what, int status, std::string_view body,
                                    weight_outcome& into);
/// A text field of a JSON object; empty: there is none.
[[nodiscard]] std::string json_text(std::string_view json, const char* field);
/// A flag of a JSON object; `otherwise` where there is none.
[[nodiscard]] bool json_flag(std::string_view json, const char* field, bool otherwise);
/// `{"a":"b","c":"d"}` of names and texts.
[[nodiscard]] std::string json_of(
    std::initializer_list<std::pair<std::string_view, std::string_view>> fields);

}  // namespace tandem
