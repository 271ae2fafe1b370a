#include "actors/openai/response_writer.hpp"

#include <algorithm>
#include <utility>

#include "schema/json_writer.hpp"

namespace tandem::dialect {
namespace {

constexpr std::string_view event_close = "}\n\n";

struct event_names {
  std::string_view part_added;
  std::string_view delta;
  std::string_view done;
  std::string_view part_done;
  /// What the last two call the text.
  std::string_view text;
};

const event_names& names_of(item_kind kind) {
  static constexpr event_names message{"response.content_part.added", "response.output_text.delta",
                                       "response.output_text.done", "response.content_part.done",
                                       "text"};
  static constexpr event_names thought{
      "response.reasoning_summary_part.added", "response.reasoning_summary_text.delta",
      "response.reasoning_summary_text.done", "response.reasoning_summary_part.done", "text"};
  static constexpr event_names call{"", "response.function_call_arguments.delta",
                                    "response.function_call_arguments.done", "", "arguments"};
  return kind == item_kind::message ? message : kind == item_kind::reasoning ? thought : call;
}

std::string_view prefix_of(item_kind kind) {
  return kind == item_kind::message ? "msg_" : kind == item_kind::reasoning ? "rs_" : "fc_";
}

}  // namespace

response_writer::response_writer(const client_chat& request, std::string_view id,
                                 std::uint64_t created_s)
    : id_{id}, object_{request, id, created_s} {}

void response_writer::begin_event(std::string& out, std::string_view type) {
  out.append("event: ").append(type).append("\ndata: {\"type\":\"").append(type);
  out.append(R"(","sequence_number":)").append(std::to_string(sequence_++)).append(",");
}

output_item response_writer::new_item(item_kind kind, std::size_t output_index) const {
  output_item out;
  out.kind = kind;
  out.id.append(prefix_of(kind)).append(id_).append("_").append(std::to_string(output_index));
  return out;
}

std::string response_writer::whole(const call_end& end) {
  std::vector<output_item> items;
  chat_piece piece;
  if (end.body.empty())
    piece.text = end.text;
  else
    piece = read_message(end.body);
  auto add_item = [&items, this](item_kind kind, std::string text) -> output_item& {
    items.push_back(new_item(kind, items.size()));
    items.back().text = std::move(text);
    return items.back();
  };
  if (!piece.reasoning.empty()) add_item(item_kind::reasoning, std::move(piece.reasoning));
  if (!piece.text.empty() || piece.calls.empty())
    add_item(item_kind::message, std::move(piece.text));
  for (auto& call : piece.calls) {
    auto& item = add_item(item_kind::call, std::move(call.arguments));
    item.call_id = std::move(call.id);
    item.name = std::move(call.name);
  }
  finish_ = std::move(piece.finish);
  auto why = cut_by(end);
  items.back().is_cut = !why.empty();
  std::string out;
  object_.append_ended(out, items, why, end);
  return out;
}

std::string response_writer::begin() {
  std::string out;
  for (std::string_view type : {"response.created", "response.in_progress"}) {
    begin_event(out, type);
    out += R"("response":)";
    object_.append_begun(out);
    out += event_close;
  }
  return out;
}

void response_writer::open(std::string& out, output_item item, std::size_t call_index) {
  auto& opened = open_.emplace_back();
  opened.output_index = outputs_++;
  opened.call_index = call_index;
  opened.item = std::move(item);
  auto kind = opened.item.kind;
  auto index = std::to_string(opened.output_index);
  opened.where = R"("item_id":)";
  append_json_string(opened.where, opened.item.id);
  opened.where.append(R"(,"output_index":)").append(index).append(",");
  if (kind == item_kind::message) opened.where += R"("content_index":0,)";
  if (kind == item_kind::reasoning) opened.where += R"("summary_index":0,)";
  begin_event(out, "response.output_item.added");
  out.append(R"("output_index":)").append(index).append(R"(,"item":)");
  append_item(out, opened.item, false);
  out += event_close;
  if (kind == item_kind::call) return;
  begin_event(out, names_of(kind).part_added);
  out.append(opened.where).append(R"("part":)");
  append_part(out, kind, {});
  out += event_close;
}

void response_writer::append_delta(std::string& out, open_item& to, std::string_view text) {
  to.item.text += text;
  begin_event(out, names_of(to.item.kind).delta);
  out.append(to.where).append(R"("delta":)");
  append_json_string(out, text);
  if (to.item.kind == item_kind::message) out += R"(,"logprobs":[])";
  out += event_close;
}

void response_writer::append_pieces(std::string& out, open_item& to, std::string_view piece) {
  auto whole = to.joiner.join(piece);
  if (!whole.empty()) append_delta(out, to, whole);
}

void response_writer::add(std::string& out, item_kind kind, std::string_view piece) {
  if (piece.empty()) return;
  if (open_.empty() || open_.back().item.kind != kind) {
    close(out);
    open(out, new_item(kind, outputs_), 0);
  }
  append_pieces(out, open_.back(), piece);
}

void response_writer::add_call(std::string& out, const chat_piece::call& call) {
  if (!open_.empty() && open_.back().item.kind != item_kind::call) close(out);
  auto known = std::ranges::find(open_, call.index, &open_item::call_index);
  if (known == open_.end()) {
    auto item = new_item(item_kind::call, outputs_);
    item.call_id = call.id.empty() ? "call_" + item.id : call.id;
    item.name = call.name;
    open(out, std::move(item), call.index);
    known = std::prev(open_.end());
  }
  if (!call.arguments.empty()) append_pieces(out, *known, call.arguments);
}

void response_writer::append_done(std::string& out, open_item& of) {
  if (auto rest = of.joiner.rest(); !rest.empty()) append_delta(out, of, rest);
  const auto& names = names_of(of.item.kind);
  begin_event(out, names.done);
  out.append(of.where);
  if (of.item.kind == item_kind::call) {
    out += R"("name":)";
    append_json_string(out, of.item.name);
    out += ',';
  }
  out.append("\"").append(names.text).append("\":");
  append_json_string(out, of.item.text);
  if (of.item.kind == item_kind::message) out += R"(,"logprobs":[])";
  out += event_close;
  if (of.item.kind != item_kind::call) {
    begin_event(out, names.part_done);
    out.append(of.where).append(R"("part":)");
    append_part(out, of.item.kind, of.item.text);
    out += event_close;
  }
  begin_event(out, "response.output_item.done");
  out.append(R"("output_index":)").append(std::to_string(of.output_index)).append(R"(,"item":)");
  append_item(out, of.item, true);
  out += event_close;
}

void response_writer::cut_last() {
  if (!open_.empty()) open_.back().item.is_cut = true;
}

void response_writer::close(std::string& out) {
  for (auto& opened : open_) {
    append_done(out, opened);
    done_.push_back(std::move(opened.item));
  }
  open_.clear();
}

std::string response_writer::text(std::string_view piece) {
  std::string out;
  has_answer_ = has_answer_ || !piece.empty();
  add(out, item_kind::message, piece);
  return out;
}

std::string response_writer::reasoning(std::string_view piece) {
  std::string out;
  add(out, item_kind::reasoning, piece);
  return out;
}

std::string response_writer::event(std::string_view data) {
  return add_piece(read_delta(data));
}

std::string response_writer::add_piece(chat_piece piece) {
  std::string out;
  add(out, item_kind::reasoning, piece.reasoning);
  add(out, item_kind::message, piece.text);
  for (const auto& call : piece.calls) add_call(out, call);
  has_answer_ = has_answer_ || !piece.text.empty() || !piece.calls.empty();
  if (!piece.finish.empty()) finish_ = std::move(piece.finish);
  return out;
}

std::string_view response_writer::cut_by(const call_end& end) const {
  if (finish_ == "content_filter") return "content_filter";
  return end.finish == schema::Finish::LENGTH || finish_ == "length" ? "max_output_tokens" : "";
}

std::string response_writer::end(const call_end& end) {
  std::string out;
  // Of a server that does not stream though it was asked to.
  if (!has_answer_ && !end.body.empty()) out = add_piece(read_message(end.body));
  if (!has_answer_) {
    add(out, item_kind::message, end.text);
    // An answer has a message, also one that says nothing.
    if (open_.empty() || open_.back().item.kind != item_kind::message) {
      close(out);
      open(out, new_item(item_kind::message, outputs_), 0);
    }
  }
  auto why = cut_by(end);
  if (!why.empty()) cut_last();
  close(out);
  begin_event(out, why.empty() ? "response.completed" : "response.incomplete");
  out += R"("response":)";
  object_.append_ended(out, done_, why, end);
  return out.append(event_close);
}

std::string response_writer::fail(const openai_error& error) {
  std::string out;
  cut_last();
  close(out);
  begin_event(out, "response.failed");
  out += R"("response":)";
  object_.append_failed(out, done_, error);
  return out.append(event_close);
}

}  // namespace tandem::dialect
