// Reads a plan while a model is still writing it.
//
// Bytes may be cut anywhere, also inside an escape or a UTF-8 character. Each step comes out with
// its closing brace, validated against the limits and the steps before it, its ids final. Text
// before the opening brace (prose, a code fence) is skipped up to a limit; text behind the closing
// brace is neither kept nor looked at. The cut does not matter: the same bytes give the same steps
// and the same error. Time is linear in the bytes fed; memory is one step, bounded by the limits.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/job/plan/id_space.hpp"
#include "actors/job/plan/plan.hpp"
#include "actors/job/plan/step_reader.hpp"
#include "actors/job/plan/value_scanner.hpp"

namespace tandem::plan {

class plan_parser {
 public:
  // `tools` are the names that a step's `tool` may have. Both spans are only read here.
  explicit plan_parser(const limits& bounds = {}, const id_scope& scope = {},
                       std::span<const std::string> tools = {});

  // Appends the steps that this piece completes. Null, or the error: from then on nothing more
  // comes, but the steps that came before stay good. Points into the parser.
  [[nodiscard]] const plan_error* feed(std::string_view piece, std::vector<step>& out);

  // No more bytes will come. May be called again, with the same outcome.
  [[nodiscard]] result<answer> finish();

  // The plan's closing brace was seen and all is well: the model may be stopped.
  [[nodiscard]] bool complete() const { return state_ == state::complete; }
  [[nodiscard]] const plan_error* error() const { return error_ ? &*error_ : nullptr; }
  // Bytes looked at, by the scanner and again by the JSON parser: at most about twice what was fed.
  [[nodiscard]] std::size_t work_bytes() const { return work_bytes_; }

 private:
  enum class state : unsigned char {
    prose,         // before the plan
    opened,        // a brace that opens the plan if a key or its end follows
    first_member,  // a key or }
    member,        // a key
    colon,
    value,
    after_member,  // , or }
    first_step,    // { or ]
    next_step,     // {
    after_step,    // , or ]
    capturing,     // inside a value of kind target_
    complete,
    failed,
  };
  enum class target : unsigned char { key, step, answer, other };

  void consume(char c, std::vector<step>& out);
  void on_prose(char c);
  void on_structure(char c);
  void on_value(char c);
  void on_capture(char c, std::vector<step>& out);
  void begin_capture(target what, char first);
  void append(char c);
  void captured(std::vector<step>& out);
  void captured_key();
  void captured_step(std::vector<step>& out);
  void captured_answer();
  void begin_step(char first);
  void close();
  void scan_failed(scan why, char c);
  void unexpected(std::string_view wanted, char c);
  void fail(plan_error error);
  void fail(plan_errc code, std::string_view text);
  [[nodiscard]] std::size_t capture_bytes_max() const;
  [[nodiscard]] plan_error cut_short() const;

  limits bounds_;
  step_reader reader_;
  id_space ids_;
  value_scanner scanner_;
  state state_ = state::prose;
  target target_ = target::key;
  std::string capture_;            // the text of the value under way
  std::size_t capture_begin_ = 0;  // where it started in the stream
  std::size_t offset_ = 0;         // of the byte being looked at
  std::size_t work_bytes_ = 0;
  std::size_t answer_begin_ = 0;
  target member_ = target::other;  // what the key just read announces
  bool steps_seen_ = false;
  bool answer_seen_ = false;
  std::optional<answer> written_answer_;
  answer final_answer_;
  std::optional<plan_error> error_;
};

}  // namespace tandem::plan
