#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/engine/http/server_kind.hpp"

namespace tandem {

/// What a server has said about itself. The readers take one answer's body each, change what it
/// says, and return whether the body was such an answer. Pure; for any bytes.
struct server_facts {
  /// Nothing: not known yet.
  std::optional<server_kind> kind;
  std::string version;
  /// Ids and aliases, at most 100.
  std::vector<std::string> models;
  /// llama.cpp: serves one model under any name (it is no router).
  bool any_name = false;
  std::string weight_version;
  std::uint32_t context_tokens = 0;
  std::uint32_t running = 0;
  std::uint32_t waiting = 0;
  /// 0 to 1; negative: not known.
  float cache_usage = -1;

  /// llama.cpp's GET /props.
  [[nodiscard]] bool read_props(std::string_view json);
  /// SGLang's GET /server_info.
  [[nodiscard]] bool read_server_info(std::string_view json);
  /// vLLM's GET /version.
  [[nodiscard]] bool read_version(std::string_view json);
  /// GET /v1/models; `model` is the one whose context is looked for.
  [[nodiscard]] bool read_models(std::string_view json, std::string_view model);
  /// SGLang's GET /model_info, vLLM's GET /weight_info.
  [[nodiscard]] bool read_weights(std::string_view json);
  /// SGLang's GET /v1/loads.
  [[nodiscard]] bool read_loads(std::string_view json);
  /// vLLM's GET /load.
  [[nodiscard]] bool read_load(std::string_view json);
  /// GET /metrics of llama.cpp and vLLM.
  [[nodiscard]] bool read_metrics(std::string_view text);

  [[nodiscard]] bool has_model(std::string_view model) const;
  /// `llama.cpp b1234`.
  [[nodiscard]] std::string server() const;
  /// The models in words, at most ten.
  [[nodiscard]] std::string models_text() const;
};

}  // namespace tandem
