#include "nodes/simulate/trace_source.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <simdjson.h>

#include "nodes/economics/call_record.hpp"
#include "nodes/simulate/job_row.hpp"
#include "nodes/simulate/seeded_random.hpp"
#include "schema/errc.hpp"

namespace tandem::simulation {
namespace {

/// A line of a trace; conversations of 100,000 blocks fit.
constexpr std::size_t line_bytes_max = std::size_t{4} << 20;
constexpr std::uint32_t mooncake_block_tokens = 512;

/// Of a trace whose times go back: it is sorted, so it is in memory.
constexpr std::size_t sorted_rows_max = 2'000'000;

enum class form : std::uint8_t { mooncake, csv, calls, jobs };

/// Lines of a file, each at most line_bytes_max.
class line_reader {
 public:
  explicit line_reader(std::filesystem::path file) : file_{std::move(file)} {}

  caf::error open() {
    in_.close();
    in_.clear();
    in_.open(file_, std::ios::binary);
    number_ = 0;
    if (in_) return caf::none;
    return make_error(errc::not_found,
                      "cannot read " + file_.string() + ": " + std::strerror(errno));
  }

  /// False at the end. Empty lines are skipped.
  caf::expected<bool> next() {
    do {
      ++number_;
      line_.clear();
      // getline would take whatever comes.
      for (int c = in_.get(); c != '\n'; c = in_.get()) {
        if (c == std::ifstream::traits_type::eof()) {
          if (line_.empty()) return false;
          break;
        }
        if (line_.size() >= line_bytes_max)
          return wrong(" is longer than " + std::to_string(line_bytes_max >> 20) + " MiB");
        line_.push_back(static_cast<char>(c));
      }
      if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    } while (line_.empty());
    return true;
  }

  [[nodiscard]] const std::string& line() const { return line_; }
  [[nodiscard]] caf::error wrong(const std::string& what) const {
    return make_error(errc::invalid_argument,
                      file_.string() + ", line " + std::to_string(number_) + what);
  }

 private:
  std::filesystem::path file_;
  std::ifstream in_;
  std::string line_;
  std::uint64_t number_ = 0;
};

class trace_source : public work_source {
 public:
  trace_source(std::filesystem::path file, trace_options options)
      : lines_{std::move(file)}, options_{options}, random_{options.seed} {}

  caf::error open() {
    restart();
    if (error_) return error_;
    auto more = lines_.next();
    if (!more) return more.error();
    if (!*more) return lines_.wrong(" is missing: the file is empty");
    const auto& first = lines_.line();
    if (first.front() == '{')
      form_ = first.find("\"hash_ids\"") != first.npos ? form::mooncake
              : is_job_row(first)                      ? form::jobs
                                                       : form::calls;
    else if (auto why = csv_.read_header(first); why.empty())
      form_ = form::csv;
    else
      return lines_.wrong(": " + std::string{why} +
                          "; `tandem help simulate` names the traces that can be read");
    work_item probe;
    restart();
    if (form_ == form::jobs) {
      if (auto err = load_jobs()) return err;
    }
    auto readable = next(probe);
    restart();
    if (!readable) return readable.error();
    if (form_ != form::jobs)
      if (auto err = sort_if_needed()) return err;
    return error_;
  }

  void rewind() override { restart(); }

  caf::expected<bool> next(work_item& out) override {
    if (error_) return error_;
    if (options_.requests != 0 && given_ == options_.requests) return false;
    auto got = form_ == form::mooncake ? next_spread(out) : read(out);
    if (!got || !*got) return got;
    if (!first_s_) first_s_ = out.at_s;
    out.at_s = (out.at_s - *first_s_) / options_.speed;
    out.difficulty = random_.uniform();
    if (options_.verified > 0 && random_.uniform() < options_.verified) out.verified = true;
    if (out.job) out.job = drawn(*out.job);
    ++given_;
    return true;
  }

 private:
  void restart() {
    error_ = lines_.open();
    random_ = seeded_random{options_.seed};
    given_ = 0;
    first_s_.reset();
    group_.clear();
    group_next_ = 0;
    ahead_.reset();
    jobs_next_ = 0;
    sorted_next_ = 0;
    if (form_ == form::csv && !error_) std::ignore = lines_.next();
  }

  caf::error load_jobs() {
    std::string problem;
    while (true) {
      auto more = lines_.next();
      if (!more) return more.error();
      if (!*more) break;
      work_item item;
      auto got = read_job_row(parser_, lines_.line(), options_.small_tier, item, problem);
      if (got == row_read::wrong) return lines_.wrong(" " + problem);
      if (got == row_read::left_out) continue;
      if (jobs_.size() == trace_jobs_max)
        return lines_.wrong(" is one too many: at most " + std::to_string(trace_jobs_max) +
                            " jobs");
      jobs_.push_back(std::move(item));
    }
    std::stable_sort(jobs_.begin(), jobs_.end(),
                     [](const work_item& a, const work_item& b) { return a.at_s < b.at_s; });
    if (jobs_.empty()) return lines_.wrong(" is the end, and no job before it had an attempt");
    return caf::none;
  }

