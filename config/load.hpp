#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

#include "config/node_config.hpp"

namespace tandem {

inline constexpr std::size_t config_bytes_max = 1u << 20;

/// Puts a node's configuration together: read_file, then any number of `set`, then `finish`, which
/// tells all problems of all sources at once, each with file, line and column. Text may be hostile:
/// size, nesting and the number of problems are bounded.
class config_loader {
 public:
  config_loader() = default;
  /// Starts from a configuration, to which [[engine]]s and nothing else are added.
  explicit config_loader(node_config base) : config_{std::move(base)}, is_engines_only_{true} {}

  /// Relative paths in the file start at the file's folder.
  void read_file(const std::filesystem::path& file);
  void read_text(std::string_view text, std::string_view source,
                 const std::filesystem::path& folder);

  /// `section.key=value`; for the item of a list `engine.NAME.key=value`, for a section of an
  /// engine `engine.NAME.http.key=value`. The value as in the file, quotes may be left out.
  /// `source`: what a problem is said to come from. Relative paths start at the working folder.
  void set(std::string_view assignment, std::string_view source = "--set");
  void set(std::string_view key, std::string_view value, std::string_view source);

  /// Adds, removes and drains what was added, removed and drained at run time: `engines_file` in
  /// the data folder, where there is one. After everything else.
  void read_engine_changes();

  /// Resolved and valid, or `invalid_argument` with one problem a line.
  [[nodiscard]] caf::expected<node_config> finish();

 private:
  class reader;

  /// The number is free afterwards: engines behind it move up, and what is known of them too.
  void erase_engine(std::size_t number);

  /// Sections of engines whose kind does not read them.
  [[nodiscard]] std::vector<config_problem> find_unused();

  node_config config_;
  std::vector<config_problem> problems_;
  bool is_unread_ = false;
  bool is_engines_only_ = false;
  /// Reading `engines_file`, whose lists of names were read before.
  bool has_name_lists_ = false;
  /// Where a key, an item or a section (these end in a dot) was written, as a prefix for its
  /// problems: `node.toml:3:1: `.
  std::map<std::string, std::string, std::less<>> positions_;
};

/// The file alone.
[[nodiscard]] caf::expected<node_config> load_config(const std::filesystem::path& file);

/// The configuration as commented TOML, which loads as the same configuration.
[[nodiscard]] std::string print_config(const node_config& config);

/// Every key with its default, for the docs.
[[nodiscard]] std::string print_config_reference();

/// Where the config of a plain `tandem-node` lies, for a program at `executable`: $TANDEM_CONFIG,
/// else
/// `../share/tandem/config/embedded.toml` beside the program's folder (installed), else
/// `../../../config/embedded.toml` (a source tree's build/<preset>/bin). `not_found` names the
/// places.
[[nodiscard]] caf::expected<std::filesystem::path> find_default_config(
    const std::filesystem::path& executable);

}  // namespace tandem
