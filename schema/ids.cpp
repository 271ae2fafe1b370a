#include "schema/ids.hpp"

#include <charconv>

namespace tandem {
namespace {

constexpr std::string_view digits = "abcdefghijklmnopqrstuvwxyz234567";

}  // namespace

std::string to_string(journal_id id) {
  std::string text;
  std::uint64_t rest = id.value;
  do {
    text.insert(text.begin(), digits[rest & 31]);
    rest >>= 5;
  } while (rest != 0);
  if (text.size() < journal_id_bits / 5) text.insert(0, journal_id_bits / 5 - text.size(), 'a');
  return text;
}

std::string to_string(job_id id) {
  return to_string(id.journal) + '-' + std::to_string(id.number);
}

std::string effect_key(job_id job, epoch_id epoch, step_id step) {
  return to_string(job) + '/' + std::to_string(epoch.value) + '/' + std::to_string(step.value);
}

std::optional<journal_id> parse_journal_id(std::string_view text) {
  if (text.empty() || text.size() > 12) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    auto digit = digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value << 5 | digit;
  }
  return journal_id{value};
}

std::optional<job_id> parse_job_id(std::string_view text) {
  auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  auto journal = parse_journal_id(text.substr(0, dash));
  auto rest = text.substr(dash + 1);
  std::uint64_t number = 0;
  auto [end, failed] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (!journal || failed != std::errc{} || end != rest.data() + rest.size() || number == 0)
    return std::nullopt;
  return job_id{*journal, number};
}

}  // namespace tandem
