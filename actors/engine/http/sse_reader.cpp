#include "actors/engine/http/sse_reader.hpp"

#include <cstring>

namespace tandem {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

std::size_t line_end(std::string_view bytes) {
  const auto* lf = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
  auto size = lf == nullptr ? bytes.size() : static_cast<std::size_t>(lf - bytes.data());
  const auto* cr = static_cast<const char*>(std::memchr(bytes.data(), '\r', size));
  if (cr != nullptr) return static_cast<std::size_t>(cr - bytes.data());
  return lf == nullptr ? bytes.npos : size;
}

}  // namespace

std::optional<std::string_view> sse_reader::take_line() {
  if (input_.empty()) return std::nullopt;
  if (skip_lf_ && input_.front() == '\n') input_.remove_prefix(1);
  skip_lf_ = false;
  if (input_.empty()) return std::nullopt;
  auto end = line_end(input_);
  auto piece = input_.substr(0, end);
  if (begun_.size() + piece.size() > event_bytes_max_) {
    too_large_ = true;
    return std::nullopt;
  }
  if (end == input_.npos) {
    begun_ += piece;
    input_ = {};
    return std::nullopt;
  }
  skip_lf_ = input_[end] == '\r';
  input_.remove_prefix(end + 1);
  line_is_view_ = begun_.empty();
  auto line = piece;
  if (!line_is_view_) {
    begun_ += piece;
    line_.swap(begun_);
    begun_.clear();
    line = line_;
  }
  if (at_start_ && line.starts_with(byte_order_mark)) line.remove_prefix(byte_order_mark.size());
  at_start_ = false;
  return line;
}

void sse_reader::add_data(std::string_view value) {
  if (!has_data_ && line_is_view_) {
    view_ = value;
    has_view_ = has_data_ = true;
    return;
  }
  if (has_view_) data_ = view_;
  has_view_ = false;
  if (data_.size() + value.size() + 1 > event_bytes_max_) {
    too_large_ = true;
    return;
  }
  if (has_data_) data_ += '\n';
  data_ += value;
  has_data_ = true;
}

std::optional<std::string_view> sse_reader::emit() {
  auto data = has_view_ ? view_ : std::string_view{data_};
  has_view_ = has_data_ = false;
  emitted_ = true;
  return data;
}

std::optional<std::string_view> sse_reader::next() {
  if (emitted_) data_.clear();
  emitted_ = false;
  while (!too_large_) {
    auto line = take_line();
    if (!line) break;
    if (line->empty()) {
      if (has_data_ && (has_view_ ? !view_.empty() : !data_.empty())) return emit();
      has_view_ = has_data_ = false;
      data_.clear();
      continue;
    }
    auto colon = line->find(':');
    if (line->substr(0, colon) != "data") continue;
    auto value = colon == line->npos ? std::string_view{} : line->substr(colon + 1);
    if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    add_data(value);
  }
  // The piece that it points into will go.
  if (has_view_) data_ = view_;
  has_view_ = false;
  return std::nullopt;
}

std::optional<std::string_view> sse_reader::finish() {
  if (emitted_) data_.clear();
  emitted_ = false;
  if (too_large_) return std::nullopt;
  // The one line that is whole without its end.
  if (!has_data_ && (begun_ == "data: [DONE]" || begun_ == "data:[DONE]")) {
    data_ = "[DONE]";
    has_data_ = true;
    begun_.clear();
  }
  if (!has_data_ || !begun_.empty() || data_.empty()) return std::nullopt;
  return emit();
}

}  // namespace tandem
