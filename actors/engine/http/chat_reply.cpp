#include "actors/engine/http/chat_reply.hpp"

#include <algorithm>
#include <utility>

#include <simdjson.h>

#include "schema/text.hpp"

namespace tandem {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

/// No tokenizer puts more bytes into a token, on average over a text.
constexpr std::uint64_t token_bytes_max = 256;
/// What a server may add to a prompt: templates, its own system prompt.
constexpr std::uint64_t template_tokens_max = 8192;
/// A parser is kept for the next event unless a huge document made it huge.
constexpr std::size_t kept_capacity_max = std::size_t{1} << 20;

simdjson::dom::parser& kept_parser() {
  thread_local simdjson::dom::parser parser;
  if (parser.capacity() > kept_capacity_max) parser = simdjson::dom::parser{};
  return parser;
}

/// Parses, and once more with invalid UTF-8 replaced.
simdjson::error_code parse(std::string_view json, element& out) {
  auto& parser = kept_parser();
  auto code = parser.parse(json.data(), json.size()).get(out);
  if (code == simdjson::UTF8_ERROR) {
    auto repaired = valid_utf8(json);
    code = parser.parse(repaired.data(), repaired.size()).get(out);
  }
  return code;
}

}  // namespace

/// Walks through one JSON document for its reply.
struct chat_reply::reader {
  chat_reply& reply;
  /// `delta` or `message`.
  std::string_view part;

  news read(const object& root) {
    if (auto usage = root["usage"]; usage.error() == simdjson::SUCCESS) read_usage(usage.value());
    auto choices = root["choices"];
    if (choices.error() != simdjson::SUCCESS) {
      // Some servers send usage alone, or pings.
      if (part == "delta") return {};
      return reply.fail(errc::engine_failed, "the answer has no choices");
    }
    simdjson::dom::array list;
    if (choices.get(list) != simdjson::SUCCESS)
      return reply.fail(errc::engine_failed, "choices is no list");
    news out;
    bool is_read = false;
    bool others_progressed = false;
    for (auto choice : list) {
      std::uint64_t index = 0;
      if (is_read || (choice["index"].get(index) == simdjson::SUCCESS && index != 0)) {
        others_progressed |= read_other(choice);
        continue;
      }
      is_read = true;
      out = read_choice(choice);
      if (out.now == state::failed) return out;
    }
    out.progressed |= others_progressed;
    if (out.progressed) reply.has_progressed_ = true;
    return out;
  }

  /// Of a choice that is not ours to read: only that the server goes on, and what it wrote.
  bool read_other(const element& choice) {
    object fields;
    object inner;
    if (choice.get(fields) != simdjson::SUCCESS) return false;
    auto reason = fields["finish_reason"];
    bool progressed = reason.error() == simdjson::SUCCESS && !reason.is_null();
    if (fields[part].get(inner) != simdjson::SUCCESS) return progressed;
    std::string_view text;
    bool wrote = inner["content"].get(text) == simdjson::SUCCESS && !text.empty();
    if (wrote) reply.beside_bytes_ += text.size();
    wrote |= read_beside(inner);
    reply.deltas_ += wrote ? 1 : 0;
    return progressed || wrote;
  }

  /// Thoughts and calls of tools: tokens too, though no text.
  bool read_beside(const object& inner) {
    bool any = false;
    for (auto hidden : {"reasoning_content", "reasoning"}) {
      std::string_view thought;
      any |= inner[hidden].get(thought) == simdjson::SUCCESS && !thought.empty();
    }
    simdjson::dom::array calls;
    if (inner["tool_calls"].get(calls) == simdjson::SUCCESS) {
      for (auto call : calls) {
        any = true;
        object function;
        if (call["function"].get(function) == simdjson::SUCCESS) read_function(function);
      }
    }
    object function;
    if (inner["function_call"].get(function) == simdjson::SUCCESS) {
      any = true;
      read_function(function);
    }
    return any;
  }

  void read_function(const object& function) {
    for (auto written : {"name", "arguments"}) {
      std::string_view text;
      if (function[written].get(text) == simdjson::SUCCESS) reply.beside_bytes_ += text.size();
    }
  }

  news read_choice(const element& choice) {
    object fields;
    if (choice.get(fields) != simdjson::SUCCESS)
      return reply.fail(errc::engine_failed, "choices[0] is no object");
    news out;
    object inner;
    auto content = fields[part];
    if (content.error() == simdjson::SUCCESS && !content.is_null()) {
      if (content.get(inner) != simdjson::SUCCESS)
        return reply.fail(errc::engine_failed, "choices[0]." + std::string{part} + " is no object");
      out = read_text(inner);
      if (out.now == state::failed) return out;
    } else if (part == "message") {
      return reply.fail(errc::engine_failed,
                        "choices[0] has no message: the server did not answer as a chat");
    }
    reply.has_choice_ = true;
    auto reason = fields["finish_reason"];
    if (reason.error() == simdjson::SUCCESS && !reason.is_null()) {
      std::string_view word;
      if (reason.get(word) != simdjson::SUCCESS)
        return reply.fail(errc::engine_failed, "finish_reason is no text");
      if (auto failed = read_finish(word); failed.now == state::failed) return failed;
      out.progressed = true;
    }
    return out;
  }

