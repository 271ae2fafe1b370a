#include <algorithm>
#include <array>

#include "actors/openai/request_field.hpp"

namespace tandem::dialect {
namespace {

// Passed on is what shapes one call's own answer or its speed, and what only parts its prefix cache
// further from others (cache_salt). Without effect is what says where, when or as which id a call
// runs: that is Tandem's to choose, and a client of one server loses nothing. Refused is what
// reaches other callers or other servers, runs code, or asks another model or text than was named.
constexpr std::string_view use_n = "is not taken: use `n`";
constexpr std::string_view use_model =
    "is not taken: name the model that has the adapter in `model`";
constexpr std::string_view use_messages =
    "is not taken: it would by-pass what is checked and counted; send `messages`";
constexpr std::string_view keeps_nothing =
    "is not taken: it goes on with the state of another call; send the whole conversation, and "
    "`tandem.session` to keep its calls together";
constexpr std::string_view between_servers = "is not taken: it is between servers";
constexpr std::string_view runs_code =
    "is not taken: it would run or configure code in a server that others use";

using enum effect;

constexpr std::array engine_table{
    request_field{"adaptive_decay", shape::number, passed},
    request_field{"adaptive_target", shape::number, passed},
    request_field{"add_generation_prompt", shape::boolean, passed},
    request_field{"add_special_tokens", shape::boolean, passed},
    request_field{"allowed_token_ids", shape::array, passed},
    request_field{"backend_sampling", shape::boolean, passed},
    request_field{"bad_words", shape::array, passed},
    request_field{"best_of", shape::integer, passed},
    request_field{"bootstrap_host", shape::any, refused, 0, 0, between_servers},
    request_field{"bootstrap_port", shape::any, refused, 0, 0, between_servers},
    request_field{"bootstrap_room", shape::any, refused, 0, 0, between_servers},
    request_field{"cache_prompt", shape::boolean, passed},
    request_field{"cache_salt", shape::string, passed},
    request_field{"chat_template", shape::string, passed},
    request_field{"chat_template_kwargs", shape::object, passed},
    request_field{"continue_final_message", shape::any, passed},
    request_field{"custom_logit_processor", shape::any, refused, 0, 0, runs_code},
    request_field{"custom_params", shape::any, refused, 0, 0, runs_code},
    request_field{"data_parallel_rank", shape::integer, none},
    request_field{"disagg_prefill_dp_rank", shape::any, refused, 0, 0, between_servers},
    request_field{"documents", shape::array, passed},
    request_field{"dry_allowed_length", shape::integer, passed},
    request_field{"dry_base", shape::number, passed},
    request_field{"dry_multiplier", shape::number, passed},
    request_field{"dry_penalty_last_n", shape::integer, passed},
    request_field{"dry_sequence_breakers", shape::array, passed},
    request_field{"dynatemp_exponent", shape::number, passed},
    request_field{"dynatemp_range", shape::number, passed},
    request_field{"ebnf", shape::string, passed},
    request_field{"ec_transfer_params", shape::any, refused, 0, 0, between_servers},
    request_field{"echo", shape::boolean, passed},
    request_field{"extra_key", shape::strings, passed},
    request_field{"grammar", shape::string, passed},
    request_field{"guided_choice", shape::array, passed},
    request_field{"guided_decoding_backend", shape::string, passed},
    request_field{"guided_grammar", shape::string, passed},
    request_field{"guided_json", shape::choice, passed},
    request_field{"guided_regex", shape::string, passed},
    request_field{"guided_whitespace_pattern", shape::string, passed},
    request_field{"id_slot", shape::integer, none},
    request_field{"ignore_eos", shape::boolean, passed},
    request_field{"images_config", shape::object, passed},
    request_field{"include_reasoning", shape::boolean, passed},
    request_field{"include_stop_str_in_output", shape::boolean, passed},
    request_field{"input_ids", shape::any, refused, 0, 0, use_messages},
    request_field{"json_schema", shape::choice, passed},
    request_field{"kv_transfer_params", shape::any, refused, 0, 0, between_servers},
    request_field{"length_penalty", shape::number, passed},
    request_field{"logits_processors", shape::any, refused, 0, 0, runs_code},
    request_field{"logprob_token_ids", shape::array, passed},
    request_field{"lora", shape::array, refused, 0, 0, use_model, "[]"},
    request_field{"lora_path", shape::any, refused, 0, 0, use_model},
    request_field{"max_dynamic_patch", shape::integer, passed},
    request_field{"media_io_kwargs", shape::object, passed},
    request_field{"min_dynamic_patch", shape::integer, passed},
    request_field{"min_keep", shape::integer, passed},
    request_field{"min_p", shape::number, passed, 0, 1},
    request_field{"min_tokens", shape::integer, passed},
    request_field{"mirostat", shape::integer, passed},
    request_field{"mirostat_eta", shape::number, passed},
    request_field{"mirostat_tau", shape::number, passed},
    request_field{"mm_processor_kwargs", shape::object, passed},
    request_field{"n_cache_reuse", shape::integer, passed},
    request_field{"n_cmpl", shape::integer, refused, 0, 0, use_n, "1"},
    request_field{"n_discard", shape::integer, passed},
    request_field{"n_indent", shape::integer, passed},
    request_field{"n_keep", shape::integer, passed},
    request_field{"n_predict", shape::integer, honoured, -1, 2147483647},
    request_field{"n_probs", shape::integer, passed},
    request_field{"no_stop_trim", shape::boolean, passed},
    request_field{"parse_tool_calls", shape::boolean, passed},
    request_field{"post_sampling_probs", shape::boolean, passed},
    request_field{"priority", shape::integer, none},
    request_field{"prompt_logprobs", shape::integer, passed},
    request_field{"reasoning_budget", shape::integer, passed},
    request_field{"reasoning_budget_message", shape::string, passed},
    request_field{"reasoning_budget_tokens", shape::integer, passed},
    request_field{"reasoning_control", shape::boolean, passed},
    request_field{"reasoning_format", shape::string, passed},
    request_field{"regex", shape::string, passed},
    request_field{"repeat_last_n", shape::integer, passed},
    request_field{"repeat_penalty", shape::number, passed},
    request_field{"repetition_detection", shape::object, passed},
    request_field{"repetition_penalty", shape::number, passed},
    request_field{"request_id", shape::string, none},
    request_field{"response_fields", shape::array, passed},
    request_field{"return_cached_tokens_details", shape::boolean, passed},
    request_field{"return_hidden_states", shape::any, passed},
    request_field{"return_meta_info", shape::boolean, passed},
    request_field{"return_progress", shape::boolean, passed},
    request_field{"return_prompt_text", shape::boolean, passed},
    request_field{"return_prompt_token_ids", shape::boolean, passed},
    request_field{"return_routed_experts", shape::boolean, passed},
    request_field{"return_token_ids", shape::boolean, passed},
    request_field{"return_tokens", shape::boolean, passed},
    request_field{"return_tokens_as_token_ids", shape::boolean, passed},
    request_field{"rid", shape::strings, none},
    request_field{"routed_dp_rank", shape::integer, none},
    request_field{"routed_experts_prompt_start", shape::integer, passed},
    request_field{"routed_experts_start_len", shape::integer, passed},
    request_field{"samplers", shape::any, passed},
    request_field{"separate_reasoning", shape::boolean, passed},
    request_field{"session_id", shape::string, honoured, 0, 256},
    request_field{"session_params", shape::any, refused, 0, 0, keeps_nothing},
    request_field{"skip_special_tokens", shape::boolean, passed},
    request_field{"spaces_between_special_tokens", shape::boolean, passed},
    request_field{"speculative.n_max", shape::integer, passed},
    request_field{"speculative.n_min", shape::integer, passed},
    request_field{"speculative.p_min", shape::number, passed},
    request_field{"sse_ping_interval", shape::integer, passed},
    request_field{"stop_regex", shape::strings, passed},
    request_field{"stop_token_ids", shape::array, passed},
    request_field{"stream_interval", shape::integer, passed},
    request_field{"stream_reasoning", shape::boolean, passed},
    request_field{"structural_tag", shape::any, passed},
    request_field{"structured_outputs", shape::object, passed},
    request_field{"t_max_predict_ms", shape::integer, passed},
    request_field{"task", shape::string, passed},
    request_field{"thinking_budget_tokens", shape::integer, passed},
    request_field{"thinking_forced_open", shape::boolean, passed},
    request_field{"thinking_token_budget", shape::integer, passed},
    request_field{"timings_per_token", shape::boolean, passed},
    request_field{"top_k", shape::integer, honoured, -1, 1000000},
    request_field{"top_n_sigma", shape::number, passed},
    request_field{"truncate_prompt_tokens", shape::integer, passed},
    request_field{"truncation_side", shape::string, passed},
    request_field{"typical_p", shape::number, passed},
    request_field{"use_audio_in_video", shape::boolean, passed},
    request_field{"use_beam_search", shape::boolean, passed},
    request_field{"verbose", shape::boolean, passed},
    request_field{"vllm_xargs", shape::any, refused, 0, 0, runs_code},
    request_field{"watermarking", shape::boolean, passed},
    request_field{"xtc_probability", shape::number, passed},
    request_field{"xtc_threshold", shape::number, passed},
};

static_assert(std::ranges::is_sorted(engine_table, {}, &request_field::name));

}  // namespace

std::span<const request_field> engine_fields() {
  return engine_table;
}

}  // namespace tandem::dialect
