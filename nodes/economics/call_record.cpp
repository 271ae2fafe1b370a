#include "nodes/economics/call_record.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>

#include <simdjson.h>

#include "actors/engine/replay/csv_reader.hpp"
#include "nodes/economics/log_time.hpp"

namespace tandem {
namespace {

using namespace std::string_view_literals;
using names = std::span<const std::string_view>;

// Letters, digits and nothing else, in lower case: `Prompt Tokens`, `prompt_tokens` and
// `promptTokens` are the same.
constexpr std::array time_names{"timestamp"sv, "time"sv, "created"sv,     "createdat"sv,
                                "starttime"sv, "ts"sv,   "requesttime"sv, "requestcreatedat"sv,
                                "startedat"sv, "date"sv, "arrivedat"sv};
constexpr std::array model_names{"model"sv, "modelname"sv, "requestmodel"sv, "responsemodel"sv,
                                 "modelid"sv};
constexpr std::array input_names{"prompttokens"sv,    "inputtokens"sv,  "contexttokens"sv,
                                 "inputlength"sv,     "promptlength"sv, "tokensprompt"sv,
                                 "numprompttokens"sv, "nprompttokens"sv};
constexpr std::array output_names{
    "completiontokens"sv, "outputtokens"sv,     "generatedtokens"sv, "outputlength"sv,
    "completionlength"sv, "tokenscompletion"sv, "responselength"sv,  "numcompletiontokens"sv};
constexpr std::array cached_names{"cachedtokens"sv, "cachereadinputtokens"sv, "cachedinputtokens"sv,
                                  "promptcachedtokens"sv};
constexpr std::array usd_names{"cost"sv,      "spend"sv, "responsecost"sv, "costusd"sv,
                               "totalcost"sv, "usd"sv,   "totalcostusd"sv, "price"sv};
constexpr std::array user_names{"user"sv, "userid"sv, "enduser"sv, "tenant"sv, "team"sv};
constexpr std::array status_names{"status"sv, "statuscode"sv, "httpstatus"sv, "responsestatus"sv};

std::string plain_name(std::string_view name) {
  std::string plain;
  for (auto c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) plain += c;
  }
  return plain;
}

bool is_one_of(std::string_view plain, names all) {
  return std::find(all.begin(), all.end(), plain) != all.end();
}

constexpr std::string_view bad_number = "a number of tokens or a price is none or below zero";
constexpr std::string_view no_tokens = "it names no tokens";
constexpr std::string_view bad_time = "its time cannot be read";
constexpr std::size_t name_bytes_max = 128;
constexpr double number_max = 1e9;

/// One value under one name, as a number where it is one, and as text.
struct log_value {
  std::optional<double> number;
  std::string_view text;
};

/// Puts named values into a record; the first of several names wins.
class record_filler {
 public:
  explicit record_filler(call_record& into) : into_{into} {}

  void put(std::string_view name, const log_value& value) {
    auto plain = plain_name(name);
    if (is_one_of(plain, input_names)) put_number(into_.input_tokens, value);
    if (is_one_of(plain, output_names)) put_number(into_.output_tokens, value);
    if (is_one_of(plain, cached_names)) put_number(into_.cached_tokens, value);
    if (is_one_of(plain, usd_names)) put_number(into_.usd, value);
    if (is_one_of(plain, time_names)) put_time(value, plain);
    if (is_one_of(plain, model_names) && into_.model.empty())
      into_.model = std::string{value.text.substr(0, name_bytes_max)};
    if (is_one_of(plain, user_names) && into_.user.empty())
      into_.user = std::string{value.text.substr(0, name_bytes_max)};
    if (is_one_of(plain, status_names)) put_status(value);
    // Mooncake's traces count milliseconds from their start.
    if (plain == "inputlength") counts_ms_ = true;
  }