  news read_text(const object& inner) {
    news out;
    auto content = inner["content"];
    if (content.error() == simdjson::SUCCESS && !content.is_null()) {
      std::string_view text;
      if (content.get(text) != simdjson::SUCCESS)
        return reply.fail(errc::engine_failed,
                          "choices[0]." + std::string{part} + ".content is no text");
      auto before = reply.text_.size();
      reply.text_ += text;
      out.text = std::string_view{reply.text_}.substr(before);
      out.progressed = !text.empty();
    }
    out.progressed |= read_beside(inner);
    reply.deltas_ += out.progressed ? 1 : 0;
    return out;
  }

  news read_finish(std::string_view word) {
    if (word == "length") {
      reply.finish_ = schema::Finish::LENGTH;
    } else if (word == "content_filter") {
      return reply.fail(errc::invalid_argument,
                        "the server's content filter withheld the answer (content_filter)");
    } else if (word == "abort" || word == "error") {
      return reply.fail(errc::engine_failed,
                        "the server gave the answer up (finish_reason " + std::string{word} + ")");
    } else if (!word.empty()) {
      reply.finish_ = schema::Finish::STOP;
    }
    return {};
  }

  void read_usage(const element& value) {
    if (value.is_null()) return;
    object fields;
    usage said;
    reply.has_usage_ = false;
    if (value.get(fields) != simdjson::SUCCESS ||
        fields["prompt_tokens"].get(said.prompt) != simdjson::SUCCESS ||
        fields["completion_tokens"].get(said.completion) != simdjson::SUCCESS) {
      reply.usage_doubt_ = "its fields are no numbers of tokens";
      return;
    }
    object details;
    if (fields["prompt_tokens_details"].get(details) == simdjson::SUCCESS &&
        details["cached_tokens"].error() == simdjson::SUCCESS &&
        !details["cached_tokens"].is_null() &&
        details["cached_tokens"].get(said.cached) != simdjson::SUCCESS) {
      reply.usage_doubt_ = "cached_tokens is no number of tokens";
      return;
    }
    reply.usage_ = said;
    reply.has_usage_ = true;
    reply.usage_doubt_.clear();
  }
};

chat_reply::chat_reply(const generation_request& request, std::uint32_t context_tokens,
                       std::string_view key_source)
    : messages_{request.messages.size()},
      max_tokens_{std::uint64_t{request.max_tokens} * request.completions},
      completions_{std::max(request.completions, 1u)},
      context_tokens_{context_tokens},
      key_source_{key_source} {
  for (const auto& turn : request.messages) prompt_bytes_ += turn.content.size();
  passed_bytes_ = request.client_body.size();
}

chat_reply::news chat_reply::fail(errc code, std::string text) {
  verdict_ = {code, std::move(text)};
  return {.now = state::failed};
}

chat_reply::news chat_reply::finish() {
  if (!has_choice_) return fail(errc::engine_failed, "the answer is empty: it has no choices");
  if (finish_ == schema::Finish::UNKNOWN) {
    if (!has_progressed_)
      return fail(errc::engine_failed, "the answer has neither text nor a finish_reason");
    finish_ = schema::Finish::STOP;
  }
  return {.now = state::done, .progressed = true};
}

chat_reply::news chat_reply::read_event(std::string_view data) {
  if (data == "[DONE]") return finish();
  element root;
  object fields;
  if (auto code = parse(data, root); code != simdjson::SUCCESS)
    return fail(errc::engine_failed, "an event is broken JSON (" +
                                         std::string{simdjson::error_message(code)} +
                                         "): " + one_line(data, 80));
  if (root.get(fields) != simdjson::SUCCESS)
    return fail(errc::engine_failed, "an event is no JSON object: " + one_line(data, 80));
  bool has_error = fields["error"].error() == simdjson::SUCCESS && !fields["error"].is_null();
  if (has_error || fields["choices"].error() != simdjson::SUCCESS) {
    auto error = read_server_error(data);
    if (error) {
      verdict_ = judge_error(*error, key_source_);
      return {.now = state::failed};
    }
    if (has_error) return fail(errc::engine_failed, "an error event: " + one_line(data, 200));
  }
  return reader{*this, "delta"}.read(fields);
}

