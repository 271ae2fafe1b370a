#include "nodes/economics/call_log.hpp"

#include <algorithm>

#include "schema/errc.hpp"

namespace tandem {
namespace {

/// So many lines without one call, and it is no log.
constexpr std::uint64_t hopeless_lines = 10'000;

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == line.npos;
}

}  // namespace

caf::error call_log_reader::fail(std::uint64_t line, std::string_view why) const {
  return make_error(errc::invalid_argument,
                    name_ + ":" + std::to_string(line) + ": " + std::string{why});
}

void call_log_reader::skip(std::string_view why, std::uint64_t line) {
  auto found = std::find_if(skipped_.begin(), skipped_.end(),
                            [why](const skipped_lines& s) { return s.why == why; });
  if (found == skipped_.end()) {
    skipped_.push_back({std::string{why}, 0, line});
    found = skipped_.end() - 1;
  }
  ++found->count;
}

caf::error call_log_reader::feed(std::string_view bytes) {
  // A mark of the byte order, as spreadsheets write it.
  if (line_ == 0 && pending_.empty() && bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  while (!bytes.empty()) {
    auto end = bytes.find('\n');
    auto piece = bytes.substr(0, end);
    bytes.remove_prefix(std::min(bytes.size(), piece.size() + 1));
    if (pending_.size() + piece.size() > line_bytes_max) {
      is_too_long_ = true;
      pending_.clear();
    }
    if (!is_too_long_) pending_ += piece;
    if (std::count(piece.begin(), piece.end(), '"') % 2 != 0) is_quoted_ = !is_quoted_;
    if (end == piece.npos) return {};
    ++line_;
    if (auto err = end_line()) return err;
  }
  return {};
}

/// A line has ended; in CSV its row may go on.
caf::error call_log_reader::end_line() {
  if (is_too_long_) {
    skip("longer than 4 MiB", row_line_);
  } else {
    if (form_ == form::csv && is_quoted_) {
      pending_ += '\n';
      return {};
    }
    if (auto err = take_line(pending_)) return err;
  }
  pending_.clear();
  is_too_long_ = false;
  is_quoted_ = false;
  row_line_ = line_ + 1;
  return {};
}

caf::error call_log_reader::begin(std::string_view line) {
  auto first = line[line.find_first_not_of(" \t")];
  if (first == '[')
    return fail(row_line_,
                "it is one list of JSON; write a call a line: jq -c '.[]' FILE | tandem assess "
                "--log -");
  if (first == '{') {
    form_ = form::json;
    return {};
  }
  if (auto why = csv_.read_header(line); !why.empty()) return fail(row_line_, why);
  form_ = form::csv;
  return {};
}

caf::error call_log_reader::take_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (is_blank(line)) return {};
  if (form_ == form::unknown) {
    if (auto err = begin(line)) return err;
    if (form_ == form::csv) return {};
  }
  call_record call;
  auto why = form_ == form::json ? json_.read(line, call) : csv_.read(line, call);
  if (why.empty()) {
    summary_.add(call);
    return {};
  }
  skip(why, row_line_);
  if (summary_.calls() == 0 && line_ >= hopeless_lines)
    return fail(skipped_.front().first_line,
                "no call in the first 10,000 lines; of this one: " + skipped_.front().why);
  return {};
}

caf::error call_log_reader::finish() {
  if (!pending_.empty() || is_too_long_) {
    ++line_;
    if (is_quoted_ && form_ == form::csv) {
      skip("a quote is never closed", row_line_);
    } else if (is_too_long_) {
      skip("longer than 4 MiB", row_line_);
    } else if (auto err = take_line(pending_)) {
      return err;
    }
    pending_.clear();
    is_too_long_ = false;
  }
  if (summary_.calls() > 0) return {};
  if (!skipped_.empty())
    return fail(skipped_.front().first_line,
                "there is no call in it; of this line: " + skipped_.front().why);
  if (summary_.failed() > 0) return fail(1, "every call in it has failed");
  return fail(1, "it is empty");
}

}  // namespace tandem
