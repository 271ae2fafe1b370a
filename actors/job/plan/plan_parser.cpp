#include "actors/job/plan/plan_parser.hpp"

#include <algorithm>
#include <utility>

namespace tandem::plan {
namespace {

constexpr std::size_t key_bytes_max = 1024;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string bytes(std::size_t count) {
  return std::to_string(count) + " bytes";
}

}  // namespace

plan_parser::plan_parser(const limits& bounds, const id_scope& scope,
                         std::span<const std::string> tools)
    : bounds_(bounds), reader_(bounds, tools), ids_(bounds, scope) {}

const plan_error* plan_parser::feed(std::string_view piece, std::vector<step>& out) {
  for (const char c : piece) {
    if (state_ == state::failed || state_ == state::complete) break;
    consume(c, out);
    ++offset_;
  }
  return error();
}

result<answer> plan_parser::finish() {
  if (state_ == state::complete) return final_answer_;
  if (state_ != state::failed) fail(cut_short());
  return *error_;
}

void plan_parser::consume(char c, std::vector<step>& out) {
  ++work_bytes_;
  if (offset_ >= bounds_.plan_bytes_max) {
    return fail(plan_errc::plan_too_large, "the plan is longer than " +
                                               bytes(bounds_.plan_bytes_max) +
                                               "; write fewer or shorter steps");
  }
  if (state_ == state::capturing) return on_capture(c, out);
  if (state_ == state::prose || state_ == state::opened) return on_prose(c);
  if (!is_space(c)) on_structure(c);
}

// A brace in prose ("{x}") opens no plan; one with a key behind it does, and so does {}.
void plan_parser::on_prose(char c) {
  if (state_ == state::opened && (c == '"' || c == '}')) {
    state_ = state::first_member;
    return on_structure(c);
  }
  if (c == '{') {
    state_ = state::opened;
  } else if (!is_space(c)) {
    state_ = state::prose;
  }
  if (offset_ >= bounds_.prose_bytes_max) {
    fail(plan_errc::not_a_plan, "no JSON object in the first " + bytes(bounds_.prose_bytes_max) +
                                    "; write only the plan: {\"steps\":[...],\"answer\":...}");
  }
}

void plan_parser::on_structure(char c) {
  switch (state_) {
    case state::first_member:
    case state::member:
      if (c == '"') return begin_capture(target::key, c);
      if (c == '}' && state_ == state::first_member) return close();
      return unexpected("a key in double quotes", c);
    case state::colon:
      if (c != ':') return unexpected("':' behind the key", c);
      state_ = state::value;
      return;
    case state::value:
      return on_value(c);
    case state::after_member:
      if (c == '}') return close();
      if (c != ',') return unexpected("',' or '}'", c);
      state_ = state::member;
      return;
    case state::first_step:
    case state::next_step:
      if (c == '{') return begin_step(c);
      if (c != ']' || state_ == state::next_step) return unexpected("a step: {\"id\":...}", c);
      state_ = state::after_member;
      return;
    case state::after_step:
      if (c != ',' && c != ']') return unexpected("',' or ']' behind the step", c);
      state_ = c == ',' ? state::next_step : state::after_member;
      return;
    default:
      return unexpected("nothing", c);
  }
}

void plan_parser::on_value(char c) {
  if (member_ != target::step) return begin_capture(member_, c);
  if (c != '[') return unexpected("'[': \"steps\" must be an array", c);
  state_ = state::first_step;
}

void plan_parser::begin_step(char first) {
  if (ids_.size() >= bounds_.steps_max) {
    return fail(
        plan_errc::too_many_steps,
        "the plan has more than " + std::to_string(bounds_.steps_max) + " steps; do more in each");
  }
  begin_capture(target::step, first);
}

void plan_parser::begin_capture(target what, char first) {
  state_ = state::capturing;
  target_ = what;
  capture_.clear();
  capture_begin_ = offset_;
  scanner_.reset(bounds_.json_depth_max);
  const scan seen = scanner_.push(first);
  if (seen != scan::more) return scan_failed(seen, first);
  append(first);
}

void plan_parser::on_capture(char c, std::vector<step>& out) {
  switch (const scan seen = scanner_.push(c)) {
    case scan::more:
      return append(c);
    case scan::complete:
      append(c);
      if (state_ != state::failed) captured(out);
      return;
    case scan::ended_before:
      captured(out);
      if (state_ != state::failed && !is_space(c)) on_structure(c);
      return;
    default:
      return scan_failed(seen, c);
  }
}

std::size_t plan_parser::capture_bytes_max() const {
  switch (target_) {
    case target::key:
      return key_bytes_max;
    case target::step:
      return bounds_.step_bytes_max;
    case target::answer:
      return bounds_.compose_bytes_max;
    case target::other:
      return bounds_.plan_bytes_max;
  }
  return 0;
}

void plan_parser::append(char c) {
  if (capture_.size() < capture_bytes_max()) {
    capture_ += c;
    return;
  }
  const std::string over = " is longer than " + bytes(capture_bytes_max());
  if (target_ == target::step) {
    return fail(make_error(plan_errc::step_too_large, capture_begin_, 0,
                           "a step" + over + "; split it, or shorten its prompt"));
  }
  fail(make_error(plan_errc::text_too_large, capture_begin_, 0,
                  (target_ == target::key ? "a key" : "the answer") + over + "; shorten it"));
}

void plan_parser::captured(std::vector<step>& out) {
  work_bytes_ += capture_.size();
  switch (target_) {
    case target::key:
      return captured_key();
    case target::step:
      return captured_step(out);
    case target::answer:
      return captured_answer();
    case target::other:
      state_ = state::after_member;
      if (auto failed = reader_.check_value(capture_, capture_begin_)) fail(std::move(*failed));
      return;
  }
}

void plan_parser::captured_key() {
  auto key = reader_.read_key(capture_, capture_begin_);
  if (auto* failed = std::get_if<plan_error>(&key)) return fail(std::move(*failed));
  const auto& name = std::get<std::string>(key);
  member_ = name == "steps" ? target::step : name == "answer" ? target::answer : target::other;
  const bool again = (member_ == target::step && std::exchange(steps_seen_, true)) ||
                     (member_ == target::answer && std::exchange(answer_seen_, true));
  if (again) {
    return fail(plan_errc::duplicate_key, "the key \"" + name + "\" appears twice; write it once");
  }
  state_ = state::colon;
}

void plan_parser::captured_step(std::vector<step>& out) {
  auto read = reader_.read_step(capture_, capture_begin_);
  if (auto* failed = std::get_if<plan_error>(&read)) return fail(std::move(*failed));
  auto& next = std::get<step>(read);
  if (auto failed = ids_.admit(next, capture_begin_)) return fail(std::move(*failed));
  out.push_back(std::move(next));
  state_ = state::after_step;
}

void plan_parser::captured_answer() {
  auto read = reader_.read_answer(capture_, capture_begin_);
  if (auto* failed = std::get_if<plan_error>(&read)) return fail(std::move(*failed));
  written_answer_ = std::get<std::optional<answer>>(std::move(read));
  answer_begin_ = capture_begin_;
  state_ = state::after_member;
}

void plan_parser::close() {
  if (ids_.size() == 0) {
    return fail(plan_errc::no_steps,
                "the plan has no steps; write at least one: "
                "{\"steps\":[{\"id\":1,\"kind\":\"...\",\"prompt\":\"...\",\"depends_on\":[]}]}");
  }
  auto resolved = ids_.resolve(std::move(written_answer_), answer_begin_);
  if (auto* failed = std::get_if<plan_error>(&resolved)) return fail(std::move(*failed));
  final_answer_ = std::get<answer>(std::move(resolved));
  capture_ = {};
  state_ = state::complete;
}

void plan_parser::scan_failed(scan why, char c) {
  if (why == scan::too_deep) {
    return fail(plan_errc::too_deep, "nested more than " + std::to_string(bounds_.json_depth_max) +
                                         " deep; write it flat");
  }
  if (c == '\0') return unexpected("text", c);
  if (why == scan::bad_control) {
    return fail(plan_errc::malformed_json,
                "a raw control character (a line break, perhaps) inside a string; write it as an "
                "escape such as \\n");
  }
  const char awaited = scanner_.awaited();
  unexpected(awaited == '\0' ? "a value" : std::string{'\'', awaited, '\''}, c);
}

void plan_parser::unexpected(std::string_view wanted, char c) {
  if (c == '\0') return fail(plan_errc::nul_character, "a NUL byte; write plain JSON text");
  fail(plan_errc::malformed_json, "found '" + excerpt(std::string_view(&c, 1)) + "' where " +
                                      std::string(wanted) +
                                      " is due; write {\"steps\":[{...},{...}],\"answer\":...}");
}

plan_error plan_parser::cut_short() const {
  if (state_ == state::prose || state_ == state::opened) {
    return make_error(plan_errc::not_a_plan, offset_, 0,
                      "the text holds no JSON object; write only the plan: "
                      "{\"steps\":[...],\"answer\":...}");
  }
  std::string place = "after " + std::to_string(ids_.size()) + " complete steps";
  if (state_ == state::capturing && target_ == target::step) {
    place = "inside the step that begins at byte " + std::to_string(capture_begin_) + ", " + place;
  }
  return make_error(plan_errc::truncated, offset_, 0,
                    "the plan breaks off " + place +
                        "; close it with ]}, or write a shorter plan if the output limit cut it");
}

void plan_parser::fail(plan_errc code, std::string_view text) {
  fail(make_error(code, offset_, 0, text));
}

void plan_parser::fail(plan_error error) {
  error_ = std::move(error);
  capture_ = {};
  state_ = state::failed;
}

}  // namespace tandem::plan
