#pragma once

#include <string>
#include <vector>

#include "config/node_config.hpp"

namespace tandem {

/// What no single key of an engine can tell: what its kind needs, files, keys, addresses, commands.
/// `key` and `shown` come before an engine's key in a problem: `engine.0.`, `[[engine]] 'x': `.
/// Looks at the file system and the environment.
void validate_engine(const engine_config& engine, const std::string& key, const std::string& shown,
                     std::vector<config_problem>& problems);

}  // namespace tandem