  /// Logs are of several servers, are written at a call's end, or newest first.
  caf::error sort_if_needed() {
    work_item item;
    auto last = -std::numeric_limits<double>::infinity();
    auto in_order = true;
    std::uint64_t rows = 0;
    for (; in_order && (options_.requests == 0 || rows < options_.requests); ++rows) {
      auto got = read(item);
      if (!got) return got.error();
      if (!*got) break;
      in_order = item.at_s >= last;
      last = item.at_s;
    }
    restart();
    if (in_order) return caf::none;
    while (true) {
      auto got = read(item);
      if (!got) return got.error();
      if (!*got) break;
      if (sorted_.size() == sorted_rows_max)
        return lines_.wrong(": times go back before it, and only " +
                            std::to_string(sorted_rows_max) +
                            " rows are sorted here; sort the file by its times");
      sorted_.push_back(std::move(item));
    }
    std::stable_sort(sorted_.begin(), sorted_.end(),
                     [](const work_item& a, const work_item& b) { return a.at_s < b.at_s; });
    is_sorted_ = true;
    restart();
    return caf::none;
  }

  /// The same job with difficulties for its steps, within what the log knows.
  std::shared_ptr<const planned_job> drawn(const planned_job& job) {
    auto out = std::make_shared<planned_job>(job);
    auto end = options_.small_quality;
    for (auto& step : out->steps) {
      auto share = random_.uniform();
      if (step.small == planned_step::verdict::right)
        step.difficulty = share * end;
      else if (step.small == planned_step::verdict::wrong)
        step.difficulty = 1 - share * (1 - end);
      else
        step.difficulty = share;
    }
    return out;
  }

  caf::expected<bool> read(work_item& out) {
    if (form_ == form::jobs) {
      if (jobs_next_ == jobs_.size()) return false;
      out = jobs_[jobs_next_++];
      return true;
    }
    if (is_sorted_) {
      if (sorted_next_ == sorted_.size()) return false;
      out = sorted_[sorted_next_++];
      return true;
    }
    while (true) {
      auto more = lines_.next();
      if (!more || !*more) return more;
      out = {};
      if (form_ == form::mooncake) return read_mooncake(out);
      call_record call;
      auto why =
          form_ == form::csv ? csv_.read(lines_.line(), call) : calls_.read(lines_.line(), call);
      if (!why.empty()) return lines_.wrong(": " + std::string{why});
      if (!call.time_s) return lines_.wrong(": it has no time");
      // It was refused: nobody knows how much would have been written.
      if (!call.input_tokens && !call.output_tokens) continue;
      out.at_s = *call.time_s;
      out.input_tokens = tokens_of(call.input_tokens);
      out.output_tokens = tokens_of(call.output_tokens);
      out.tenant = std::move(call.user);
      return true;
    }
  }

  static std::uint32_t tokens_of(std::optional<double> count) {
    return bounded_tokens(static_cast<std::uint64_t>(count.value_or(0)));
  }

  /// All of one stamp, spread over the time to the next one.
  caf::expected<bool> next_spread(work_item& out) {
    if (group_next_ == group_.size()) {
      group_.clear();
      group_next_ = 0;
      if (ahead_) group_.push_back(std::move(*std::exchange(ahead_, std::nullopt)));
      while (true) {
        work_item item;
        auto got = read(item);
        if (!got) return got;
        if (!*got) break;
        if (!group_.empty() && item.at_s != group_.front().at_s) {
          ahead_ = std::move(item);
          break;
        }
        group_.push_back(std::move(item));
      }
      if (group_.empty()) return false;
      if (ahead_) gap_s_ = ahead_->at_s - group_.front().at_s;
      auto size = static_cast<double>(group_.size());
      for (std::size_t i = 0; i < group_.size(); ++i)
        group_[i].at_s += std::max(gap_s_, 0.0) * static_cast<double>(i) / size;
    }
    out = std::move(group_[group_next_++]);
    return true;
  }

  caf::expected<bool> read_mooncake(work_item& out) {
    double at = 0;
    std::uint64_t input = 0, output = 0;
    simdjson::dom::element row;
    simdjson::dom::array blocks;
    if (parser_.parse(lines_.line()).get(row) != simdjson::SUCCESS ||
        row["timestamp"].get(at) != simdjson::SUCCESS ||
        row["input_length"].get(input) != simdjson::SUCCESS ||
        row["output_length"].get(output) != simdjson::SUCCESS ||
        row["hash_ids"].get(blocks) != simdjson::SUCCESS)
      return lines_.wrong(" has not timestamp, input_length, output_length and hash_ids");
    out.at_s = at / 1000;
    out.input_tokens = bounded_tokens(input);
    out.output_tokens = bounded_tokens(output);
    out.block_tokens = mooncake_block_tokens;
    for (auto block : blocks) {
      std::uint64_t id = 0;
      if (block.get(id) != simdjson::SUCCESS)
        return lines_.wrong(" has a hash id that is no whole number");
      // 0 stands for no block elsewhere.
      out.blocks.push_back(id + 1);
    }
    return true;
  }

  line_reader lines_;
  trace_options options_;
  form form_ = form::calls;
  simdjson::dom::parser parser_;
  call_json_reader calls_;
  call_csv_reader csv_;
  seeded_random random_;
  caf::error error_;
  std::uint64_t given_ = 0;
  std::optional<double> first_s_;
  std::vector<work_item> group_;
  std::size_t group_next_ = 0;
  std::optional<work_item> ahead_;
  double gap_s_ = 0;
  std::vector<work_item> jobs_;
  std::size_t jobs_next_ = 0;
  /// Of a file that is not in order.
  std::vector<work_item> sorted_;
  bool is_sorted_ = false;
  std::size_t sorted_next_ = 0;
};

}  // namespace

caf::expected<std::unique_ptr<work_source>> open_trace(const std::filesystem::path& file,
                                                       const trace_options& options) {
  auto source = std::make_unique<trace_source>(file, options);
  if (auto err = source->open()) return err;
  return std::unique_ptr<work_source>{std::move(source)};
}

}  // namespace tandem::simulation