chat_reply::news chat_reply::read_answer(std::string_view json) {
  element root;
  object fields;
  if (auto code = parse(json, root); code != simdjson::SUCCESS)
    return fail(errc::engine_failed, json.empty()
                                         ? "the answer is empty"
                                         : "the answer is broken JSON (" +
                                               std::string{simdjson::error_message(code)} + ")");
  if (root.get(fields) != simdjson::SUCCESS)
    return fail(errc::engine_failed, "the answer is no JSON object: " + one_line(json, 80));
  if (fields["choices"].error() != simdjson::SUCCESS) {
    if (auto error = read_server_error(json)) {
      verdict_ = judge_error(*error, key_source_);
      return {.now = state::failed};
    }
  }
  auto out = reader{*this, "message"}.read(fields);
  if (out.now == state::failed) return out;
  auto end = finish();
  return end.now == state::failed ? end : news{state::done, out.text, true};
}

chat_reply::news chat_reply::read_vectors(std::string_view json) {
  element root;
  object fields;
  if (parse(json, root) != simdjson::SUCCESS || root.get(fields) != simdjson::SUCCESS)
    return fail(errc::engine_failed, "the answer is no JSON object: " + one_line(json, 80));
  simdjson::dom::array list;
  if (fields["data"].get(list) != simdjson::SUCCESS) {
    if (auto error = read_server_error(json)) {
      verdict_ = judge_error(*error, key_source_);
      return {.now = state::failed};
    }
    return fail(errc::engine_failed, "the answer has no data: the server makes no vectors");
  }
  auto usage = fields["usage"];
  if (usage.error() == simdjson::SUCCESS &&
      usage["prompt_tokens"].get(usage_.prompt) == simdjson::SUCCESS)
    has_usage_ = true;
  has_choice_ = has_progressed_ = true;
  finish_ = schema::Finish::STOP;
  return {.now = state::done, .progressed = true};
}

http_verdict chat_reply::cut_verdict() const {
  if (!has_choice_) return {errc::engine_failed, "the answer is empty"};
  if (finish_ != schema::Finish::UNKNOWN)
    return {errc::engine_failed,
            "the stream was cut: it ended after its finish_reason without [DONE]"};
  return {errc::engine_failed, "the stream was cut: it ended without [DONE] after " +
                                   std::to_string(text_.size()) + " bytes of text"};
}

std::string chat_reply::doubt(const usage& said) const {
  auto prompt_most = std::max(prompt_bytes_, passed_bytes_) + 64 * messages_ + template_tokens_max;
  auto out = [](std::string_view what, std::uint64_t tokens) {
    return std::string{what} + " of " + std::to_string(tokens) + " tokens";
  };
  if (said.prompt > prompt_most || said.prompt < prompt_bytes_ / token_bytes_max)
    return out("a prompt", said.prompt);
  if (said.cached > said.prompt) return out("a cached prompt", said.cached);
  if ((max_tokens_ > 0 && said.completion > max_tokens_) ||
      said.completion < (text_.size() + token_bytes_max - 1) / token_bytes_max)
    return out("an answer", said.completion);
  if (context_tokens_ > 0 &&
      said.prompt + said.completion / completions_ > context_tokens_ + std::uint64_t{1})
    return out("prompt and answer", said.prompt + said.completion);
  // What was asked for without a limit, and of a server that does not say its context.
  if (said.completion > std::max(text_.size() + beside_bytes_, deltas_) + (std::uint64_t{1} << 20))
    return out("an answer", said.completion);
  return {};
}

chat_reply::usage chat_reply::estimate() const {
  // A delta is a token or more; four bytes a token is what English comes to.
  usage out;
  out.prompt = (prompt_bytes_ + 3) / 4 + 4 * messages_;
  out.completion = std::max<std::uint64_t>(deltas_, (text_.size() + beside_bytes_ + 3) / 4);
  if (max_tokens_ > 0) out.completion = std::min<std::uint64_t>(out.completion, max_tokens_);
  return out;
}

void chat_reply::write_usage(generation& out) const {
  auto counted = has_usage_ && doubt(usage_).empty() ? usage_ : estimate();
  out.prompt_tokens = counted.prompt;
  out.cached_prompt_tokens = counted.cached;
  out.completion_tokens = counted.completion;
}

generation chat_reply::result() && {
  generation out{.finish = finish_};
  write_usage(out);
  auto why = has_usage_ ? doubt(usage_) : usage_doubt_;
  if (!why.empty())
    out.error = "tokens are estimated: the server's usage cannot be believed: " + why;
  else if (!has_usage_)
    out.error = "tokens are estimated: the server said no usage";
  out.text = std::move(text_);
  return out;
}

generation chat_reply::result(errc code, std::string error) && {
  generation out{
      .code = code,
      .error = std::move(error),
      .finish = code == errc::cancelled ? schema::Finish::CANCELLED : schema::Finish::ERROR};
  // Nobody pays for a request that was refused or never begun.
  if (has_progressed_ || has_usage_) write_usage(out);
  out.text = std::move(text_);
  return out;
}

}  // namespace tandem
