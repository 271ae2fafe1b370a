#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>
#include <caf/expected.hpp>

#include "config/sourced_number.hpp"

namespace tandem {

/// What is wrong with a TOML text, one line each with file, line and column; bounded.
class toml_problems {
 public:
  explicit toml_problems(std::string source) : source_{std::move(source)} {}

  void add(const toml::source_region& where, std::string_view text);
  [[nodiscard]] bool empty() const { return lines_.empty(); }
  /// `invalid_argument` with all of them.
  [[nodiscard]] caf::error error() const;

 private:
  std::string source_;
  std::vector<std::string> lines_;
};

/// Parses a text from outside: at most 1 MiB, nested 16 deep. `invalid_argument` says where it is
/// no TOML.
[[nodiscard]] caf::expected<toml::table> parse_toml(std::string_view text,
                                                    const std::string& source);

/// Of a number: what it may be.
struct number_limits {
  double min = 0;
  double max = 1e15;
};

/// Reads the keys of one table; a key that nobody asked for is a problem, which `finish` adds. Only
/// this and files that read TOML include toml++: keep it out of other headers.
class strict_table {
 public:
  /// `shown`: as a problem names it, `[workload]`. The table and the problems must outlive it.
  strict_table(const toml::table& table, std::string shown, toml_problems& problems)
      : table_{table}, shown_{std::move(shown)}, problems_{problems} {}

  [[nodiscard]] const toml::table& raw() const { return table_; }
  [[nodiscard]] const std::string& shown() const { return shown_; }

  [[nodiscard]] std::optional<std::string> text(std::string_view key, std::size_t bytes_max = 4096);
  [[nodiscard]] std::optional<bool> flag(std::string_view key);
  [[nodiscard]] std::optional<double> plain(std::string_view key, number_limits limits);
  /// Two numbers in order, `[60, 85]`, or one that stands for both.
  struct pair {
    double low;
    double high;
  };
  [[nodiscard]] std::optional<pair> range(std::string_view key, number_limits limits);
  /// `18.76`, which is assumed, or `{ value = 18.76, low = 15, high = 20, kind = "measured",
  /// source = "..." }`. What is measured or derived must have a source.
  [[nodiscard]] std::optional<sourced_number> number(std::string_view key, number_limits limits);
  /// The same of a table whose `value` has a form of its own and is `value` as a number.
  [[nodiscard]] std::optional<sourced_number> sourced(std::string_view key, double value,
                                                      number_limits limits);
  /// One of `choices`.
  [[nodiscard]] std::optional<std::string> choice(std::string_view key,
                                                  std::vector<std::string_view> choices);
  /// `[shown.key]`
  [[nodiscard]] std::optional<strict_table> table(std::string_view key);
  /// `[[key]]`, at most `items_max`.
  [[nodiscard]] std::vector<strict_table> tables(std::string_view key, std::size_t items_max);
  /// The node itself, for keys with a form of their own.
  [[nodiscard]] const toml::node* node(std::string_view key);

  void problem(std::string_view key, std::string_view text);
  /// Says that a key is missing.
  void require(std::string_view key, bool is_there);
  void finish();

 private:
  [[nodiscard]] bool in_limits(std::string_view key, double value, number_limits limits);
  [[nodiscard]] std::string child_name(std::string_view key) const;

  const toml::table& table_;
  std::string shown_;
  toml_problems& problems_;
  std::set<std::string, std::less<>> asked_;
};

/// Number of a node, integers included; nothing where it is none or not finite.
[[nodiscard]] std::optional<double> toml_number(const toml::node& node);

}  // namespace tandem
