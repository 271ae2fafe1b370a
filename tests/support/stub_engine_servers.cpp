#include <algorithm>

#include "tests/support/stub_engine_parts.hpp"

namespace tandem::test::stub {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  append_json(out, text);
  return out;
}

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

stub_answer json(std::string body, int status = 200) {
  stub_answer answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

stub_answer text(std::string body) {
  auto answer = json(std::move(body));
  answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return answer;
}

/// In the words of the server that is pretended to be.
stub_answer refuse(stub_kind kind, int status, std::string_view message, std::string_view type) {
  switch (kind) {
    case stub_kind::llama_cpp:
      return json(R"({"error":{"code":)" + number(static_cast<std::uint64_t>(status)) +
                      R"(,"message":)" + quoted(message) + R"(,"type":)" + quoted(type) + "}}",
                  status);
    case stub_kind::sglang:
      return json(R"({"object":"error","message":)" + quoted(message) + R"(,"type":)" +
                      quoted(type) + R"(,"param":null,"code":)" +
                      number(static_cast<std::uint64_t>(status)) + "}",
                  status);
    default:
      return json(R"({"error":{"message":)" + quoted(message) + R"(,"type":)" + quoted(type) +
                      R"(,"param":null,"code":)" + number(static_cast<std::uint64_t>(status)) +
                      "}}",
                  status);
  }
}

stub_answer no_such_path(stub_kind kind) {
  if (kind == stub_kind::llama_cpp) return refuse(kind, 404, "File Not Found", "not_found_error");
  if (kind == stub_kind::openai) return refuse(kind, 404, "Not Found", "invalid_request_error");
  return json(R"({"detail":"Not Found"})", 404);
}

struct load {
  std::uint64_t running = 0;
  std::uint64_t waiting = 0;
};

load load_of(const stub_options& options, const stub_counts& counts) {
  auto slots = options.kind == stub_kind::llama_cpp ? options.slots : 1'000'000;
  auto running = std::min<std::uint64_t>(counts.open, slots);
  return {running, counts.open - running};
}

stub_answer models(const stub_options& options) {
  std::string data = R"({"id":)" + quoted(options.model) + R"(,"object":"model","created":1,)";
  auto length = number(options.context_tokens);
  switch (options.kind) {
    case stub_kind::llama_cpp:
      data += R"("owned_by":"llamacpp","meta":{"vocab_type":2,"n_vocab":320,"n_ctx":)" + length +
              R"(,"n_ctx_train":)" + length + R"(,"n_embd":128,"n_params":959616}})";
      break;
    case stub_kind::sglang:
      data += R"("owned_by":"sglang","root":)" + quoted(options.model) + R"(,"max_model_len":)" +
              length + "}";
      break;
    case stub_kind::vllm:
      data += R"("owned_by":"vllm","root":)" + quoted(options.model) +
              R"(,"parent":null,"max_model_len":)" + length + R"(,"permission":[]})";
      break;
    default:
      data += R"("owned_by":"somebody"})";
  }
  return json(R"({"object":"list","data":[)" + data + "]}");
}

stub_answer llama_path(const stub_options& options, std::string_view path, const load& now,
                       std::string_view query) {
  constexpr auto kind = stub_kind::llama_cpp;
  if (path == "/health") return json(R"({"status":"ok"})");
  if (path == "/props")
    return json(R"({"default_generation_settings":{"params":{},"n_ctx":)" +
                number(options.context_tokens) + R"(},"total_slots":)" + number(options.slots) +
                R"(,"model_alias":)" + quoted(options.model) + R"(,"model_path":)" +
                quoted("/models/" + options.model + ".gguf") +
                R"(,"endpoint_slots":true,"endpoint_props":false,"endpoint_metrics":)" +
                (options.metrics ? "true" : "false") + R"(,"build_info":"b11669-stub"})");
  if (path == "/slots") {
    if (query == "fail_on_no_slot=1" && now.running == options.slots)
      return refuse(kind, 503, "no slot available", "unavailable_error");
    std::string list = "[";
    for (std::uint32_t i = 0; i < options.slots; ++i)
      list += (i == 0 ? "" : ",") + (R"({"id":)" + number(i)) + R"(,"n_ctx":)" +
              number(options.context_tokens) + R"(,"is_processing":)" +
              (i < now.running ? "true}" : "false}");
    return json(list + "]");
  }
  if (path == "/lora-adapters") return json("[]");
  if (path == "/v1/embeddings")
    return refuse(kind, 501, "This server does not support embeddings. Start it with --embeddings",
                  "not_supported_error");
  if (path != "/metrics") return no_such_path(kind);
  if (!options.metrics)
    return refuse(kind, 501,
                  "This server does not support metrics endpoint. Start it with --metrics",
                  "not_supported_error");
  return text("# TYPE llamacpp:requests_processing gauge\nllamacpp:requests_processing " +
              number(now.running) +
              "\n# TYPE llamacpp:requests_deferred gauge\nllamacpp:requests_deferred " +
              number(now.waiting) + "\n");
}

stub_answer sglang_path(const stub_options& options, std::string_view path, const load& now,
                        std::string_view method) {
  auto model = quoted(options.model);
  auto version = quoted(options.weight_version);
  if (path == "/health" || path == "/health_generate") return text("");
  if (path == "/model_info" || path == "/get_model_info")
    return json(R"({"model_path":)" + model + R"(,"tokenizer_path":)" + model +
                R"(,"is_generation":true,"preferred_sampling_params":null,"weight_version":)" +
                version + "}");
  if (path == "/server_info" || path == "/get_server_info")
    return json(R"({"model_path":)" + model + R"(,"served_model_name":)" + model +
                R"(,"context_length":)" + number(options.context_tokens) + R"(,"weight_version":)" +
                version + R"(,"internal_states":[{"last_gen_throughput":0.0}],"version":"0.5.2"})");
  if (path == "/v1/loads")
    return json(R"({"timestamp":"2026-01-01T00:00:00","version":"0.5.2","dp_rank_count":1,)"
                R"("loads":[{"dp_rank":0,"num_running_reqs":)" +
                number(now.running) + R"(,"num_waiting_reqs":)" + number(now.waiting) +
                R"(,"token_usage":0.25,"gen_throughput":0.0,"cache_hit_rate":0.5,)"
                R"("utilization":0.0}]})");
  if (path == "/flush_cache" && method == "POST") {
    if (now.running + now.waiting == 0) return text("Cache flushed.\n");
    auto refused = text("Flush cache failed.\n");
    refused.status = 400;
    return refused;
  }
  return no_such_path(stub_kind::sglang);
}

stub_answer vllm_path(const stub_options& options, std::string_view path, const load& now) {
  if (path == "/health" || path == "/ping") return text("");
  if (path == "/version") return json(R"({"version":"0.11.0"})");
  if (path == "/load") return json(R"({"server_load":)" + number(now.running + now.waiting) + "}");
  if (path == "/weight_info")
    return json(R"({"weight_version":)" + quoted(options.weight_version) + "}");
  if (path != "/metrics" || !options.metrics) return no_such_path(stub_kind::vllm);
  auto labels = R"({engine="0",model_name=)" + quoted(options.model) + "} ";
  return text("# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running" + labels +
              number(now.running) +
              ".0\n# TYPE vllm:num_requests_waiting gauge\nvllm:num_requests_waiting" + labels +
              number(now.waiting) +
              ".0\n# TYPE vllm:kv_cache_usage_perc gauge\nvllm:kv_cache_usage_perc" + labels +
              "0.25\n");
}

}  // namespace