  [[nodiscard]] std::string_view finish() {
    if (!problem_.empty()) return problem_;
    if (!into_.input_tokens && !into_.output_tokens)
      return into_.has_failed ? std::string_view{} : no_tokens;
    if (counts_ms_ && is_small_time_ && into_.time_s) *into_.time_s /= 1000;
    return {};
  }

 private:
  void put_number(std::optional<double>& into, const log_value& value) {
    if (into) return;
    if (!value.number) {
      // A cell left empty says nothing; other text is wrong.
      if (!value.text.empty()) problem_ = bad_number;
      return;
    }
    if (!std::isfinite(*value.number) || *value.number < 0 || *value.number > number_max)
      problem_ = bad_number;
    else
      into = value.number;
  }

  void put_time(const log_value& value, std::string_view) {
    if (into_.time_s) return;
    into_.time_s = value.number ? log_seconds(*value.number) : parse_log_time(value.text);
    if (!into_.time_s && (value.number || !value.text.empty())) problem_ = bad_time;
    is_small_time_ = value.number && *value.number < 1e8;
  }

  void put_status(const log_value& value) {
    if (value.number)
      into_.has_failed = *value.number >= 400;
    else
      into_.has_failed = value.text == "failure" || value.text == "error" || value.text == "failed";
  }

  call_record& into_;
  std::string_view problem_;
  bool counts_ms_ = false;
  bool is_small_time_ = false;
};

/// Where parts of a call may lie within another.
constexpr std::array nested{"usage"sv, "response"sv, "body"sv, "prompttokensdetails"sv,
                            "inputtokensdetails"sv};
constexpr int nested_max = 4;

void put_object(simdjson::dom::object object, record_filler& filler, int depth) {
  for (auto field : object) {
    double number = 0;
    std::string_view text;
    simdjson::dom::object inner;
    if (field.value.get(number) == simdjson::SUCCESS)
      filler.put(field.key, {number, {}});
    else if (field.value.get(text) == simdjson::SUCCESS)
      filler.put(field.key, {{}, text});
    else if (depth < nested_max && field.value.get(inner) == simdjson::SUCCESS &&
             is_one_of(plain_name(field.key), nested))
      put_object(inner, filler, depth + 1);
  }
}

log_value csv_value(std::string_view cell) {
  double number = 0;
  auto [end, failure] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  if (failure == std::errc{} && end == cell.data() + cell.size()) return {number, cell};
  return {{}, cell};
}

bool read_row(std::string_view row, std::vector<std::string>& cells) {
  csv_reader reader{row};
  return reader.next(cells);
}

}  // namespace

struct call_json_reader::parser {
  simdjson::dom::parser json;
};

call_json_reader::call_json_reader() : parser_{std::make_unique<parser>()} {}
call_json_reader::~call_json_reader() = default;

std::string_view call_json_reader::read(std::string_view line, call_record& into) {
  simdjson::dom::element root;
  if (parser_->json.parse(line.data(), line.size()).get(root) != simdjson::SUCCESS)
    return "it is no JSON";
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return "it is no JSON object";
  record_filler filler{into};
  put_object(object, filler, 0);
  return filler.finish();
}

std::string_view call_csv_reader::read_header(std::string_view line) {
  columns_.clear();
  if (!read_row(line, columns_)) return "it is no row of CSV";
  auto has = [&](names all) {
    return std::any_of(columns_.begin(), columns_.end(),
                       [&](const auto& column) { return is_one_of(plain_name(column), all); });
  };
  if (!has(input_names) && !has(output_names))
    return "it is neither JSON nor a CSV header that names tokens, such as "
           "time,model,prompt_tokens,completion_tokens";
  return {};
}

std::string_view call_csv_reader::read(std::string_view row, call_record& into) const {
  std::vector<std::string> cells;
  if (!read_row(row, cells)) return "it is no row of CSV";
  if (cells.size() != columns_.size()) return "it has more or fewer columns than the header";
  record_filler filler{into};
  for (std::size_t i = 0; i < cells.size(); ++i) filler.put(columns_[i], csv_value(cells[i]));
  return filler.finish();
}

}  // namespace tandem
