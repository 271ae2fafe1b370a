#pragma once

#include <filesystem>
#include <string>

#include "tests/bench/routing_results.hpp"

namespace tandem::bench {

/// Writes the plots below `folder`/`name`, and the table and the plots' texts between the markers
/// of `folder`/`name`.md. Exits when a file is missing or cannot be written.
void write_documents(const std::filesystem::path& folder, const std::string& name,
                     const routing_results& results);

}  // namespace tandem::bench