stub_answer answer_path(const stub_options& options, const stub_request& request,
                        const stub_counts& counts) {
  if (request.path == "/v1/models") return models(options);
  if (request.path == "/v1/chat/completions")
    return options.kind == stub_kind::llama_cpp ? no_such_path(options.kind)
                                                : json(R"({"detail":"Method Not Allowed"})", 405);
  auto now = load_of(options, counts);
  switch (options.kind) {
    case stub_kind::llama_cpp:
      return llama_path(options, request.path, now, request.query);
    case stub_kind::sglang:
      return sglang_path(options, request.path, now, request.method);
    case stub_kind::vllm:
      return vllm_path(options, request.path, now);
    default:
      return no_such_path(options.kind);
  }
}

stub_answer answer_unknown_model(const stub_options& options, std::string_view model) {
  return refuse(options.kind, 404, "The model `" + std::string{model} + "` does not exist.",
                "NotFoundError");
}

stub_answer answer_unauthorized(const stub_options& options) {
  if (options.kind == stub_kind::llama_cpp)
    return refuse(options.kind, 401, "Invalid API Key", "authentication_error");
  return json(R"({"error":"Unauthorized"})", 401);
}

stub_answer answer_loading() {
  return json(R"({"error":{"message":"Loading model","type":"unavailable_error","code":503}})",
              503);
}

std::string_view server_header(stub_kind kind) {
  if (kind == stub_kind::openai) return "stub";
  return kind == stub_kind::llama_cpp ? "llama.cpp" : "uvicorn";
}

}  // namespace tandem::test::stub
