#pragma once

#include <optional>
#include <string_view>

namespace tandem {

/// What a server is, as far as it changes what may be asked of it. `openai`: nothing but the common
/// calls.
enum class server_kind { openai, sglang, vllm, llama_cpp };

[[nodiscard]] constexpr std::string_view to_string(server_kind kind) {
  switch (kind) {
    case server_kind::sglang:
      return "SGLang";
    case server_kind::vllm:
      return "vLLM";
    case server_kind::llama_cpp:
      return "llama.cpp";
    default:
      return "OpenAI-compatible server";
  }
}

/// Of http_config::server; nothing: `auto`, or no such kind.
[[nodiscard]] constexpr std::optional<server_kind> server_kind_of(std::string_view name) {
  if (name == "openai") return server_kind::openai;
  if (name == "sglang") return server_kind::sglang;
  if (name == "vllm") return server_kind::vllm;
  if (name == "llama.cpp") return server_kind::llama_cpp;
  return std::nullopt;
}

}  // namespace tandem
