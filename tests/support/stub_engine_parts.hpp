#pragma once

#include <string>
#include <string_view>

#include "tests/support/stub_engine.hpp"

// What the stub's loop is made of; see stub_engine.hpp.
namespace tandem::test::stub {

/// Bytes that `in` starts with and make one request; 0: not all of it is here. Fills `request` but
/// for what its body says. `bad`: no request, and never will be.
[[nodiscard]] std::size_t read_request(std::string_view in, stub_request& request, bool& bad);
/// Whether the head alone is here and asks to be told to go on.
[[nodiscard]] bool wants_continue(std::string_view in);

void append_json(std::string& to, std::string_view text);
/// How the client learns where the body ends.
enum class framing { length, chunked, until_close };
void append_head(std::string& to, const stub_answer& answer, std::string_view content_type,
                 framing how, std::size_t length, std::string_view server);

/// Of one streamed or plain answer; the model's name is the stub's own.
struct chat_form {
  std::string_view model;
  std::uint64_t prompt_tokens = 0;
  bool include_usage = false;
};

[[nodiscard]] std::uint64_t tokens_of(const stub_answer& answer);
void append_plain(std::string& to, const stub_answer& answer, const chat_form& form);
void append_role(std::string& to, const chat_form& form);
void append_piece(std::string& to, const chat_form& form, std::string_view text);
/// finish_reason and usage.
void append_last(std::string& to, const stub_answer& answer, const chat_form& form);
/// `data: {…}`, as one HTTP chunk.
void append_event(std::string& to, std::string_view json);
/// Piece `i` of `count`, never within a UTF-8 sequence.
[[nodiscard]] std::string_view piece_of(std::string_view text, std::size_t i, std::size_t count);

/// What the server pretended to be answers when it is not asked to chat; 404 in its own words for
/// paths that it does not have.
[[nodiscard]] stub_answer answer_path(const stub_options& options, const stub_request& request,
                                      const stub_counts& counts);
[[nodiscard]] stub_answer answer_unknown_model(const stub_options& options, std::string_view model);
[[nodiscard]] stub_answer answer_unauthorized(const stub_options& options);
[[nodiscard]] stub_answer answer_loading();
[[nodiscard]] std::string_view server_header(stub_kind kind);

}  // namespace tandem::test::stub
