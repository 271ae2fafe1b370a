#pragma once

#include <filesystem>

#include "tests/bench/routing_results.hpp"

namespace tandem::bench {

/// Writes the plots below `folder`/routing, and the table and the plots' texts between the markers
/// of `folder`/routing.md. Exits when a file is missing or cannot be written.
void write_documents(const std::filesystem::path& folder, const routing_results& results);

}  // namespace tandem::bench
