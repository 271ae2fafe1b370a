#include "actors/engine/replay/csv_reader.hpp"

namespace tandem {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

}  // namespace

csv_reader::csv_reader(std::string_view text) : text_{text} {
  if (text_.substr(0, byte_order_mark.size()) == byte_order_mark) at_ = byte_order_mark.size();
}

bool csv_reader::fail(std::string_view what) {
  problem_ = "line " + std::to_string(line_) + ": " + std::string{what};
  at_ = text_.size();
  return false;
}

bool csv_reader::at_line_end() const {
  return at_ == text_.size() || text_[at_] == '\n' || text_.substr(at_, 2) == "\r\n";
}

bool csv_reader::quoted(std::string& field) {
  auto began = line_;
  ++at_;
  while (true) {
    auto quote = text_.find('"', at_);
    if (quote == std::string_view::npos) {
      line_ = began;
      return fail("a quoted field begins here and has no end");
    }
    if (field.size() + (quote - at_) >= field_bytes_max) return fail("a field is above 1 MiB");
    for (auto c : text_.substr(at_, quote - at_)) line_ += c == '\n' ? 1 : 0;
    field.append(text_, at_, quote - at_);
    at_ = quote + 1;
    if (at_ == text_.size() || text_[at_] != '"') break;
    field += '"';
    ++at_;
  }
  if (!at_line_end() && text_[at_] != ',') return fail("text after a field's closing quote");
  return true;
}

bool csv_reader::bare(std::string& field) {
  auto start = at_;
  while (!at_line_end() && text_[at_] != ',') {
    if (text_[at_] == '"') return fail("a quote within a field that is not quoted");
    if (++at_ - start > field_bytes_max) return fail("a field is above 1 MiB");
  }
  field.assign(text_, start, at_ - start);
  return true;
}

bool csv_reader::next(std::vector<std::string>& fields) {
  fields.clear();
  row_line_ = line_;
  if (at_ >= text_.size()) return false;
  while (true) {
    if (fields.size() == fields_max) return fail("a row has more than 256 fields");
    auto& field = fields.emplace_back();
    if (at_ < text_.size() && text_[at_] == '"' ? !quoted(field) : !bare(field)) return false;
    if (at_line_end()) break;
    ++at_;
  }
  if (at_ < text_.size()) {
    at_ += text_[at_] == '\r' ? 2 : 1;
    ++line_;
  }
  return true;
}

}  // namespace tandem
