#include "actors/openai/answer_extension.hpp"

#include <utility>

#include "schema/json_writer.hpp"

namespace tandem::dialect {
namespace {

class member_list {
 public:
  explicit member_list(std::string& out) : out_{out} {}

  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    key(name);
    append_json_string(out_, value);
  }

  void number(std::string_view name, std::uint64_t value) {
    if (value == 0) return;
    key(name);
    out_ += std::to_string(value);
  }

  /// In dollars, all nine digits.
  void usd(std::string_view name, std::int64_t nano) {
    if (nano == 0) return;
    key(name);
    auto size = nano < 0 ? 0 - static_cast<std::uint64_t>(nano) : static_cast<std::uint64_t>(nano);
    if (nano < 0) out_ += '-';
    out_ += std::to_string(size / 1'000'000'000);
    auto part = std::to_string(1'000'000'000 + size % 1'000'000'000);
    part[0] = '.';
    part.erase(part.find_last_not_of('0') + 1);
    if (part != ".") out_ += part;
  }

  void milliseconds(std::string_view name, std::uint64_t micro) {
    if (micro == 0) return;
    key(name);
    out_ += std::to_string(micro / 1000);
    auto part = std::to_string(1000 + micro % 1000);
    part[0] = '.';
    out_ += part;
  }

  void truth(std::string_view name, bool value) {
    if (!value) return;
    key(name);
    out_ += "true";
  }

 private:
  void key(std::string_view name) {
    out_ += is_first_ ? "\"" : ",\"";
    out_.append(name).append("\":");
    is_first_ = false;
  }

  std::string& out_;
  bool is_first_ = true;
};

/// Bytes at the end of `text` that begin a character and do not finish it.
std::size_t unfinished(std::string_view text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xc0) == 0x80) continue;
    std::size_t needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needs > back ? back : 0;
  }
  return 0;
}

}  // namespace

void append_extension(std::string& out, const call_end& end) {
  out += R"("tandem":{)";
  member_list members{out};
  members.usd("cost_usd", end.cost_nanousd);
  members.usd("cost_all_large_usd", end.cost_all_large_nanousd);
  members.usd("saved_usd", end.saved_nanousd);
  members.number("calls", end.calls);
  members.number("cache_hits", end.cache_hits);
  members.number("cache_level", end.cache_level);
  members.text("model", end.model);
  members.text("tier", end.tier);
  members.text("engine", end.engine);
  members.text("weight_version", end.weight_version);
  members.text("job", end.job);
  // As text: a number of 64 bits would lose digits in many JSON readers.
  if (end.decision != 0) members.text("decision", std::to_string(end.decision));
  members.truth("simulated", end.simulated);
  members.milliseconds("first_token_ms", end.first_token_us);
  members.milliseconds("total_ms", end.total_us);
  out += '}';
}

void append_chat_usage(std::string& out, const call_end& end) {
  out.append(R"("usage":{"prompt_tokens":)").append(std::to_string(end.prompt_tokens));
  out.append(R"(,"completion_tokens":)").append(std::to_string(end.completion_tokens));
  out.append(R"(,"total_tokens":)")
      .append(std::to_string(end.prompt_tokens + end.completion_tokens));
  out.append(R"(,"prompt_tokens_details":{"cached_tokens":)")
      .append(std::to_string(end.cached_prompt_tokens))
      .append("}}");
}

void append_response_usage(std::string& out, const call_end& end) {
  out.append(R"("usage":{"input_tokens":)").append(std::to_string(end.prompt_tokens));
  out.append(R"(,"input_tokens_details":{"cached_tokens":)")
      .append(std::to_string(end.cached_prompt_tokens));
  out.append(R"(},"output_tokens":)").append(std::to_string(end.completion_tokens));
  out += R"(,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":)";
  out.append(std::to_string(end.prompt_tokens + end.completion_tokens)).append("}");
}

std::string_view character_joiner::join(std::string_view piece) {
  auto whole = piece;
  if (!held_.empty()) {
    joined_ = held_;
    joined_ += piece;
    held_.clear();
    whole = joined_;
  }
  auto tail = unfinished(whole);
  held_ = whole.substr(whole.size() - tail);
  return whole.substr(0, whole.size() - tail);
}

std::string character_joiner::rest() {
  return std::exchange(held_, {});
}

}  // namespace tandem::dialect

namespace tandem {

std::string with_extension(std::string_view object, const call_end& end) {
  auto last = object.rfind('}');
  if (last == object.npos) return std::string{object};
  std::string out;
  out.reserve(object.size() + 512);
  out = object.substr(0, last);
  auto before = out.find_last_not_of(" \t\r\n");
  if (before != out.npos && out[before] != '{') out += ',';
  dialect::append_extension(out, end);
  return out.append(object.substr(last));
}

}  // namespace tandem
