#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/bench/bench.hpp"

namespace tandem::bench {

/// Starts these nodes in this process, each with a network of its own on loopback, which join each
/// other and have one set of certificates in `tls`; returns when all see all, and exits when they
/// do not.
[[nodiscard]] std::vector<std::unique_ptr<node>> start_cluster(std::vector<node_config> configs,
                                                               const std::filesystem::path& tls);

}  // namespace tandem::bench
