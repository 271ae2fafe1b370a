#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include "config/node_config.hpp"

namespace tandem {

/// In the data folder; the syntax of the config file, and two lists of names.
inline constexpr std::string_view engines_file = "engines.toml";

/// As it is kept: loads as the same changes.
[[nodiscard]] std::string print_engine_changes(const engine_changes& changes);

/// Replaces the file, so that a reader, or a crash, sees the old one or the new. `storage_failed`.
[[nodiscard]] caf::error save_engine_changes(const std::filesystem::path& data_folder,
                                             const engine_changes& changes);

/// One [[engine]] for a node that runs with `config`; `engines` are those it has now. Relative
/// paths start at the data folder. `invalid_argument` with all problems, one a line; `conflict`:
/// the name is taken.
[[nodiscard]] caf::expected<engine_config> read_added_engine(
    const node_config& config, const std::vector<engine_config>& engines, std::string_view toml);

/// What each command makes of the changes; the engine is one that there is.
void note_added(engine_changes& changes, const engine_config& engine);
void note_removed(engine_changes& changes, const std::string& name);
void note_drained(engine_changes& changes, const std::string& name, bool is_drained);

}  // namespace tandem
